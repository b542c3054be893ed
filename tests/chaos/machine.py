"""A machine on which everything runs and anything may be killed; the test is its init system, which starts again what
no supervisor watches: the supervisor itself, and the simulator."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

from tests.ops.installation import ROOT, Installation
from tests.ops.processes import Process, running, until

PATIENCE = "15"
"""Seconds without a job done after which a cluster is replaced; the shipped 30 s would only make the tests longer."""


@dataclass(frozen=True, slots=True)
class Victim:
    """A process that may be killed: the part it belongs to, and what it does there."""

    part: str
    role: str
    pid: int


@dataclass
class Machine:
    """The supervisor, what it started, and the simulator."""

    installation: Installation
    pace: str
    supervisor: subprocess.Popen[bytes] | None = None
    simulator: subprocess.Popen[bytes] | None = None
    killed: Counter[str] = field(default_factory=Counter)

    def start_supervisor(self) -> None:
        self.supervisor = self._start(sys.executable, "-m", "tests.chaos.supervise", PATIENCE)

    def start_simulator(self) -> None:
        """Start it where it was before, with what it knew before: the same port and the same folder."""
        where = f"127.0.0.1:{self.installation.simulator_port}"
        folder = str(self.installation.data_dir / "simulator")
        looks = ("--pace", self.pace, "--short-side", "64", "--fps", "8", "--max-seconds", "1")
        self.simulator = self._start(
            sys.executable, "-m", "lumaboard.simulator", "--bind", where, "--data-dir", folder, *looks
        )

    def _start(self, *command: str) -> subprocess.Popen[bytes]:
        with self.installation.output.open("ab") as output:
            return subprocess.Popen(
                command,
                cwd=ROOT,
                env=self.installation.env,
                stdout=output,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
            )

    def revive(self) -> None:
        """Start again what was killed and has nobody to start it; the simulator as soon as its port is free."""
        if self.supervisor is None or self.supervisor.poll() is not None:
            self.start_supervisor()
        if self.simulator is None or self.simulator.poll() is not None:
            self.start_simulator()

    def kill_supervisor(self) -> str:
        assert self.supervisor is not None
        return self._kill(Victim("supervisor", "", self.supervisor.pid))

    def kill_one(self, dice: random.Random) -> str:
        """Kill one process, each part with the same likelihood and in it each process; waits while nothing lives."""
        victims = until(self.victims, within=60)
        part = dice.choice(sorted({victim.part for victim in victims}))
        return self._kill(dice.choice([victim for victim in victims if victim.part == part]))

    def _kill(self, victim: Victim) -> str:
        with suppress(ProcessLookupError):  # it has just ended by itself
            os.kill(victim.pid, signal.SIGKILL)
        name = f"{victim.part} {victim.role}".strip()
        self.killed[name] += 1
        for process in (self.supervisor, self.simulator):
            if process is not None and process.pid == victim.pid:
                process.wait()
        return name

    def victims(self) -> list[Victim]:
        """Everything of ours that lives, below the supervisor and the simulator; oldest first."""
        assert self.supervisor is not None
        assert self.simulator is not None
        processes = [process for process in running() if not process.is_zombie]
        found = []
        for keeper in _children(processes, self.supervisor.pid):
            if "keeper.py" in keeper.command:
                part = "web" if "granian" in keeper.command else f"cluster {_children_order(processes, keeper)}"
                found += [Victim(part, role, pid) for role, pid in _family(processes, keeper, "keeper")]
        found += [
            Victim("simulator", role, pid)
            for process in processes
            if process.pid == self.simulator.pid
            for role, pid in _family(processes, process, "server")
        ]
        return found

    def stop(self) -> None:
        """Ask the supervisor to stop everything, as an operator does, and see that nothing is left of it."""
        assert self.supervisor is not None
        below = [victim.pid for victim in self.victims() if victim.part != "simulator"]
        self.supervisor.terminate()
        self.supervisor.wait(20)
        if self.simulator is not None:
            self.simulator.kill()
            self.simulator.wait()
        living = {process.pid for process in running() if not process.is_zombie}
        assert not living & set(below)


def _children(processes: list[Process], pid: int) -> list[Process]:
    return sorted((process for process in processes if process.parent == pid), key=lambda process: process.pid)


def _children_order(processes: list[Process], keeper: Process) -> str:
    """Both clusters run the same command; the one that asks upstream has a worker more."""
    return "refresh" if len(list(_family(processes, keeper, "keeper"))) > 6 else "archive"


def _family(processes: list[Process], process: Process, role: str) -> Iterator[tuple[str, int]]:
    """A process and everything below it, with its depth as its role: what is what is the library's business."""
    yield role, process.pid
    for child in _children(processes, process.pid):
        yield from _family(processes, child, "maker" if "lumaboard.media" in child.command else _below(role))


def _below(role: str) -> str:
    order = ("keeper", "command", "guard", "worker")
    return order[min(order.index(role) + 1, len(order) - 1)] if role in order else "renderer"


@contextmanager
def machine(installation: Installation, *, pace: str) -> Iterator[Machine]:
    """Everything running and ready; whatever happens, nothing of it is left behind."""
    running_machine = Machine(installation, pace)
    running_machine.start_simulator()
    running_machine.start_supervisor()
    try:
        until(running_machine.installation.says_ok, within=90)
        yield running_machine
    finally:
        running_machine.stop()


def wait_while(machine: Machine, seconds: float) -> None:
    """Let time pass, starting again what nobody else would."""
    ends_at = time.monotonic() + seconds
    while time.monotonic() < ends_at:
        machine.revive()
        time.sleep(0.1)
