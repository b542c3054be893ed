"""Take events out of the outbox, and write down whom each concerns; telling them is a matter of its own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Final

from django.db import transaction

from lumaboard.accounts.models import Workspace
from lumaboard.news import notices
from lumaboard.news.hooks import webhooks
from lumaboard.news.models import Event

Teller = Callable[[Sequence[Event], datetime], None]

TELLERS: Final[tuple[Teller, ...]] = (notices.tell, webhooks.tell)
"""Each writes down whom these events concern in one way, in the transaction that takes them out of the outbox."""

_AT_ONCE: Final = 200


def spread(*, now: datetime) -> bool:
    """Spread the oldest events, and say whether there are more.

    Of two who do at once, one does: the rows are locked, and stay in the outbox where anything fails. The workspaces are
    locked first, as by everybody who changes what is in them, and with them who is a member.
    """
    with transaction.atomic():
        waiting = Event.objects.filter(spread_at=None).order_by("pk")
        workspaces = sorted(set(waiting.values_list("workspace", flat=True)[:_AT_ONCE]))
        waiting = waiting.filter(workspace__in=_held(workspaces))
        keys = list(waiting.select_for_update(skip_locked=True).values_list("pk", flat=True)[:_AT_ONCE])
        present = Event.objects.filter(pk__in=keys, workspace__deleted_at=None)
        events = list(present.select_related("workspace", "generation", "batch").order_by("pk"))
        for tell in TELLERS:
            tell(events, now)
        Event.objects.filter(pk__in=keys).update(spread_at=now)
    return len(keys) == _AT_ONCE


def _held(workspace_ids: Sequence[int]) -> list[int]:
    """Hold these workspaces until the transaction ends, always in one order."""
    rows = Workspace.objects.select_for_update(no_key=True).filter(pk__in=workspace_ids).order_by("pk")
    return list(rows.values_list("pk", flat=True))
