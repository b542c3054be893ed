"""Taking due generations: what ten times as many active ones change."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from statistics import median

from django.utils import timezone

from lumaboard.refresh.claim import claim_due, give_back
from tests.bench.bench import Bench, analyse, say
from tests.bench.databases import Database, in_use
from tests.bench.figures import Figure
from tests.bench.people import make_pending, make_place
from tests.bench.timing import seconds

_IN_ONE_GO = 4
"""Claims between two times of giving back: each takes other rows, as the ticks of a busy worker do."""


def measure(bench: Bench) -> Mapping[str, Figure]:
    scale = bench.scale
    with ExitStack() as stack:
        few = _active(bench, stack, scale.few_active)
        many = _active(bench, stack, scale.many_active)
        taken: dict[str, list[float]] = {few.name: [], many.name: []}
        for _ in range(scale.rounds + 1):
            for database in (few, many):
                with in_use(database):
                    taken[database.name] += _claims(scale.claim)
        on_few, on_many = (median(taken[database.name][_IN_ONE_GO:]) for database in (few, many))
    say(f"a claim of {scale.claim:,}: {on_few * 1000:.0f} ms among few, {on_many * 1000:.0f} ms among many")
    return {"claim": Figure(on_many / on_few)}


def _active(bench: Bench, stack: ExitStack, rows: int) -> Database:
    database = stack.enter_context(bench.database())
    make_pending(make_place(), rows)
    analyse()
    return database


def _claims(limit: int) -> list[float]:
    held = []

    def claim() -> None:
        claims = claim_due(now=timezone.now(), limit=limit)
        assert len(claims) == limit, f"{len(claims)} rows were claimed instead of {limit}"
        held.extend(claims)

    acts: list[Callable[[], None]] = [claim] * _IN_ONE_GO
    times = [seconds(act) for act in acts]
    give_back(held, now=timezone.now())
    return times
