"""The supervisor with real processes: what ends or falls silent is replaced, and nothing is ever left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import pytest

from lumaboard.ops.supervisor import Part, Supervisor
from tests.ops.processes import alive, children_of, descendants_of, until

FAMILY = """
import os, subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
with open(sys.argv[1], "a") as file:
    print(os.getpid(), child.pid, file=file)
time.sleep(600)
"""
"""A parent with a child of its own; both note their process ids in a file."""

HOLDER = """
import subprocess, sys, time
command = [sys.executable, "-I", *sys.argv[1:]]
subprocess.Popen(command, stdin=subprocess.PIPE, start_new_session=True)
time.sleep(600)
"""


class Notes:
    """What a family has written down: one line, parent and child, for every start."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def starts(self) -> list[tuple[int, int]]:
        lines = self.path.read_text().splitlines() if self.path.exists() else []
        return [(int(parent), int(child)) for parent, child in (line.split() for line in lines)]

    def wait_for(self, number: int) -> tuple[int, int]:
        return until(lambda: self.starts()[number - 1 : number])[0]

    def part(self, sign_of_life: Callable[[], object] | None = None) -> Part:
        return Part("family", [sys.executable, "-c", FAMILY, str(self.path)], sign_of_life=sign_of_life)


@pytest.fixture
def notes(tmp_path: Path) -> Notes:
    return Notes(tmp_path / "notes")


@contextmanager
def supervised(part: Part, *, patience: float = 30.0) -> Iterator[Supervisor]:
    supervisor = Supervisor([part], patience=patience)
    thread = threading.Thread(target=supervisor.run)
    thread.start()
    try:
        yield supervisor
    finally:
        supervisor.stop()
        thread.join(15)
        assert not thread.is_alive()


def test_a_part_that_ends_is_started_again_and_its_children_with_it(notes: Notes) -> None:
    with supervised(notes.part()):
        parent, child = notes.wait_for(1)
        os.kill(parent, signal.SIGKILL)
        second = notes.wait_for(2)
        assert not alive([parent, child])
        assert alive(list(second)) == set(second)


def test_a_killed_keeper_takes_its_group_along_before_the_next_start(notes: Notes) -> None:
    with supervised(notes.part()):
        parent, child = notes.wait_for(1)
        (keeper,) = [pid for pid in children_of(os.getpid()) if parent in children_of(pid)]
        os.kill(keeper, signal.SIGKILL)
        notes.wait_for(2)
        assert not alive([keeper, parent, child])


def test_a_part_without_a_sign_of_life_is_replaced_as_a_whole(notes: Notes) -> None:
    with supervised(notes.part(sign_of_life=lambda: "always the same"), patience=1):
        first = notes.wait_for(1)
        notes.wait_for(2)
        assert not alive(list(first))


def test_a_part_that_gives_signs_of_life_is_left_alone(notes: Notes) -> None:
    asked = count()
    seen: list[int] = []

    def sign_of_life() -> object:
        seen.append(next(asked))
        return seen[-1]

    with supervised(notes.part(sign_of_life), patience=0.4):
        first = notes.wait_for(1)
        until(lambda: len(seen) > 10)
        assert alive(list(first)) == set(first)


def test_a_part_that_is_slow_to_begin_is_given_more_time_at_each_start(notes: Notes) -> None:
    """As a cluster on a machine that needs longer to start it than silence is borne: else it would never start."""
    first_seen: dict[int, float] = {}

    def sign_of_life() -> object:
        now, number = time.monotonic(), len(notes.starts())
        begun_at = first_seen.setdefault(number, now) + 4
        return now if number and now > begun_at else "nothing yet"

    with supervised(notes.part(sign_of_life), patience=1.8):
        until(lambda: time.monotonic() > first_seen.get(len(notes.starts()), float("inf")) + 6, within=90)
        starts = notes.starts()
        assert len(starts) > 1
        assert alive(list(starts[-1])) == set(starts[-1])


def test_stopping_leaves_nothing_behind(notes: Notes) -> None:
    with supervised(notes.part()):
        first = notes.wait_for(1)
    assert not alive(list(first))


def test_a_part_that_ignores_the_request_to_stop_is_killed_within_ten_seconds(tmp_path: Path) -> None:
    sign = tmp_path / "started"
    stubborn = "import pathlib, signal, sys, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); "
    stubborn += "pathlib.Path(sys.argv[1]).touch(); time.sleep(600)"
    with supervised(Part("stubborn", [sys.executable, "-c", stubborn, str(sign)])) as supervisor:
        until(sign.exists)
        asked_at = time.monotonic()
        supervisor.stop()
    assert time.monotonic() - asked_at < 10


def test_the_group_ends_when_its_holder_is_killed(notes: Notes) -> None:
    keeper = Path(__file__).parents[2] / "lumaboard" / "ops" / "keeper.py"
    holder = subprocess.Popen([sys.executable, "-c", HOLDER, str(keeper), *notes.part().command])
    parent, child = notes.wait_for(1)
    group = descendants_of(holder.pid)
    assert {parent, child} < set(group)
    holder.kill()
    holder.wait()
    until(lambda: not alive(group))
