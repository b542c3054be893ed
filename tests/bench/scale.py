"""How much is measured: enough to mean something, more of it, or just enough to show that the bench works."""

from __future__ import annotations

from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    few_rows: int  # of the gallery
    many_rows: int
    few_active: int  # of the claim
    many_active: int
    claim: int  # rows in one claim
    rounds: int  # of each comparison whose two sides take turns
    engine_rows: int  # asked about in one round of the engine
    latency: float  # of upstream, in seconds
    job_rows: int  # refreshed by one job each
    tick_seconds: float  # watched while jobs wait
    writer_seconds: float  # of one side of one round
    page_repeats: int
    ranges: int  # of 1 MiB, of one side of one round
    served_bytes: int  # in the measurement of memory
    proxied: int  # calls of each kind
    polling_clients: int  # each with a generation of its own
    polling_seconds: float
    creates: int
    create_kills: int
    preview_side: int  # pixels of the film's shorter side
    preview_seconds: float
    changes: int  # generations watched until upstream has changed them
    change_seconds: float  # after which watching ends in any case
    idle_seconds: float


TINY = Scale(
    few_rows=100,
    many_rows=300,
    few_active=40,
    many_active=120,
    claim=10,
    rounds=1,
    engine_rows=60,
    latency=0.005,
    job_rows=4,
    tick_seconds=4.5,
    writer_seconds=0.3,
    page_repeats=3,
    ranges=4,
    served_bytes=8 * 2**20,
    proxied=5,
    polling_clients=8,
    polling_seconds=4,
    creates=60,
    create_kills=2,
    preview_side=90,
    preview_seconds=1,
    changes=1,
    change_seconds=25,
    idle_seconds=1,
)
QUICK = Scale(
    few_rows=10_000,
    many_rows=100_000,
    few_active=10_000,
    many_active=100_000,
    claim=1000,
    rounds=3,
    engine_rows=3000,
    latency=0.05,
    job_rows=300,
    tick_seconds=15,
    writer_seconds=2.5,
    page_repeats=40,
    ranges=150,
    served_bytes=2 * 2**30,
    proxied=200,
    polling_clients=100,
    polling_seconds=20,
    creates=300,
    create_kills=8,
    preview_side=720,
    preview_seconds=9,
    changes=16,
    change_seconds=40,
    idle_seconds=10,
)
FULL = Scale(
    few_rows=10_000,
    many_rows=1_000_000,
    few_active=10_000,
    many_active=100_000,
    claim=1000,
    rounds=7,
    engine_rows=5000,
    latency=0.05,
    job_rows=600,
    tick_seconds=30,
    writer_seconds=5,
    page_repeats=100,
    ranges=300,
    served_bytes=2 * 2**30,
    proxied=400,
    polling_clients=200,
    polling_seconds=60,
    creates=1000,
    create_kills=25,
    preview_side=720,
    preview_seconds=9,
    changes=40,
    change_seconds=90,
    idle_seconds=30,
)

_BY_NAME = {"tiny": TINY, "quick": QUICK, "full": FULL}


def chosen(name: str, *, rows: int | None) -> Scale:
    scale = _BY_NAME[name]
    return replace(scale, many_rows=rows) if rows else scale
