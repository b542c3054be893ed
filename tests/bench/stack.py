"""The parts as an operator runs them: what a viewer waits for, what idling costs, and how fast all of it stops."""

from __future__ import annotations

import signal
import socket
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager

from lumaboard.generations.counters import Beat
from tests.bench.bench import Bench, say
from tests.bench.figures import Figure
from tests.bench.people import make_place
from tests.bench.processes import cpu_seconds, family
from tests.bench.timing import percentile
from tests.bench.viewing import Watched, simulator, watch
from tests.bench.wire import Address, Connection
from tests.ops.installation import Installation
from tests.ops.processes import until

_SETTLING_SECONDS = 4.0
_STOP_WITHIN = 30.0


@contextmanager
def web(installation: Installation) -> Iterator[tuple[Address, int]]:
    """Run the web server and give its address and process."""
    with installation.running("web") as process:
        until(lambda: _is_open(installation.address), within=60)
        yield installation.address, process.pid


def measure(bench: Bench) -> Mapping[str, Figure]:
    return {"visible": _visible(bench), **_idle_and_stop(bench)}


def _visible(bench: Bench) -> Figure:
    """Compare what upstream says with what a page shows that looks as often as ours do."""
    with ExitStack() as stack:
        upstream = stack.enter_context(simulator(bench.folder))
        database = stack.enter_context(bench.database())
        installation = bench.installation(database)
        place = make_place(base_url=upstream)
        address, _ = stack.enter_context(web(installation))
        stack.enter_context(installation.running("worker"))
        until_ticking()
        watched = watch(place, address, upstream, count=bench.scale.changes, seconds=bench.scale.change_seconds)
    return _summary(watched)


def _summary(watched: Watched) -> Figure:
    waits = watched.waits()
    assert waits, "no change was seen in time"
    p50, p95 = percentile(waits, 0.5), percentile(waits, 0.95)
    say(f"{len(waits)} changes, seen after {p50:.1f} s (p50), {p95:.1f} s (p95), {max(waits):.1f} s at most")
    return Figure(p95, shown=f"{p95:.1f} s (p50 {p50:.1f})")


def _idle_and_stop(bench: Bench) -> Mapping[str, Figure]:
    with ExitStack() as stack:
        installation = bench.installation(stack.enter_context(bench.database()))
        server = stack.enter_context(installation.running("web"))
        worker = stack.enter_context(installation.running("worker"))
        until(lambda: _is_open(installation.address), within=60)
        until_ticking()
        time.sleep(min(_SETTLING_SECONDS, bench.scale.idle_seconds))
        pids = [*family(server.pid), *family(worker.pid)]
        before = cpu_seconds(pids)
        time.sleep(bench.scale.idle_seconds)
        share = 100 * (cpu_seconds(pids) - before) / bench.scale.idle_seconds
        idle_browser = stack.enter_context(Connection(installation.address))
        idle_browser.get("/healthz")
        started = time.monotonic()
        for process in (server, worker):
            process.send_signal(signal.SIGTERM)
        for process in (server, worker):
            process.wait(_STOP_WITHIN)
        return {"idle": Figure(share), "stop": Figure(time.monotonic() - started)}


def until_ticking() -> None:
    until(lambda: Beat.objects.filter(name="tick", beaten_at__isnull=False).exists(), within=60)


def _is_open(address: Address) -> bool:
    try:
        socket.create_connection(address, timeout=1).close()
    except OSError:
        return False
    return True
