"""What is worth telling: written down in the transaction of what happened, and told to everybody it concerns afterwards."""

from __future__ import annotations

from uuid import uuid4

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from lumaboard.generations.models import shared_work_stays
from lumaboard.news.hooks import models as hooks_models  # noqa: F401  register its tables


class EventKind(models.TextChoices):
    SUCCEEDED = "succeeded", _("Ready")
    FAILED = "failed", _("Failed")
    AT_RISK = "at_risk", _("File at risk")
    LOST = "lost", _("File lost")
    BATCH_DONE = "batch_done", _("Batch done")


OF_STATE = (EventKind.SUCCEEDED, EventKind.FAILED)


class Batch(models.Model):
    """Generations that somebody asked for together, so that one word can be said when all of them are settled.

    `wanted_count` is how many are still expected: a take that was refused is expected no more.
    """

    uid = models.UUIDField(default=uuid4)  # for takes the token of their form, which is unique to its person alone
    workspace = models.ForeignKey("accounts.Workspace", on_delete=models.CASCADE, related_name="batches")
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=shared_work_stays, related_name="batches"
    )
    is_private = models.BooleanField(default=False)
    wanted_count = models.PositiveIntegerField()
    created_at = models.DateTimeField(default=timezone.now)
    done_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["workspace", "created_by", "uid"], name="one_batch_per_token"),
            models.CheckConstraint(
                condition=Q(is_private=False) | Q(created_by__isnull=False), name="private_batches_have_an_owner"
            ),
        ]
        indexes = [
            # those to be forgotten
            models.Index(fields=["created_at"], name="batches_by_age"),
        ]

    def __str__(self) -> str:
        return f"batch {self.uid}"


class BatchMember(models.Model):
    """A generation of a batch; it belongs to one at most, the first that asked for it."""

    batch = models.ForeignKey(Batch, on_delete=models.CASCADE, related_name="members")
    generation = models.OneToOneField(
        "generations.Generation", on_delete=models.CASCADE, primary_key=True, related_name="batch_member"
    )

    def __str__(self) -> str:
        return f"{self.generation_id} of {self.batch_id}"


class Event(models.Model):
    """One thing that happened, once; `uid` is what everybody who hears of it may know it by.

    It is the outbox: the row is there if and only if the change is. `spread_at` says when everybody it concerns was written
    down as such; until then a job finds it.
    """

    uid = models.UUIDField(unique=True, default=uuid4)
    workspace = models.ForeignKey("accounts.Workspace", on_delete=models.CASCADE, related_name="events")
    kind = models.CharField(max_length=12, choices=EventKind.choices)
    generation = models.ForeignKey("generations.Generation", null=True, on_delete=models.CASCADE, related_name="events")
    batch = models.OneToOneField(Batch, null=True, on_delete=models.CASCADE, related_name="event")
    number = models.PositiveIntegerField(default=0)  # of the transition it tells of; 0 where it tells of none
    at = models.DateTimeField()
    spread_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["generation", "kind", "number"], name="one_event_per_happening"),
            models.CheckConstraint(condition=Q(kind__in=EventKind.values), name="events_have_a_known_kind"),
            models.CheckConstraint(
                condition=Q(generation__isnull=False, batch=None) | Q(generation=None, batch__isnull=False),
                name="events_are_about_one_thing",
            ),
        ]
        indexes = [
            # the outbox: what nobody was told of yet
            models.Index(fields=["id"], name="unspread_events", condition=Q(spread_at=None)),
            # those to be forgotten
            models.Index(fields=["at"], name="events_by_age"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.uid}"

    @property
    def private_to(self) -> int | None:
        """Who alone may hear of it; None where the workspace may."""
        about = self.generation or self.batch
        assert about is not None  # a constraint says so
        return about.created_by_id if about.is_private else None

    @property
    def owner_id(self) -> int | None:
        """Whose generation or batch it is about."""
        about = self.generation or self.batch
        assert about is not None
        return about.created_by_id
