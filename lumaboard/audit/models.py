"""Who did what."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import F
from django.utils import timezone

from lumaboard.audit.verbs import Audience


class AuditEvent(models.Model):
    """One privileged act. Rows are written in the transaction of the act, and what they say is never changed.

    `kind` and `audience` follow from the verb, but that the audience of what was done to private work is its owner alone;
    they stand here so that every filter of the activity page is an index.
    """

    workspace = models.ForeignKey(
        "accounts.Workspace", null=True, on_delete=models.CASCADE, related_name="audit_events"
    )
    actor = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    is_automatic = models.BooleanField(default=False)  # nobody did it; else a missing actor's row was deleted
    verb = models.CharField(max_length=40)
    kind = models.CharField(max_length=12)  # of `verbs.Kind`
    audience = models.CharField(max_length=24, default=Audience.ADMINS)
    target_kind = models.CharField(max_length=40, blank=True)
    target_id = models.CharField(max_length=64, blank=True)
    detail = models.JSONField(default=dict)
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        indexes = [
            # The activity page reads each audience by itself, newest first: as a whole, of one person, of one kind, of both.
            models.Index(F("workspace"), F("audience"), F("at").desc(), F("id").desc(), name="activity"),
            models.Index(
                F("workspace"), F("audience"), F("actor"), F("at").desc(), F("id").desc(), name="activity_by_person"
            ),
            models.Index(
                F("workspace"), F("audience"), F("kind"), F("at").desc(), F("id").desc(), name="activity_by_kind"
            ),
            models.Index(
                F("workspace"),
                F("audience"),
                F("actor"),
                F("kind"),
                F("at").desc(),
                F("id").desc(),
                name="activity_by_person_and_kind",
            ),
            # What was done to one thing.
            models.Index(fields=["target_kind", "target_id"], name="audit_of_a_target"),
        ]

    def __str__(self) -> str:
        return f"{self.verb} {self.target_kind} {self.target_id}"
