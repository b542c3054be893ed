"""A workspace's ways upstream, and what we know of the hosts behind them."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class Kind(models.TextChoices):
    COMETAPI = "cometapi", _("CometAPI")
    LUMA = "luma", _("Luma")
    SIMULATOR = "simulator", _("Simulator")


class PauseReason(models.TextChoices):
    """Why a connection is not asked. Empty: it is asked."""

    PERSON = "person", _("Paused by a person")
    KEY_REFUSED = "key_refused", _("The provider refused the key")


class ConnectionQuerySet(models.QuerySet["Connection"]):
    def present(self) -> ConnectionQuerySet:
        """Those not removed."""
        return self.filter(removed_at=None)

    def for_making(self) -> ConnectionQuerySet:
        """Those that new generations may go through, in the order they are offered."""
        return self.present().exclude(pause_reason=PauseReason.PERSON).order_by("id")


class Connection(models.Model):
    """One key at one upstream, belonging to one workspace.

    The key is encrypted with the workspace id and the host bound in, so a row copied elsewhere cannot be read there. A
    removed connection forgets its key and is asked no more; its generations and files stay.
    """

    workspace = models.ForeignKey("accounts.Workspace", on_delete=models.CASCADE, related_name="connections")
    name = models.CharField(_("name"), max_length=100)
    kind = models.CharField(_("provider"), max_length=10, choices=Kind.choices)
    base_url = models.CharField(_("address"), max_length=300)
    key_box = models.BinaryField(default=b"")  # nonce + AES-GCM ciphertext; empty once removed
    key_last4 = models.CharField(max_length=4, blank=True)
    pace_factor = models.FloatField(default=1.0)  # 2.0: asked half as often; queries may be billed
    created_at = models.DateTimeField(default=timezone.now)
    removed_at = models.DateTimeField(null=True)

    # Why and until when it is not asked
    pause_reason = models.CharField(max_length=20, choices=PauseReason.choices, blank=True, default="")
    paused_at = models.DateTimeField(null=True)
    blocked_until = models.DateTimeField(null=True)  # after a 429: this key waits until then
    refused_count = models.PositiveIntegerField(default=0)  # 401 and other 403 in a row
    refused_at = models.DateTimeField(null=True)  # the last of them
    next_probe_at = models.DateTimeField(null=True)  # a paused key is tried now and then
    is_out_of_credit = models.BooleanField(default=False)
    looks_like_wrong_account = models.BooleanField(default=False)  # many ids unknown at once

    # Its budget: a bucket of calls that refills by the minute; halved by a 429, grows back with answers
    allowance_per_minute = models.FloatField(default=600.0)
    calls_left = models.FloatField(default=60.0)
    calls_left_at = models.DateTimeField(default=timezone.now)

    # What a person is shown
    asked_at = models.DateTimeField(null=True)
    answered_at = models.DateTimeField(null=True)
    answer_seconds = models.FloatField(null=True)  # of the last exchange
    error_kind = models.CharField(max_length=30, blank=True, default="")
    error_text = models.CharField(max_length=400, blank=True, default="")
    error_at = models.DateTimeField(null=True)
    balance_amount = models.DecimalField(max_digits=16, decimal_places=4, null=True)
    balance_unit = models.CharField(max_length=10, blank=True, default="")
    balance_at = models.DateTimeField(null=True)

    objects = ConnectionQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(kind__in=Kind.values), name="connections_have_a_known_kind"),
            models.CheckConstraint(condition=Q(pace_factor__gte=1.0), name="connections_are_never_asked_faster"),
            models.CheckConstraint(
                condition=Q(removed_at=None) | Q(key_box=b"", key_last4=""), name="removed_connections_have_no_key"
            ),
        ]
        indexes = [models.Index(fields=["workspace", "id"], name="connections_of_a_workspace")]

    def __str__(self) -> str:
        return self.name

    @property
    def is_simulated(self) -> bool:
        return self.kind == Kind.SIMULATOR


class Host(models.Model):
    """The circuit of one upstream host, shared by every key that points there."""

    name = models.CharField(max_length=260, unique=True)  # host:port
    failure_count = models.PositiveIntegerField(default=0)  # in a row
    open_until = models.DateTimeField(null=True)  # asked by one probe at a time until then
    failed_at = models.DateTimeField(null=True)
    error_text = models.CharField(max_length=400, blank=True, default="")

    def __str__(self) -> str:
        return self.name
