"""What somebody asked upstream to make: written down before it leaves, and matched to what came of it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from lumaboard.connections.models import Kind
from lumaboard.generations.models import shared_work_stays

LONGEST_CURRENCY: Final = 12


class Source(models.TextChoices):
    """Which way it came in."""

    FORM = "form", _("Form")
    API = "api", _("API")
    PROXY = "proxy", _("Proxy")


class IntentState(models.TextChoices):
    INTENDED = "intended", _("Not sent")
    SENDING = "sending", _("Being sent")
    ACCEPTED = "accepted", _("Accepted")
    REFUSED = "refused", _("Refused")
    UNKNOWN = "unknown", _("Outcome unknown")


class Kinship(models.TextChoices):
    """How one generation came of another."""

    AGAIN = "again", _("Made again from")
    VARY = "vary", _("Varied from")
    EXTEND = "extend", _("Continues")
    REVERSE = "reverse", _("Leads into")
    START_FRAME = "start_frame", _("Starts with a frame of")
    END_FRAME = "end_frame", _("Ends with a frame of")


class IsOpen(models.Func):
    """The condition of the partial index on intents that are not settled; SQLite wants its words written out."""

    template = "%(expressions)s IN ('intended', 'sending', 'unknown')"
    output_field = models.BooleanField()


class IntentQuerySet(models.QuerySet["Intent"]):
    def visible_to(self, user_id: int) -> IntentQuerySet:
        """What this person may be shown: shared work, and private work of one's own."""
        return self.filter(Q(is_private=False) | Q(created_by=user_id))

    def unsettled(self, *, now: datetime) -> IntentQuerySet:
        """Those a person should look at: nobody knows what came of them, or they never left and nobody was told."""
        never_left = Q(state=IntentState.INTENDED, created_at__lte=now - NEVER_LEFT_AFTER)
        return self.open().filter(Q(state=IntentState.UNKNOWN) | never_left)

    def open(self) -> IntentQuerySet:
        """Those that are not settled and not dismissed; the partial index `open_intents` answers it."""
        return self.filter(IsOpen("state"), dismissed_at=None)


NEVER_LEFT_AFTER = timedelta(minutes=2)
"""An intent that has not left after so long was forgotten by a process that died."""


class Per(models.TextChoices):
    """What a price is for."""

    SECOND = "second", _("per second of film")
    REQUEST = "request", _("per generation")


class Intent(models.Model):
    """One request to make something, as it was asked for, and what came of it.

    The row is there before the request leaves. `is_sendable` is the right to send it, which is taken before each sending
    and given back only when nothing can have been made; so whatever is killed when, nothing is sent twice. `request` and
    `answer` are texts as they travelled.
    """

    workspace = models.ForeignKey("accounts.Workspace", on_delete=models.CASCADE, related_name="intents")
    connection = models.ForeignKey("connections.Connection", on_delete=models.CASCADE, related_name="intents")
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=shared_work_stays, related_name="intents"
    )
    is_private = models.BooleanField(default=False)
    source = models.CharField(max_length=10, choices=Source.choices)
    route = models.CharField(max_length=1000)  # behind /dream-machine/v1
    request = models.TextField()
    digest = models.CharField(max_length=64)  # of connection, route and request: what "the same" means
    batch = models.ForeignKey("news.Batch", null=True, on_delete=models.SET_NULL, related_name="intents")
    callback = models.ForeignKey("news.Callback", null=True, on_delete=models.SET_NULL, related_name="intents")
    made_from = models.JSONField(default=list)  # [[generation id, Kinship]]: what the request itself does not tell
    idempotency_key = models.CharField(max_length=255, blank=True, default="")
    created_at = models.DateTimeField(default=timezone.now)

    state = models.CharField(max_length=10, choices=IntentState.choices, default=IntentState.INTENDED)
    is_sendable = models.BooleanField(default=True)
    sent_at = models.DateTimeField(null=True)
    answered_at = models.DateTimeField(null=True)
    answer_status = models.PositiveIntegerField(null=True)
    answer_headers = models.JSONField(default=dict)
    answer = models.TextField(blank=True, default="")
    error_kind = models.CharField(max_length=30, blank=True, default="")
    error_text = models.CharField(max_length=400, blank=True, default="")

    # What it was to cost by the workspace's own prices when it was ordered; empty where none was set
    estimate = models.DecimalField(max_digits=14, decimal_places=4, null=True)
    estimate_currency = models.CharField(max_length=LONGEST_CURRENCY, blank=True, default="")

    task_id = models.CharField(max_length=191, blank=True, default="")
    generation = models.ForeignKey(
        "generations.Generation", null=True, on_delete=models.CASCADE, related_name="intents"
    )

    # While the outcome is unknown: when upstream's list is looked through next, and what a person decided
    next_look_at = models.DateTimeField(null=True)
    looked_at = models.DateTimeField(null=True)
    candidates = models.JSONField(default=list)  # [{"task_id": …, "created_at": ISO}], where a person has to choose
    dismissed_at = models.DateTimeField(null=True)
    dismissed_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")

    objects = IntentQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["workspace", "created_by", "idempotency_key"],
                name="one_intent_per_idempotency_key",
                condition=~Q(idempotency_key=""),
            ),
            models.CheckConstraint(condition=Q(state__in=IntentState.values), name="intents_have_a_known_state"),
            models.CheckConstraint(
                condition=~Q(state="accepted") | (Q(generation__isnull=False) & ~Q(task_id="")),
                name="accepted_intents_are_tracked",
            ),
            models.CheckConstraint(
                condition=~Q(state__in=("sending", "accepted", "unknown")) | Q(is_sendable=False),
                name="intents_that_may_have_made_something_are_not_sent_again",
            ),
            models.CheckConstraint(
                condition=Q(is_private=False) | Q(created_by__isnull=False), name="private_intents_have_an_owner"
            ),
        ]
        indexes = [
            # what a job or a person has to look at; the accepted ones, nearly all, are not among them
            models.Index(
                fields=["workspace", "id"],
                name="open_intents",
                condition=Q(state__in=("intended", "sending", "unknown"), dismissed_at=None),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.source} {self.pk}: {self.state}"

    @property
    def never_left(self) -> bool:
        """Whether it could not be sent, and whoever sent it was told."""
        return self.state == IntentState.INTENDED and self.dismissed_at is not None

    @property
    def is_under_way(self) -> bool:
        """Whether it will be sent, or is being sent, so that its outcome is to come."""
        return self.state in (IntentState.INTENDED, IntentState.SENDING) and not self.never_left

    @property
    def private_to(self) -> int | None:
        """Who alone sees it; None where the workspace does."""
        return self.created_by_id if self.is_private else None


class Lineage(models.Model):
    """One generation came of another, in one way."""

    parent = models.ForeignKey("generations.Generation", on_delete=models.CASCADE, related_name="descents")
    child = models.ForeignKey("generations.Generation", on_delete=models.CASCADE, related_name="origins")
    kind = models.CharField(max_length=12, choices=Kinship.choices)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["child", "parent", "kind"], name="one_lineage_of_a_kind"),
            models.CheckConstraint(condition=~Q(parent=models.F("child")), name="nothing_comes_of_itself"),
        ]

    def __str__(self) -> str:
        return f"{self.child_id} of {self.parent_id}: {self.kind}"


class Picture(models.Model):
    """A picture that somebody gave to begin or end a film with. Nobody else picks it, and it goes with whoever gave it."""

    workspace = models.ForeignKey("accounts.Workspace", on_delete=models.CASCADE, related_name="pictures")
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="pictures")
    sha256 = models.CharField(max_length=64)
    stored_name = models.CharField(max_length=200)
    content_type = models.CharField(max_length=40)
    size = models.PositiveBigIntegerField()
    width = models.PositiveIntegerField()
    height = models.PositiveIntegerField()
    created_at = models.DateTimeField(default=timezone.now)
    used_at = models.DateTimeField(null=True)  # when it was last ordered with; what never was is forgotten soon

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["workspace", "created_by", "sha256"], name="one_picture_per_content"),
        ]
        indexes = [models.Index(fields=["sha256"], name="pictures_by_content")]

    def __str__(self) -> str:
        return f"{self.width} × {self.height}"


class Price(models.Model):
    """What a workspace pays, by its own account. Where a word is empty the price is for every one."""

    workspace = models.ForeignKey("accounts.Workspace", on_delete=models.CASCADE, related_name="prices")
    kind = models.CharField(max_length=10, choices=Kind.choices, blank=True, default="")
    model = models.CharField(max_length=80, blank=True, default="")
    resolution = models.CharField(max_length=20, blank=True, default="")
    per = models.CharField(max_length=10, choices=Per.choices, default=Per.SECOND)
    amount = models.DecimalField(max_digits=12, decimal_places=4)
    currency = models.CharField(max_length=LONGEST_CURRENCY)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["workspace", "kind", "model", "resolution"], name="one_price_for_the_same"),
            models.CheckConstraint(condition=Q(amount__gte=0), name="prices_are_not_negative"),
            models.CheckConstraint(condition=Q(per__in=Per.values), name="prices_are_for_something_known"),
        ]

    def __str__(self) -> str:
        return f"{self.amount.normalize():f} {self.currency} {self.per}"
