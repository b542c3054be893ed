"""Which programs are told of things: a workspace's webhooks, the callbacks that programs asked for, and each delivery."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final
from uuid import uuid4

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from lumaboard.generations.querysets import CLOCK_SLACK


class Format(models.TextChoices):
    """In which words a webhook is told."""

    JSON = "json", _("JSON, signed")
    SLACK = "slack", _("Slack")
    DISCORD = "discord", _("Discord")


class WhyPaused(models.TextChoices):
    """Why a webhook is not called. Empty: it is."""

    PERSON = "person", _("Paused by a person")
    GONE = "gone", _("The receiver said that it is gone")
    FAILING = "failing", _("Too many failures in a row")


class DeliveryState(models.TextChoices):
    WAITING = "waiting", _("Waiting")
    DELIVERED = "delivered", _("Delivered")
    GIVEN_UP = "given_up", _("Given up")


class WebhookQuerySet(models.QuerySet["Webhook"]):
    def present(self) -> WebhookQuerySet:
        """Those not removed."""
        return self.filter(removed_at=None)

    def listening(self) -> WebhookQuerySet:
        """Those that are told of what happens now."""
        return self.present().filter(pause_reason="")


class Webhook(models.Model):
    """An address elsewhere that a workspace has told what happens.

    Address and secret are sealed: that of Slack or Discord is all it takes to write there. A removed one forgets both.
    """

    workspace = models.ForeignKey("accounts.Workspace", on_delete=models.CASCADE, related_name="webhooks")
    name = models.CharField(_("name"), max_length=100)
    format = models.CharField(max_length=10, choices=Format.choices, default=Format.JSON)
    kinds = models.JSONField(default=list)  # of `EventKind`
    url_box = models.BinaryField(default=b"")
    url_host = models.CharField(max_length=300)
    url_tail = models.CharField(max_length=4, blank=True, default="")  # the last characters of its path
    secret_box = models.BinaryField(default=b"")  # empty where the format has no signature
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField(default=timezone.now)
    listening_since = models.DateTimeField(default=timezone.now)  # to these kinds, without a pause
    removed_at = models.DateTimeField(null=True)

    pause_reason = models.CharField(max_length=10, choices=WhyPaused.choices, blank=True, default="")
    paused_at = models.DateTimeField(null=True)
    failure_count = models.PositiveIntegerField(default=0)  # in a row
    failing_since = models.DateTimeField(null=True)
    delivered_at = models.DateTimeField(null=True)

    objects = WebhookQuerySet.as_manager()

    class Meta:
        indexes = [
            # whom an event concerns
            models.Index(fields=["workspace"], name="listening_webhooks", condition=Q(removed_at=None)),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def is_signed(self) -> bool:
        return self.format == Format.JSON


class CallbackSecret(models.Model):
    """What a workspace signs its callbacks with: one for all, so that a program can check them wherever they come from."""

    workspace = models.OneToOneField(
        "accounts.Workspace", on_delete=models.CASCADE, primary_key=True, related_name="callback_secret"
    )
    secret_box = models.BinaryField()

    def __str__(self) -> str:
        return f"callback secret of {self.workspace_id}"


class Callback(models.Model):
    """The address that a program gave with a request, and the token of ours that upstream was given in its place."""

    workspace = models.ForeignKey("accounts.Workspace", on_delete=models.CASCADE, related_name="callbacks")
    generation = models.ForeignKey(
        "generations.Generation", null=True, on_delete=models.CASCADE, related_name="callbacks"
    )
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    token_hash = models.CharField(max_length=64, unique=True)
    token_box = models.BinaryField()
    url_box = models.BinaryField()
    url_host = models.CharField(max_length=300)
    created_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return f"callback to {self.url_host}"


class DeliveryQuerySet(models.QuerySet["Delivery"]):
    def ripe(self, now: datetime) -> DeliveryQuerySet:
        """Those whose time has come; a lease that has run out makes one ripe again.

        It asks for nothing but columns of the row: PostgreSQL looks at those again after waiting for somebody who took it.
        """
        waiting = self.filter(state=DeliveryState.WAITING)
        return waiting.filter(Q(next_try_at__lte=now) | Q(next_try_at__gt=now + CLOCK_SLACK))

    def due(self, now: datetime) -> DeliveryQuerySet:
        """The ripe ones of targets that may be told."""
        rows = self.ripe(now).filter(workspace__deleted_at=None)
        return rows.filter(Q(webhook=None) | Q(webhook__pause_reason="", webhook__removed_at=None))

    def visible_to(self, user_id: int) -> DeliveryQuerySet:
        """Without what tells of private work of others, as it may have become since."""
        return self.filter(
            Q(kind=Delivery.TEST)
            | _shared_or_own("event__generation", user_id)
            | _shared_or_own("event__batch", user_id)
            | _shared_or_own("callback__generation", user_id)
        )


def _shared_or_own(what: str, user_id: int) -> Q:
    return Q(**{f"{what}__is_private": False}) | Q(**{f"{what}__created_by": user_id})


class Delivery(models.Model):
    """One thing to be told to one program, and what came of it.

    What is said is written when it is sent, from the rows as they are then; `uid` is the same at each try, so that a
    receiver can tell a repetition from news.
    """

    TEST: Final = "test"
    CHANGE: Final = "change"  # of a generation's state, to a callback

    workspace = models.ForeignKey("accounts.Workspace", on_delete=models.CASCADE, related_name="deliveries")
    webhook = models.ForeignKey(Webhook, null=True, on_delete=models.CASCADE, related_name="deliveries")
    callback = models.ForeignKey(Callback, null=True, on_delete=models.CASCADE, related_name="deliveries")
    event = models.ForeignKey("news.Event", null=True, on_delete=models.CASCADE, related_name="deliveries")
    number = models.PositiveIntegerField(default=0)  # of the transition that a callback is told of
    kind = models.CharField(max_length=12)  # of `EventKind`, or TEST, or CHANGE
    uid = models.UUIDField(default=uuid4)  # the event's own, where there is one
    host = models.CharField(max_length=300)
    created_at = models.DateTimeField(default=timezone.now)

    state = models.CharField(max_length=10, choices=DeliveryState.choices, default=DeliveryState.WAITING)
    begun_at = models.DateTimeField(default=timezone.now)  # when the day of trying began; a replay begins it anew
    next_try_at = models.DateTimeField(null=True, default=timezone.now)
    lease = models.CharField(max_length=32, blank=True, default="")
    attempts = models.PositiveIntegerField(default=0)  # counted before each try
    tried_at = models.DateTimeField(null=True)
    delivered_at = models.DateTimeField(null=True)
    answer_status = models.PositiveIntegerField(null=True)
    error_text = models.CharField(max_length=400, blank=True, default="")

    objects = DeliveryQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "deliveries"
        constraints = [
            models.UniqueConstraint(fields=["event", "webhook"], name="one_delivery_per_event_and_webhook"),
            models.UniqueConstraint(fields=["callback", "number"], name="one_delivery_per_transition_and_callback"),
            models.CheckConstraint(condition=Q(state__in=DeliveryState.values), name="deliveries_have_a_known_state"),
            models.CheckConstraint(
                condition=Q(webhook__isnull=False, callback=None) | Q(webhook=None, callback__isnull=False),
                name="deliveries_have_one_target",
            ),
            models.CheckConstraint(
                condition=Q(state="waiting", next_try_at__isnull=False) | (~Q(state="waiting") & Q(next_try_at=None)),
                name="waiting_deliveries_are_tried_again",
            ),
        ]
        indexes = [
            models.Index(fields=["next_try_at", "id"], name="due_deliveries", condition=Q(state="waiting")),
            models.Index(fields=["lease"], name="leased_deliveries", condition=~Q(lease="")),
            # the log of one webhook, and of a workspace's callbacks, newest first
            models.Index(fields=["webhook", "-id"], name="deliveries_of_webhook"),
            models.Index(fields=["workspace", "-id"], name="deliveries_to_callbacks", condition=Q(webhook=None)),
            # those to be forgotten
            models.Index(fields=["created_at"], name="deliveries_by_age"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.uid} to {self.host}: {self.state}"

    @property
    def is_waiting(self) -> bool:
        return self.state == DeliveryState.WAITING


TRIED_FOR: Final = timedelta(hours=24)
"""So long a delivery is tried; then it is given up, and shown so."""
