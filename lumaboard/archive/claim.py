"""Take due copies under a lease, so that of two workers one copies."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.db.models import Case, F, When
from django.db.models.expressions import OrderBy

from lumaboard.archive.errors import LeaseLost
from lumaboard.generations.models import Asset, AssetRole, CopyState
from lumaboard.generations.querysets import AssetQuerySet

LEASE: Final = timedelta(seconds=90)
"""Renewed while bytes come in; after a killed worker the copy begins anew when it has run out, long before links die."""

MOST_STARTS: Final = 3
"""So many starts without an end, and the copy is parked: something about this file takes its worker down."""


@dataclass(frozen=True, slots=True)
class Claim:
    """Our right to copy one asset for a while."""

    asset_id: int
    lease: str

    def renew(self, *, now: datetime, copied_bytes: int, total_bytes: int | None) -> None:
        """Keep the asset for another while and say how far it is; raises `LeaseLost` where it is no longer ours."""
        held = Asset.objects.filter(pk=self.asset_id, lease=self.lease)
        if not held.update(next_copy_at=now + LEASE, copied_bytes=copied_bytes, total_bytes=total_bytes):
            raise LeaseLost


def claim_copies(*, now: datetime, limit: int) -> list[Claim]:
    """Take up to `limit` due assets, the most urgent first; the start is counted before any work is done."""
    return _claim(Asset.objects.due(now).exclude(role=AssetRole.PREVIEW), now=now, limit=limit)


def claim_preview(*, now: datetime) -> list[Claim]:
    """Take one due preview: minutes of work that no link's end waits for, so it is asked for apart from the copies."""
    return _claim(Asset.objects.due(now).filter(role=AssetRole.PREVIEW), now=now, limit=1)


def _claim(due: AssetQuerySet, *, now: datetime, limit: int) -> list[Claim]:
    token = secrets.token_hex(16)
    startable = due.filter(attempts__lt=MOST_STARTS)
    first = list(startable.order_by(*_most_urgent_first(now)).values_list("pk", flat=True)[:limit])
    if not first:
        return []
    startable.filter(pk__in=first).update(
        copy_state=CopyState.COPYING, lease=token, attempts=F("attempts") + 1, next_copy_at=now + LEASE
    )
    taken = Asset.objects.filter(lease=token).order_by(*_most_urgent_first(now))
    return [Claim(pk, token) for pk in taken.values_list("pk", flat=True)]


def stuck_copies(*, now: datetime, limit: int) -> list[int]:
    """Name due assets that were started too often without an end."""
    due = Asset.objects.due(now).filter(attempts__gte=MOST_STARTS)
    return list(due.order_by(*_most_urgent_first(now)).values_list("pk", flat=True)[:limit])


def _most_urgent_first(now: datetime) -> tuple[OrderBy | str, ...]:
    """The link that dies soonest first, then those whose end is unknown; what has died already can wait."""
    has_died = Case(When(expires_at__lte=now, then=1), default=0)
    return has_died.asc(), F("expires_at").asc(nulls_last=True), "pk"
