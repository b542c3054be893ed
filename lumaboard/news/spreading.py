"""Take events out of the outbox, and write down whom each concerns; telling them is a matter of its own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Final

from django.db import transaction

from lumaboard.news.hooks import webhooks
from lumaboard.news.models import Event

Teller = Callable[[Sequence[Event], datetime], None]

TELLERS: Final[tuple[Teller, ...]] = (webhooks.tell,)
"""Each writes down whom these events concern in one way, in the transaction that takes them out of the outbox."""

_AT_ONCE: Final = 200


def spread(*, now: datetime) -> bool:
    """Spread the oldest events, and say whether there are more.

    Of two who do at once, one does: the rows are locked, and stay in the outbox where anything fails.
    """
    with transaction.atomic():
        waiting = Event.objects.filter(spread_at=None).order_by("pk")
        keys = list(waiting.select_for_update(skip_locked=True).values_list("pk", flat=True)[:_AT_ONCE])
        present = Event.objects.filter(pk__in=keys, workspace__deleted_at=None)
        events = list(present.select_related("workspace", "generation", "batch").order_by("pk"))
        for tell in TELLERS:
            tell(events, now)
        Event.objects.filter(pk__in=keys).update(spread_at=now)
    return len(keys) == _AT_ONCE
