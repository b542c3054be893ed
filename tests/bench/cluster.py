"""Whole job clusters as processes: the engine's ticks beside one job per generation, and ticks beside waiting jobs."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from datetime import datetime, timedelta
from itertools import pairwise

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django_q.models import OrmQ

from lumaboard.core.queue import enqueue
from lumaboard.generations.counters import Beat
from lumaboard.generations.models import Generation, State
from tests.bench import upstream
from tests.bench.bench import Bench, say
from tests.bench.figures import Figure
from tests.bench.jobs import WORK_SECONDS
from tests.bench.people import Place, make_pending, make_place

_JOB_WORKERS = 8
"""For one job per generation to be at its best: waiting workers cost nothing but memory."""

_LONGEST = 120.0


def measure(bench: Bench) -> Mapping[str, Figure]:
    return {**_batch(bench), **_ticks(bench)}


def _batch(bench: Bench) -> Mapping[str, Figure]:
    """Refresh generations both ways in the same cluster, beginning when the work is there and ending with the last row."""
    scale = bench.scale
    with ExitStack() as stack:
        address = stack.enter_context(upstream.running(scale.latency))
        database = stack.enter_context(bench.database())
        place = make_place(base_url=address)
        installation = bench.installation(database, LUMABOARD_WORKERS=str(_JOB_WORKERS))
        stack.enter_context(installation.running("qcluster"))
        _wait_until(lambda: Beat.objects.filter(name="tick", beaten_at__isnull=False).exists())
        rates = []
        for _ in range(scale.rounds):
            by_job = scale.job_rows / _by_jobs(place, scale.job_rows)
            by_batch = scale.engine_rows / _by_ticks(place, scale.engine_rows)
            rates.append((by_batch / by_job, by_batch, by_job))
    ratio, by_batch, by_job = sorted(rates)[len(rates) // 2]
    say(f"in a cluster: ticks {by_batch:,.0f} generations a second, jobs {by_job:,.0f}")
    return {"batch": Figure(ratio)}


def _by_jobs(place: Place, count: int) -> float:
    keys = make_pending(place, count, due_in=timedelta(hours=1))  # no tick will take them
    with transaction.atomic():
        for key in keys:
            enqueue("tests.bench.jobs.refresh_one", key)
    return _until_asked(keys)


def _by_ticks(place: Place, count: int) -> float:
    return _until_asked(make_pending(place, count))


def _until_asked(keys: Sequence[int]) -> float:
    """Wait for the last of them; the time counts from the first asking, so that neither side pays for the other's start."""
    rows = Generation.objects.filter(pk__gte=keys[0], pk__lte=keys[-1])
    _wait_until(lambda: not rows.filter(state=State.QUEUED).exists())
    ended_at = timezone.now()
    first = rows.order_by("asked_at").values_list("asked_at", flat=True).first()
    assert first is not None
    rows.exclude(next_refresh_at=None).update(next_refresh_at=None)
    return (ended_at - first).total_seconds()


def _ticks(bench: Bench) -> Mapping[str, Figure]:
    """Watch the clock row while more jobs wait than the workers can do."""
    scale = bench.scale
    with ExitStack() as stack:
        database = stack.enter_context(bench.database())
        for _ in range(int(scale.tick_seconds / WORK_SECONDS * settings.WORKERS * 1.5)):
            enqueue("tests.bench.jobs.work")
        stack.enter_context(bench.installation(database).running("qcluster"))
        _wait_until(lambda: Beat.objects.filter(name="tick").exists())
        taken_at = _watch_beat(scale.tick_seconds)
        assert OrmQ.objects.exists(), "the jobs were done before the watching ended"
    gaps = [(after - before).total_seconds() for before, after in pairwise(taken_at)]
    say(f"{len(taken_at)} ticks, gaps of {min(gaps):.2f} to {max(gaps):.2f} s")
    return {"tick": Figure(max(gaps))}


def _watch_beat(seconds: float) -> list[datetime]:
    """Note each moment a tick was taken: the row tells when the next is due, one period later."""
    ends_at = time.monotonic() + seconds
    seen: set[datetime] = set()
    while time.monotonic() < ends_at:
        seen.add(Beat.objects.values_list("due_at", flat=True).get(name="tick"))
        time.sleep(0.1)
    return sorted(seen)


def _wait_until(is_so: Callable[[], bool]) -> None:
    ends_at = time.monotonic() + _LONGEST
    while not is_so():
        assert time.monotonic() < ends_at, "the cluster did not do its work"
        time.sleep(0.02)
