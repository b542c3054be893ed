"""What others wait for while the engine writes: SQLite has one writer at a time."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from contextlib import ExitStack, suppress
from statistics import median

from lumaboard.refresh.engine import Engine
from tests.bench import upstream
from tests.bench.bench import CONCURRENCY, Bench, say
from tests.bench.engine import run_engine
from tests.bench.figures import Figure
from tests.bench.people import Place, make_place
from tests.bench.timing import percentile
from tests.ops.installation import ROOT, Installation


def measure(bench: Bench) -> Mapping[str, Figure]:
    """Let another process write, beside nothing and beside the engine, in turns."""
    with ExitStack() as stack:
        address = stack.enter_context(upstream.running(bench.scale.latency))
        database = stack.enter_context(bench.database())
        installation = bench.installation(database)
        place = make_place(base_url=address)
        engine = Engine(concurrency=CONCURRENCY)
        run_engine(engine, place, CONCURRENCY)
        rounds = []
        for _ in range(bench.scale.rounds):
            idle = _Writer(installation).stopped_after(bench.scale.writer_seconds)
            rounds.append((percentile(idle, 0.99), percentile(_beside(engine, place, installation, bench), 0.99)))
    idle_p99, busy_p99 = (median(side) for side in zip(*rounds, strict=True))
    say(f"another writer's p99: idle {idle_p99 * 1000:.1f} ms, beside the engine {busy_p99 * 1000:.1f} ms")
    return {"writer": Figure(median(busy / idle for idle, busy in rounds))}


def _beside(engine: Engine, place: Place, installation: Installation, bench: Bench) -> list[float]:
    writer = _Writer(installation)
    try:
        run_engine(engine, place, bench.scale.engine_rows)
    finally:
        waits = writer.stopped_after(0.0)
    return waits


class _Writer:
    """`tests.bench.writer` as it runs: it writes from its first line of output until its input ends."""

    def __init__(self, installation: Installation) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.bench.writer"],
            env=installation.env,
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout is not None
        self._process.stdout.readline()

    def stopped_after(self, wait: float) -> list[float]:
        """Let it write for so long yet; returns how long each of its transactions took."""
        with suppress(subprocess.TimeoutExpired):  # it writes until it is told to end
            self._process.wait(wait)
        output, _ = self._process.communicate(timeout=30)
        waits: list[float] = json.loads(output)
        return waits
