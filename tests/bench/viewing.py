"""How long a change upstream takes to reach a page: both are watched, from outside, while the real parts run."""

from __future__ import annotations

import html
import json
import re
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from django.utils import timezone

from lumaboard.generations.models import Generation
from lumaboard.generations.operations import Wanted, track
from lumaboard.simulator.scenes import SCENES
from tests.bench.people import Place
from tests.bench.wire import Address, Connection

_POLL = 1.5
"""Seconds between two looks of a page while something moves, as in `static/js/live.js`."""

_LOOK_UPSTREAM = 0.2
_PACE = "0.3"  # of the simulator: its slowest generation then takes 11 s
_UPSTREAM = {"queued": 0, "pending": 0, "dreaming": 1, "processing": 1, "completed": 2, "failed": 2}
_SCREEN = {"queued": 0, "running": 1, "saving": 2, "ready": 2, "failed": 2, "attention": 2}
_CARD = re.compile(r'id="generation-(\d+)" class="card card--(\w+)')
_CURSOR = re.compile(r'id="live" hx-get="([^"]+)"')


@contextmanager
def simulator(folder: Path) -> Iterator[str]:
    """Run a simulator whose films are small, so that rendering them is not what is measured; gives its address."""
    options = ["--pace", _PACE, "--short-side", "90", "--fps", "8", "--max-seconds", "1", "--no-wait-for-renders"]
    process = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "lumaboard.simulator",
            "--bind",
            "127.0.0.1:0",
            "--data-dir",
            folder / "simulator",
            *options,
        ],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    try:
        yield process.stdout.readline().split()[-1]
    finally:
        process.terminate()
        process.wait(10)
        process.stdout.close()


@dataclass(slots=True)
class Watched:
    """For each generation and step: until when upstream was seen before it, and when the screen was seen at or beyond it.

    Taking the last look before the change makes each wait too long by up to one look, never too short.
    """

    before: dict[tuple[str, int], float] = field(default_factory=dict)
    shown: dict[tuple[str, int], float] = field(default_factory=dict)

    def note_upstream(self, task_id: str, step: int, at: float) -> None:
        for later in range(step + 1, 3):
            self.before[task_id, later] = at

    def note_screen(self, task_id: str, step: int, at: float) -> None:
        for reached in range(1, step + 1):
            self.shown.setdefault((task_id, reached), at)

    def waits(self) -> list[float]:
        return [self.shown[step] - self.before[step] for step in self.shown.keys() & self.before.keys()]


def watch(place: Place, address: Address, upstream: str, *, count: int, seconds: float) -> Watched:
    """Track so many generations and watch until all have settled on the screen, or the time is over."""
    scene = next(iter(SCENES))
    wanted = [Wanted(task_id=f"bench-{number}-scene-{scene}-format-16x9-seconds-5") for number in range(count)]
    track(place.connection, wanted, created_by_id=place.membership.user.pk, now=timezone.now())
    task_ids = dict(Generation.objects.filter(connection=place.connection).values_list("pk", "task_id"))
    watched, is_over = Watched(), threading.Event()
    thread = threading.Thread(
        target=_watch_upstream, args=(upstream, list(task_ids.values()), watched, is_over), daemon=True
    )
    thread.start()
    try:
        _watch_screen(place, address, task_ids, watched, ends_at=time.monotonic() + seconds)
    finally:
        is_over.set()
        thread.join()
    return watched


def _watch_upstream(url: str, task_ids: Sequence[str], watched: Watched, is_over: threading.Event) -> None:
    parts = urlsplit(url)
    assert parts.hostname is not None
    assert parts.port is not None
    with Connection((parts.hostname, parts.port), authorization="Bearer bench") as connection:
        while not is_over.wait(_LOOK_UPSTREAM):
            for task_id in task_ids:
                asked_at = time.monotonic()
                _, body = connection.get(f"/dream-machine/v1/generations/{task_id}")
                watched.note_upstream(task_id, _UPSTREAM[json.loads(body)["state"]], asked_at)


def _watch_screen(
    place: Place, address: Address, task_ids: dict[int, str], watched: Watched, *, ends_at: float
) -> None:
    """Load the page once, then ask its feed as its script does."""
    with Connection(address, cookie=place.cookie) as connection:
        path = f"/w/{place.workspace.slug}/"
        settled: set[int] = set()
        while time.monotonic() < ends_at and settled != task_ids.keys():
            status, body = connection.get(path)
            now = time.monotonic()
            for pk, state in _CARD.findall(body):
                watched.note_screen(task_ids[int(pk)], _SCREEN[state], now)
                if _SCREEN[state] == 2:
                    settled.add(int(pk))
            if status == 200:
                cursor = _CURSOR.search(body)
                assert cursor is not None, "the answer has no cursor to ask on with"
                path = html.unescape(cursor[1])
            time.sleep(_POLL)
