"""How long generations usually take, learned from a workspace's own history."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from lumaboard.connections.models import Connection
from lumaboard.generations.counters import Wait
from lumaboard.generations.models import Generation, State

SAMPLE = 500
LEAST_SAMPLE = 5
_LONGEST = timedelta(days=1)  # an upstream date further back than this is another clock's, or another attempt's
_STEPS = ((60, 5), (600, 15), (3600, 60))  # below so many seconds, round to so many
_LONGEST_STEP = 600


@dataclass(frozen=True, slots=True)
class Usual:
    """The middle half of the waits, and the time by which nine of ten were over; seconds, rounded for people."""

    low_s: int
    high_s: int
    p90_s: int


def learn(*, now: datetime) -> None:
    """Write one row for each workspace and kind that has history enough; the rest keep what they had."""
    for workspace_id, kind in Connection.objects.order_by().values_list("workspace_id", "kind").distinct():
        usual = usual_of(_recent_waits(workspace_id, kind))
        if usual is not None:
            Wait.objects.update_or_create(
                workspace_id=workspace_id,
                connection_kind=kind,
                defaults={
                    "low_s": usual.low_s,
                    "high_s": usual.high_s,
                    "p90_s": usual.p90_s,
                    "learned_at": now,
                },
            )


def usual_of(waits: Sequence[float]) -> Usual | None:
    """Give the 25th, 75th and 90th percentile of these seconds; None when they are too few to mean anything."""
    if len(waits) < LEAST_SAMPLE:
        return None
    in_order = sorted(waits)

    def percentile(share: float) -> int:
        return rounded(in_order[round(share * (len(in_order) - 1))])

    low, high, p90 = percentile(0.25), percentile(0.75), percentile(0.9)
    return Usual(low_s=low, high_s=high, p90_s=p90)


def rounded(seconds: float) -> int:
    """Round as people speak: to 5 s within a minute, to a quarter minute within ten, to minutes within the hour."""
    step = next((step for below, step in _STEPS if seconds < below), _LONGEST_STEP)
    return max(round(seconds / step), 1) * step


def _recent_waits(workspace_id: int, kind: str) -> list[float]:
    """Read the last waits that we saw ourselves: a generation that had settled before the first look tells nothing."""
    seen = Generation.objects.filter(
        workspace_id=workspace_id,
        connection__kind=kind,
        state=State.SUCCEEDED,
        running_at__isnull=False,
        trashed_at=None,
    ).newest_first()
    moments = seen.values_list("created_at", "upstream_created_at", "settled_at")[:SAMPLE]
    return [
        (settled_at - _begun(created_at, upstream_created_at, settled_at)).total_seconds()
        for created_at, upstream_created_at, settled_at in moments
        if settled_at is not None
    ]


def _begun(created_at: datetime, upstream_created_at: datetime | None, settled_at: datetime) -> datetime:
    """Prefer upstream's own date, unless it contradicts what we saw."""
    if upstream_created_at is None or not settled_at - _LONGEST <= upstream_created_at <= settled_at:
        return created_at
    return upstream_created_at
