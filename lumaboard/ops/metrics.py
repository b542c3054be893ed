"""Figures for monitoring, in the text format that Prometheus reads.

They come from the database, so every web process gives the same.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Min, Q

from lumaboard.connections.models import Connection
from lumaboard.generations.counters import Beat
from lumaboard.generations.models import PENDING, Asset, Attention, CopyState, Generation
from lumaboard.generations.querysets import CLOCK_SLACK
from lumaboard.ops.health import free_bytes

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Gauge:
    """One figure; with a label, several of them under one name."""

    name: str
    meaning: str
    values: dict[str, float]
    label: str = ""

    def lines(self) -> Iterator[str]:
        yield f"# HELP lumaboard_{self.name} {self.meaning}"
        yield f"# TYPE lumaboard_{self.name} gauge"
        for word, value in self.values.items():
            where = f'{{{self.label}="{word}"}}' if self.label else ""
            yield (
                f"lumaboard_{self.name}{where} {value:g}" if value % 1 else f"lumaboard_{self.name}{where} {value:.0f}"
            )


def gauges(*, now: datetime) -> list[Gauge]:
    """Read every figure. Cost: six queries, all answered by partial indexes or small tables."""
    return [
        *_refresh(now),
        *_copies(),
        *_connections(),
        _beats(now),
        Gauge("disk_free_bytes", "Room left.", {"": free_bytes()}),
    ]


def as_text(figures: list[Gauge]) -> str:
    return "".join(f"{line}\n" for figure in figures for line in figure.lines())


def _refresh(now: datetime) -> Iterator[Gauge]:
    pending = Generation.objects.pending()
    states: dict[str, float] = dict.fromkeys(PENDING, 0)
    states.update(pending.values_list("state").annotate(number=Count("pk")).order_by("state"))
    yield Gauge("pending_generations", "Generations that have not settled.", states, "state")
    # A time too far ahead comes from a clock that was set back; such rows are due, but say nothing about lateness.
    late = pending.filter(next_refresh_at__lte=now, next_refresh_at__gt=now - CLOCK_SLACK * 12)
    due = late.aggregate(number=Count("pk"), oldest=Min("next_refresh_at"))
    yield Gauge("due_generations", "Generations whose time to be asked about has come.", {"": due["number"]})
    lateness = (now - due["oldest"]).total_seconds() if due["oldest"] else 0.0
    yield Gauge("refresh_lateness_seconds", "How late the oldest of them is.", {"": round(lateness, 3)})


def _copies() -> Iterator[Gauge]:
    states: dict[str, float] = {CopyState.WANTED: 0, CopyState.COPYING: 0}
    waiting = Asset.objects.filter(copy_state__in=list(states))
    states.update(waiting.values_list("copy_state").annotate(number=Count("pk")).order_by("copy_state"))
    yield Gauge("waiting_copies", "Files that are not kept yet.", states, "state")
    lost = Generation.objects.present().filter(attention=Attention.LOST).count()
    yield Gauge("lost_generations", "Generations whose file is lost.", {"": lost})


def _connections() -> Iterator[Gauge]:
    counted = Connection.objects.present().aggregate(
        all=Count("pk"),
        paused=Count("pk", filter=~Q(pause_reason="")),
        broke=Count("pk", filter=Q(is_out_of_credit=True)),
    )
    words = {"all": "all", "paused": "paused", "broke": "out of credit"}
    yield Gauge("connections", "Ways upstream.", {words[key]: number for key, number in counted.items()}, "which")


def _beats(now: datetime) -> Gauge:
    beats = Beat.objects.exclude(beaten_at=None).order_by("name").values_list("name", "beaten_at")
    ages = {name: round((now - at).total_seconds(), 3) for name, at in beats if at is not None}
    return Gauge("beat_age_seconds", "Time since the worker last finished this work.", ages, "beat")
