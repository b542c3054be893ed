"""The engine beside what it does without its writes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from statistics import median

from django.db.models import F
from django.utils import timezone

from lumaboard.connections.clients import client_for
from lumaboard.generations.counts import Bucket, Cell, add_counts
from lumaboard.generations.models import Generation, State
from lumaboard.refresh.engine import Engine, Round
from tests.bench import upstream
from tests.bench.bench import CONCURRENCY, Bench, say
from tests.bench.figures import Figure
from tests.bench.people import Place, make_pending, make_place
from tests.bench.timing import seconds

NEWS_IN = 8
"""Of so many answers about generations under way, one says something new, as it is at our pace of asking."""


def measure(bench: Bench) -> Mapping[str, Figure]:
    """Let both take turns: first on generations nobody has asked about, so that every answer is news, then on those again."""
    with ExitStack() as stack:
        address = stack.enter_context(upstream.running(bench.scale.latency))
        stack.enter_context(bench.database())
        place = make_place(base_url=address)
        pool = stack.enter_context(ThreadPoolExecutor(CONCURRENCY))
        engine = Engine(concurrency=CONCURRENCY)
        _fetch(pool, place, ["warm"] * CONCURRENCY)
        run_engine(engine, place, CONCURRENCY)
        rates: list[tuple[float, float, float]] = []
        rows = bench.scale.engine_rows
        for _ in range(bench.scale.rounds):
            alone = seconds(lambda: _fetch(pool, place, [f"alone-{number}" for number in range(rows)]))
            all_news = run_engine(engine, place, rows)
            rates.append((rows / alone, rows / all_news, _ask_again(engine, place)))
    say(
        "answers a second: alone {:,.0f}, all news {:,.0f}, some news {:,.0f}".format(
            *map(median, zip(*rates, strict=True))
        )
    )
    return {
        "engine": Figure(median(some_news / alone for alone, _, some_news in rates)),
        "engine_news": Figure(median(all_news / alone for alone, all_news, _ in rates)),
    }


def run_engine(engine: Engine, place: Place, rows: int) -> float:
    """Let the engine ask about so many new generations; returns the seconds from claim to last write."""
    Generation.objects.exclude(next_refresh_at=None).update(next_refresh_at=None)
    make_pending(place, rows)
    return rows / _run(engine, asked=rows, changed=rows)


def _ask_again(engine: Engine, place: Place) -> float:
    """Ask once more about those still under way, of which one in eight has moved; returns answers a second."""
    again = Generation.objects.pending().exclude(next_refresh_at=None)
    moved = again.annotate(place=F("id") % NEWS_IN).filter(place=0)
    asked, changed = again.count(), moved.count()
    add_counts(place.workspace.pk, {Cell(None, Bucket.QUEUED): changed, Cell(None, Bucket.RUNNING): -changed})
    moved.update(state=State.QUEUED, answer_digest="", running_at=None)
    again.update(next_refresh_at=timezone.now(), lease="")
    return _run(engine, asked=asked, changed=changed)


def _run(engine: Engine, *, asked: int, changed: int) -> float:
    """Run the engine once, see that it did what it had to, and return how many answers it took a second."""
    rounds: list[Round] = []
    taken = seconds(lambda: rounds.append(engine.run(seconds=60)))
    assert (rounds[0].asked, rounds[0].applied) == (asked, changed), f"{asked} to ask, {changed} changed: {rounds[0]}"
    return asked / taken


def _fetch(pool: ThreadPoolExecutor, place: Place, task_ids: Sequence[str]) -> None:
    """Ask with the engine's own client, and throw the answers away."""
    client = client_for(place.connection)
    for _ in pool.map(client.get_generation, task_ids):
        pass
