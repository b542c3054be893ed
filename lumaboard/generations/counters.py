"""What is counted and clocked beside the record: how many there are, how long they take, when the workers last went round."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q


class Count(models.Model):
    """How many generations of a workspace lie in one bucket; written with the change, so no page ever counts rows.

    Rows without an owner count shared work, the others one person's private work: a person is shown the sum of both.
    """

    workspace = models.ForeignKey("accounts.Workspace", on_delete=models.CASCADE, related_name="counts")
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.CASCADE, related_name="+")
    bucket = models.CharField(max_length=12)
    total = models.BigIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["workspace", "bucket"], name="one_count_per_bucket", condition=Q(owner__isnull=True)
            ),
            models.UniqueConstraint(
                fields=["workspace", "owner", "bucket"],
                name="one_private_count_per_bucket",
                condition=Q(owner__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.bucket}: {self.total}"


class Wait(models.Model):
    """How long generations of a workspace usually take, learned from its own history; all in seconds."""

    workspace = models.ForeignKey("accounts.Workspace", on_delete=models.CASCADE, related_name="waits")
    connection_kind = models.CharField(max_length=10)
    low_s = models.PositiveIntegerField()
    high_s = models.PositiveIntegerField()
    p90_s = models.PositiveIntegerField()
    learned_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["workspace", "connection_kind"], name="one_wait_per_kind")]

    def __str__(self) -> str:
        return f"{self.low_s} to {self.high_s} s"


class Beat(models.Model):
    """A clock shared by all workers, and the sign of life the supervisor looks for: `tick`, `probe`, `copy`."""

    name = models.CharField(max_length=40, unique=True)
    due_at = models.DateTimeField()
    beaten_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return self.name
