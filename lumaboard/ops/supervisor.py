"""Keep the parts of an installation running: start each, replace what ends or gives no sign of life, stop all of it.

"The process exists" is not health: a job cluster whose idle worker was killed stays up and never works again. So a part
may name a sign of life, and a part that gives none for `patience` seconds is replaced as a whole. One that gave none since it
was started has perhaps not begun to work yet, on a machine this slow: it is given twice as long at the next start.
"""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from django.conf import settings
from django.db import Error as DatabaseError
from django.db import connection

from lumaboard.ops import keeper

logger = logging.getLogger(__name__)

PATIENCE = 30.0
_LOOK_EVERY = 0.2
_ASK_FOR_LIFE_EVERY = 2.0  # at most
_LONGEST_PAUSE = 30.0
_STEADY_AFTER = 60.0
_MOST_DOUBLINGS = 5
_NEVER_ASKED = object()
_STOP_WITHIN = keeper.PATIENCE + 1.0

SignOfLife = Callable[[], object]
"""Gives a value that is another one whenever the part has worked since; may fail while the database is away."""


@dataclass(frozen=True, slots=True)
class Part:
    """One command of the installation, and how to see that it works."""

    name: str
    command: Sequence[str]
    env: Mapping[str, str] = field(default_factory=dict)
    sign_of_life: SignOfLife | None = None


class _Group:
    """A part as it runs: its process group, and when it was last known to be well. All times are monotonic."""

    def __init__(self, part: Part) -> None:
        self.part = part
        self.process: subprocess.Popen[bytes] | None = None
        self.started_at = 0.0
        self.start_again_at = 0.0
        self.ends_in_a_row = 0
        self.well_at = 0.0
        self.silent_starts = 0  # in a row, of which none led to a sign of life
        self._last_sign: object = _NEVER_ASKED

    def start(self, now: float) -> None:
        self.process = subprocess.Popen(  # noqa: S603  (commands come from lumaboard.ops.parts)
            [sys.executable, "-I", str(Path(keeper.__file__)), *self.part.command],
            stdin=subprocess.PIPE,  # the keeper stops its group when this end closes, also because we were killed
            env={**os.environ, **self.part.env},
            cwd=settings.BASE_DIR,
            start_new_session=True,
        )
        self.started_at = self.well_at = now

    def has_ended(self) -> bool:
        return self.process is not None and self.process.poll() is not None

    def is_silent(self, now: float, patience: float) -> bool:
        """Whether there was no sign of life for too long. What cannot be asked, because the database is away, is not silent."""
        if self.part.sign_of_life is None:
            return False
        try:
            sign = self.part.sign_of_life()
        except DatabaseError as error:
            logger.warning("Cannot see whether %s is well: %s", self.part.name, error)
            connection.close()
            self.well_at = now
            return False
        if self._last_sign is _NEVER_ASKED:
            self._last_sign = sign
        elif sign != self._last_sign:
            self._last_sign, self.well_at, self.silent_starts = sign, now, 0
        if now - self.well_at <= patience * 2 ** min(self.silent_starts, _MOST_DOUBLINGS):
            return False
        self.silent_starts += self.well_at == self.started_at
        return True

    def kill(self, now: float) -> None:
        """Kill whatever is left of the group and say when it may start again: later each time it ends early."""
        if self.process is None:
            return
        self.ends_in_a_row = 0 if now - self.started_at > _STEADY_AFTER else self.ends_in_a_row + 1
        self.start_again_at = now + min(_LONGEST_PAUSE, 0.5 * 2**self.ends_in_a_row)
        _kill_group(self.process)
        self.process = None


def _kill_group(process: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):  # macOS says "not permitted" of a group of zombies
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    if process.stdin:
        process.stdin.close()


class Supervisor:
    """Run these parts until `stop` is called; call `run` in the main thread."""

    def __init__(self, parts: Sequence[Part], *, patience: float = PATIENCE) -> None:
        self._groups = [_Group(part) for part in parts]
        self._patience = patience
        self._ask_every = min(_ASK_FOR_LIFE_EVERY, patience / 4)
        self._is_stopping = False

    def stop(self, *_signal: object) -> None:
        """End `run` soon; serves as a signal handler as well."""
        self._is_stopping = True

    def run(self) -> None:
        """Start everything and keep it running; returns within 10 s of `stop`, with nothing left behind."""
        try:
            ask_at = 0.0
            while not self._is_stopping:
                now = time.monotonic()
                is_time_to_ask = now >= ask_at
                for group in self._groups:
                    self._look_at(group, now, ask=is_time_to_ask)
                if is_time_to_ask:
                    ask_at = now + self._ask_every
                time.sleep(_LOOK_EVERY)
        finally:
            self._stop_all()

    def _look_at(self, group: _Group, now: float, *, ask: bool) -> None:
        if group.process is None:
            if now >= group.start_again_at:
                group.start(now)
        elif group.has_ended():
            group.kill(now)
            logger.warning("%s ended; it starts again in %.1f s", group.part.name, group.start_again_at - now)
        elif ask and group.is_silent(now, self._patience):
            group.kill(now)
            logger.warning("%s gave no sign of life for %.0f s and is replaced", group.part.name, now - group.well_at)

    def _stop_all(self) -> None:
        processes = [group.process for group in self._groups if group.process is not None]
        for process in processes:
            if process.stdin:
                process.stdin.close()
        deadline = time.monotonic() + _STOP_WITHIN
        for process in processes:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(max(0.0, deadline - time.monotonic()))
            _kill_group(process)
