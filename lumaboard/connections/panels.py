"""What a person is shown about a connection: one word for how it is, and what waits for it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Q
from django.utils import timezone
from django.utils.formats import date_format, number_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from lumaboard.accounts.access import Member
from lumaboard.connections.checks import Finding
from lumaboard.connections.models import Connection, PauseReason
from lumaboard.upstream.client import KINDS_WITH_LIST


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How a connection is: a word with its icon and tone, and a sentence where one is needed."""

    word: str
    icon: str
    tone: str  # good, warn, bad, or queued for what needs nobody
    sentence: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """One connection on the settings page; `finding` is there right after a check."""

    connection: Connection
    standing: Standing
    waiting: int
    finding: Finding | None = None

    @property
    def host(self) -> str:
        return self.connection.base_url.partition("://")[2]

    @property
    def has_list(self) -> bool:
        return self.connection.kind in KINDS_WITH_LIST

    @property
    def is_paused(self) -> bool:
        return bool(self.connection.pause_reason)

    @property
    def needs_key(self) -> bool:
        return self.connection.pause_reason == PauseReason.KEY_REFUSED or self.connection.error_kind in {
            "auth_error",
            "key_unreadable",
        }

    @property
    def answer_time(self) -> str:
        seconds = self.connection.answer_seconds
        if seconds is None:
            return ""
        if seconds < 1:
            return _("%(count)d ms") % {"count": max(1, round(seconds * 1000))}
        return _("%(count)s s") % {"count": number_format(seconds, decimal_pos=1)}

    @property
    def waits(self) -> str:
        """Who waits for a connection that is not asked, so that nobody takes the silence for a loss."""
        if not self.waiting or not (self.is_paused or self.standing.tone == "bad"):
            return ""
        return ngettext(
            "%(count)d generation waits; it is not lost.", "%(count)d generations wait; none is lost.", self.waiting
        ) % {"count": self.waiting}


def panels_of(member: Member, *, now: datetime) -> list[Panel]:
    """Every connection of the workspace that was not removed, oldest first; three queries."""
    connections = Connection.objects.present().filter(workspace=member.workspace).order_by("created_at", "id")
    waiting = waiting_counts(member)
    return [panel_of(connection, waiting=waiting.get(connection.pk, 0), now=now) for connection in connections]


def panel_of(connection: Connection, *, waiting: int, now: datetime, finding: Finding | None = None) -> Panel:
    return Panel(connection=connection, standing=standing_of(connection, now=now), waiting=waiting, finding=finding)


def waiting_counts(member: Member) -> dict[int, int]:
    """How many of the generations this member sees have not settled, by connection; two queries, each with an index."""
    shared = Q(generations__is_private=False)
    own = Q(generations__is_private=True, generations__created_by=member.user)
    counts: Counter[int] = Counter()
    for seen in (shared, own):
        rows = (
            Connection.objects.filter(
                seen,
                workspace=member.workspace,
                generations__workspace=member.workspace,
                generations__state__in=("queued", "running"),
                generations__trashed_at=None,
            )
            .values_list("pk")
            .annotate(total=Count("generations"))
        )
        counts.update(dict(rows.order_by()))
    return counts


def standing_of(connection: Connection, *, now: datetime) -> Standing:
    """The first of these that holds, the one that needs a person most before the others."""
    if connection.pause_reason == PauseReason.KEY_REFUSED:
        sentence = _("Paused since %(time)s: the provider refused this key twice.") % {
            "time": _moment(connection.paused_at)
        }
        return Standing(word=_("Key refused"), icon="octagon-x", tone="bad", sentence=sentence)
    if connection.pause_reason:
        sentence = _("Paused by a person since %(time)s.") % {"time": _moment(connection.paused_at)}
        return Standing(word=_("Paused"), icon="pause", tone="queued", sentence=sentence)
    if connection.is_out_of_credit:
        sentence = _("The account has no credit left. Running generations are still looked up.")
        return Standing(word=_("Out of credit"), icon="wallet", tone="warn", sentence=sentence)
    if connection.looks_like_wrong_account:
        sentence = _("The provider does not know many of the ids asked for. Is this the key of another account?")
        return Standing(word=_("Wrong account?"), icon="circle-question-mark", tone="warn", sentence=sentence)
    if connection.blocked_until is not None and connection.blocked_until > now:
        sentence = _("The provider asked for fewer requests. It goes on at %(time)s.") % {
            "time": _moment(connection.blocked_until)
        }
        return Standing(word=_("Waiting"), icon="timer", tone="warn", sentence=sentence)
    if _failed_last(connection):
        return Standing(word=_("Not working"), icon="wifi-off", tone="bad", sentence=connection.error_text)
    if connection.answered_at is None:
        return Standing(word=_("Not asked yet"), icon="clock", tone="queued")
    return Standing(word=_("Working"), icon="circle-check", tone="good")


def _failed_last(connection: Connection) -> bool:
    if connection.error_at is None or not connection.error_kind:
        return False
    return connection.answered_at is None or connection.error_at >= connection.answered_at


def _moment(at: datetime | None) -> str:
    """The time of day, with the date where it is another day's."""
    if at is None:
        return "?"
    local = timezone.localtime(at)
    is_today = local.date() == timezone.localdate()
    return date_format(local, "H:i" if is_today else "j M, H:i")
