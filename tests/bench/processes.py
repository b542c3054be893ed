"""What a family of processes uses. Linux tells hundredths of a second in /proc; elsewhere `ps` has to do."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.ops.processes import descendants_of


def family(pid: int) -> list[int]:
    return [pid, *descendants_of(pid)]


def cpu_seconds(pids: Sequence[int]) -> float:
    """CPU time these processes have used so far; those that ended meanwhile count nothing."""
    if sys.platform == "linux":
        return sum(_ticks(pid) for pid in pids) / os.sysconf("SC_CLK_TCK")
    return sum(_seconds(text) for text in _ps("time", pids))


def resident_bytes(pids: Sequence[int]) -> int:
    """Memory these processes hold; what they share counts for each of them."""
    return 1024 * sum(int(text) for text in _ps("rss", pids))


class PeakMemory:
    """Watches the memory of some processes while the block runs; `peak` is the most that was seen."""

    def __init__(self, pids: Sequence[int]) -> None:
        self._pids = pids
        self._has_ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self.peak = 0

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._has_ended.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._has_ended.wait(0.02):
            self.peak = max(self.peak, resident_bytes(self._pids))


def _ticks(pid: int) -> int:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except FileNotFoundError:
        return 0
    return int(fields[11]) + int(fields[12])


def _ps(column: str, pids: Sequence[int]) -> list[str]:
    command = ["ps", "-o", f"{column}=", "-p", ",".join(map(str, pids))]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=10).stdout.split()


def _seconds(text: str) -> float:
    """Read `12:34.56`, with hours or days before it or not."""
    days, _, clock = text.rpartition("-")
    total = 0.0
    for part in clock.split(":"):
        total = total * 60 + float(part)
    return total + 86_400 * int(days or 0)
