"""Take due deliveries under a lease, so that of two workers one sends; and say which of them are due at all."""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.db.models import F, Window
from django.db.models.functions import RowNumber

from lumaboard.news.hooks.models import Delivery, DeliveryQuerySet

LEASE: Final = timedelta(seconds=60)
"""Outlasts an exchange and the writing; a delivery whose worker died is due again when it has run out."""

PER_HOST: Final = 2
"""So many at once go from one workspace to one host: a receiver that is slow must not hold up all others."""

Line = tuple[int, str]
"""Workspace and host: deliveries of one line wait for each other."""


@dataclass(frozen=True, slots=True)
class Claim:
    """Our right to send one delivery for a while."""

    delivery_id: int
    lease: str
    line: Line


def claim_due(*, now: datetime, limit: int, busy: Mapping[Line, int] | None = None) -> list[Claim]:
    """Take up to `limit` due deliveries; each try is counted before it is made.

    The workspace with the fewest under way comes first, and of its own the longest due: so one with thousands for receivers
    that never answer keeps nobody else waiting. `busy` says how many of a line are under way here already.
    """
    of_line = Counter(busy or {})
    of_workspace: Counter[int] = Counter()
    for (workspace_id, _host), count in of_line.items():
        of_workspace[workspace_id] += count
    place = Window(RowNumber(), partition_by=[F("workspace"), F("host")], order_by=[F("next_try_at"), F("id")])
    heads = Delivery.objects.due(now).annotate(place=place).filter(place__lte=PER_HOST)
    waiting = list(heads.order_by("next_try_at", "pk").values_list("pk", "workspace_id", "host"))
    chosen: list[int] = []
    while waiting and len(chosen) < limit:
        head = min(waiting, key=lambda one: of_workspace[one[1]])
        waiting.remove(head)
        pk, workspace_id, host = head
        if of_line[workspace_id, host] < PER_HOST:
            of_line[workspace_id, host] += 1
            of_workspace[workspace_id] += 1
            chosen.append(pk)
    return _take(Delivery.objects.ripe(now).filter(pk__in=chosen), now=now) if chosen else []


def claim_new(delivery: Delivery, *, now: datetime) -> Claim:
    """Take one that was made in the transaction at hand, even of a webhook that is paused."""
    (claim,) = _take(Delivery.objects.filter(pk=delivery.pk, lease=""), now=now)
    return claim


def _take(rows: DeliveryQuerySet, *, now: datetime) -> list[Claim]:
    lease = secrets.token_hex(16)
    rows.update(lease=lease, attempts=F("attempts") + 1, tried_at=now, next_try_at=now + LEASE)
    taken = Delivery.objects.filter(lease=lease).order_by("pk").values_list("pk", "workspace_id", "host")
    return [Claim(pk, lease, (workspace_id, host)) for pk, workspace_id, host in taken]
