"""Stored files through the real server: ranges as players ask for them, and a file too large for memory."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path

from django.conf import settings
from django.utils import timezone

from lumaboard.archive.names import stored_name
from lumaboard.generations.models import AssetRole, CopyState, Generation, State
from tests.bench import previews, static_server
from tests.bench.bench import Bench, say
from tests.bench.figures import Figure
from tests.bench.people import Place, make_place
from tests.bench.processes import PeakMemory, family, resident_bytes
from tests.bench.stack import web
from tests.bench.timing import medians
from tests.bench.wire import Address, Connection
from tests.factories import make_asset, make_generation

_RANGE = 2**20
_FILE_BYTES = 64 * 2**20  # stays in the page cache, so that no disk is measured


def measure(bench: Bench) -> Mapping[str, Figure]:
    with ExitStack() as stack:
        database = stack.enter_context(bench.database())
        place = make_place()
        film, large = _keep(place, "a", _FILE_BYTES), _keep(place, "b", bench.scale.served_bytes)
        address, pid = stack.enter_context(web(bench.installation(database)))
        static = stack.enter_context(static_server.running(settings.MEDIA_ROOT, bench.folder))
        ours = f"/media/{place.workspace.slug}/{film.pk}"
        theirs = "/" + film.assets.get().stored_name
        served = _ranges(bench, address, f"{ours}/main/", place.cookie, static, theirs)
        memory = _memory(bench, pid, address, place, large)
        return {"range": served, "memory": memory, "preview": previews.measure(bench)}


def _keep(place: Place, letter: str, size: int) -> Generation:
    """A succeeded generation with a file of zeros, which takes no room on the disk; its name is nobody's hash."""
    digest = letter * 64
    generation = make_generation(place.connection, state=State.SUCCEEDED, copy_state=CopyState.ARCHIVED)
    name = stored_name(place.workspace.pk, digest, "mp4")
    path = Path(settings.MEDIA_ROOT) / name
    path.parent.mkdir(parents=True)
    with path.open("wb") as file:
        file.truncate(size)
    make_asset(
        generation,
        role=AssetRole.RAW,
        copy_state=CopyState.ARCHIVED,
        sha256=digest,
        stored_name=name,
        content_type="video/mp4",
        size=size,
        archived_at=timezone.now(),
    )
    return generation


def _ranges(bench: Bench, ours: Address, our_path: str, cookie: str, static: Address, static_path: str) -> Figure:
    """Two viewers seek about in a film, once through us and once through the static server, in turns."""
    draw = random.Random(1)
    starts = [draw.randrange(0, _FILE_BYTES - _RANGE) for _ in range(bench.scale.ranges)]

    def through(address: Address, path: str) -> Callable[[], None]:
        def act() -> None:
            with Connection(address, cookie=cookie) as connection:
                for start in starts:
                    count = connection.read(path, range_=f"bytes={start}-{start + _RANGE - 1}")
                    assert count == _RANGE, f"{count} bytes came instead of 1 MiB"

        return act

    rounds = 2 * bench.scale.rounds
    our_time, static_time = medians(through(ours, our_path), through(static, static_path), repeats=rounds)
    rate, static_rate = (len(starts) * _RANGE / taken / 1e6 for taken in (our_time, static_time))
    say(f"ranges: {rate:,.0f} MB/s, {static_server.name()} {static_rate:,.0f} MB/s")
    ratio = static_time / our_time
    return Figure(ratio, shown=f"{ratio:.2f} of {static_server.name()}")


def _memory(bench: Bench, pid: int, address: Address, place: Place, large: Generation) -> Figure:
    """Fetch a large file twice, as one download and as the ranges a player asks for."""
    path, size = f"/media/{place.workspace.slug}/{large.pk}", bench.scale.served_bytes
    with Connection(address, cookie=place.cookie) as connection:
        connection.get(f"/w/{place.workspace.slug}/")  # what every process loads once
        pids = family(pid)
        idle = resident_bytes(pids)
        with PeakMemory(pids) as memory:
            assert connection.read(f"{path}/raw/download/") == size
            for start in range(0, size // 4, _RANGE):
                connection.read(f"{path}/main/", range_=f"bytes={start}-")
    return Figure((memory.peak - idle) / 2**20)
