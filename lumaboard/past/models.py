"""Walks through what upstream lists: how far one has come, and what it found."""

from __future__ import annotations

from datetime import datetime

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from lumaboard.generations.querysets import CLOCK_SLACK


class WalkState(models.TextChoices):
    WALKING = "walking", _("Under way")
    DONE = "done", _("Done")
    FAILED = "failed", _("Failed")
    CANCELLED = "cancelled", _("Stopped")


class WalkQuerySet(models.QuerySet["Walk"]):
    def due(self, now: datetime) -> WalkQuerySet:
        """Those that go on now, and that nobody holds."""
        is_due = Q(next_step_at__lte=now) | Q(next_step_at__gt=now + CLOCK_SLACK)
        return self.filter(is_due, state=WalkState.WALKING)


class Walk(models.Model):
    """One way through the list of a connection, from the newest to the oldest: to look, or to bring in.

    All that it needs to go on is in its row and in what it has `met`, and both are written with what a page brought; so
    it may be killed at any moment.
    """

    workspace = models.ForeignKey("accounts.Workspace", on_delete=models.CASCADE, related_name="walks")
    connection = models.ForeignKey("connections.Connection", on_delete=models.CASCADE, related_name="walks")
    started_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="walks")
    is_dry = models.BooleanField()  # only looks
    is_private = models.BooleanField(default=False)  # what it brings in is for `started_by` alone
    state = models.CharField(max_length=10, choices=WalkState.choices, default=WalkState.WALKING)
    started_at = models.DateTimeField(default=timezone.now)
    ended_at = models.DateTimeField(null=True)

    # Where it stands
    offset = models.PositiveIntegerField(default=0)  # of the page that is read next
    is_closing = models.BooleanField(default=False)  # came to the end, and looks for what was made meanwhile
    fruitless_count = models.PositiveIntegerField(default=0)  # pages in a row that held nothing it had not met
    next_step_at = models.DateTimeField(default=timezone.now)  # while somebody holds it: when that ends by itself
    lease = models.CharField(max_length=32, blank=True, default="")
    attempts = models.PositiveIntegerField(default=0)  # failed ones in a row
    error_text = models.CharField(max_length=400, blank=True, default="")

    # What it found
    total = models.PositiveIntegerField(null=True)  # as upstream says
    new_count = models.PositiveIntegerField(default=0)
    known_count = models.PositiveIntegerField(default=0)
    awaited_count = models.PositiveIntegerField(default=0)  # left to requests that may have made them
    unreadable_count = models.PositiveIntegerField(default=0)
    oldest_at = models.DateTimeField(null=True)  # of the new ones
    newest_at = models.DateTimeField(null=True)
    sample = models.JSONField(default=list)  # [{"prompt": …, "made_at": ISO or ""}] of new ones; for `started_by` alone

    objects = WalkQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["connection"], name="one_walk_at_a_time", condition=Q(state=WalkState.WALKING)
            ),
            models.CheckConstraint(condition=Q(state__in=WalkState.values), name="walks_have_a_known_state"),
            models.CheckConstraint(
                condition=Q(state=WalkState.WALKING, ended_at=None)
                | (~Q(state=WalkState.WALKING) & Q(ended_at__isnull=False)),
                name="walks_that_ended_say_when",
            ),
        ]
        indexes = [models.Index(fields=["connection", "-id"], name="walks_of_a_connection")]

    def __str__(self) -> str:
        return f"walk {self.pk}: {self.state}"

    @property
    def is_walking(self) -> bool:
        return self.state == WalkState.WALKING

    @property
    def met_count(self) -> int:
        return self.new_count + self.known_count + self.awaited_count


class Met(models.Model):
    """One generation that a walk has met, for as long as it walks: pages overlap, and the list shifts below it."""

    walk = models.ForeignKey(Walk, on_delete=models.CASCADE, related_name="met")
    task_id = models.CharField(max_length=191)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["walk", "task_id"], name="a_walk_meets_each_once")]

    def __str__(self) -> str:
        return f"{self.walk_id}: {self.task_id}"
