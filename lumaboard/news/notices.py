"""Whom events concern: each of them gets a notice, which the bell counts, the feed brings, and mail may follow."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime
from itertools import groupby
from typing import Final

from django.db.models import IntegerField, OuterRef, Q, Subquery
from django.db.models.expressions import Combinable

from lumaboard.accounts.access import RIGHTS
from lumaboard.accounts.models import Membership
from lumaboard.generations.counts import raise_seq
from lumaboard.news.lines import Line, lines_of
from lumaboard.news.models import OF_STATE, BatchMember, Event, EventKind, Notice, Preference, Whose

MOST_COUNTED: Final = 99
"""The bell says "99+" beyond, so more are not counted."""

MOST_TOASTS: Final = 3
_LOOKED_AT: Final = 20


class _CountOfFew(Subquery):
    """How many rows a limited query finds."""

    template = "(SELECT COUNT(*) FROM (%(subquery)s) AS few)"
    output_field = IntegerField()


def unread_count(*, user_id: int, workspace_id: int) -> Combinable:
    """How much one person has not read, as an expression for any query; it counts one more than are counted, at most."""
    unread = Notice.objects.of(user_id=user_id, workspace_id=workspace_id).unread()
    return _CountOfFew(unread.values("pk")[: MOST_COUNTED + 1])


def newest_notice() -> Combinable:
    """The newest notice of a membership, as an expression for a query of memberships."""
    return Subquery(Notice.objects.filter(membership=OuterRef("pk")).order_by("-pk").values("pk")[:1])


def own_since(seq: int, *, user_id: int, workspace_id: int, workspace_slug: str) -> list[Line]:
    """What was told since of the person's own work, worth a toast and not read; the newest, oldest first.

    It looks at the newest notices alone, however many there are: an open page is never far behind.
    """
    newest = Notice.objects.of(user_id=user_id, workspace_id=workspace_id).with_events().order_by("-pk")[:_LOOKED_AT]
    fresh = [
        notice
        for notice in newest
        if notice.seq > seq and notice.is_loud and notice.seen_at is None and notice.event.owner_id == user_id
    ]
    return lines_of(fresh[:MOST_TOASTS][::-1], user_id=user_id, workspace_slug=workspace_slug)


def tell(events: Sequence[Event], now: datetime) -> None:
    """Write down who hears of these events, and raise the cursor of their open pages."""
    in_batches = _in_batches(events)
    for workspace_id, group in groupby(sorted(events, key=_workspace_of), key=_workspace_of):
        notices = list(_notices_of(workspace_id, list(group), in_batches, now))
        if notices:
            seq = raise_seq(workspace_id)
            for notice in notices:
                notice.seq = seq
            Notice.objects.bulk_create(notices, ignore_conflicts=True, batch_size=500)


def mark_read(*, user_id: int, workspace_id: int, which: Q, now: datetime) -> None:
    """Note that somebody has seen these; what was read is mailed no more."""
    own = Notice.objects.filter(membership__user=user_id, membership__workspace=workspace_id)
    Notice.objects.filter(pk__in=own.filter(which, seen_at=None).values("pk")).update(
        seen_at=now, mail_at=None, mail_claim=None
    )


def _workspace_of(event: Event) -> int:
    return event.workspace_id


def _in_batches(events: Sequence[Event]) -> set[int]:
    """Which of the generations belong to a batch, that will speak for them; one query."""
    settled = [event.generation_id for event in events if event.kind in OF_STATE]
    return set(BatchMember.objects.filter(generation__in=settled).values_list("generation_id", flat=True))


def _notices_of(
    workspace_id: int, events: Sequence[Event], in_batches: Collection[int], now: datetime
) -> Iterator[Notice]:
    owners = {event.owner_id for event in events}
    members = Membership.objects.filter(
        Q(user__in=owners) | Q(news_preference__whose=Whose.EVERYONES),
        workspace=workspace_id,
        role__in=RIGHTS["see"],
        user__is_active=True,
    )
    for membership in members.select_related("user", "news_preference").order_by("pk"):
        preference = Preference.of(membership)
        for event in events:
            is_own = event.owner_id == membership.user_id
            if event.private_to not in (None, membership.user_id) or not preference.wants(event.kind, is_own=is_own):
                continue
            is_spoken_for = event.kind in OF_STATE and event.generation_id in in_batches
            is_loud = not (is_spoken_for and preference.wants(EventKind.BATCH_DONE, is_own=is_own))
            yield Notice(
                membership=membership,
                event=event,
                is_loud=is_loud,
                mail_at=preference.mails_at(event.kind, is_own=is_own, now=now) if is_loud else None,
            )
