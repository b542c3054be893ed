"""What people put beside a generation: stars of their own, and notes for each other."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone


class Favourite(models.Model):
    """One person's star; nobody else's business, so it changes no card and raises no change counter."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="favourites")
    generation = models.ForeignKey("generations.Generation", on_delete=models.CASCADE, related_name="favourites")
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "generation"], name="one_star_per_person")]

    def __str__(self) -> str:
        return f"{self.user_id} likes {self.generation_id}"


class NoteQuerySet(models.QuerySet["Note"]):
    def present(self) -> NoteQuerySet:
        """Those that were not deleted."""
        return self.filter(deleted_at=None)


class Note(models.Model):
    """What somebody wrote about a generation, as typed. A deleted one is kept for a day, so that it can be brought back."""

    generation = models.ForeignKey("generations.Generation", on_delete=models.CASCADE, related_name="notes")
    author = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    text = models.TextField()
    created_at = models.DateTimeField()
    edited_at = models.DateTimeField(null=True)
    deleted_at = models.DateTimeField(null=True)
    deleted_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")

    objects = NoteQuerySet.as_manager()

    class Meta:
        indexes = [
            # a generation's notes, newest last
            models.Index(fields=["generation", "created_at", "id"], name="notes_of_a_generation"),
            # those to be forgotten
            models.Index(fields=["deleted_at"], name="deleted_notes", condition=Q(deleted_at__isnull=False)),
        ]

    def __str__(self) -> str:
        return f"note {self.pk} on {self.generation_id}"
