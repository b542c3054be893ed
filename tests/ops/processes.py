"""See and wait for real processes; works on Linux and macOS."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Process:
    pid: int
    parent: int
    group: int
    is_zombie: bool
    command: str


def running() -> list[Process]:
    listing = subprocess.run(
        ["ps", "-axwwo", "pid=,ppid=,pgid=,stat=,args="], capture_output=True, text=True, check=True, timeout=10
    )
    rows = [line.split(None, 4) for line in listing.stdout.splitlines()]
    return [
        Process(int(pid), int(parent), int(group), stat.startswith("Z"), *(command or [""]))
        for pid, parent, group, stat, *command in rows
    ]


def children_of(pid: int) -> list[int]:
    """The living children, oldest first."""
    return sorted(process.pid for process in running() if process.parent == pid and not process.is_zombie)


def child_running(pid: int, word: str) -> int | None:
    """The living child whose command line holds this word."""
    found = (process.pid for process in running() if process.parent == pid and word in process.command)
    return next(found, None)


def descendants_of(pid: int) -> list[int]:
    """Everything below this process that lives."""
    found: list[int] = []
    for child in children_of(pid):
        found += [child, *descendants_of(child)]
    return found


def alive(pids: list[int]) -> set[int]:
    return {process.pid for process in running() if not process.is_zombie} & set(pids)


def until(see: Callable[[], T], *, within: float = 20.0) -> T:
    """Ask until the answer is a true one, and return it; fails after so many seconds."""
    deadline = time.monotonic() + within
    while not (answer := see()):
        assert time.monotonic() < deadline, f"not seen within {within} s; the last answer was {answer!r}"
        time.sleep(0.05)
    return answer
