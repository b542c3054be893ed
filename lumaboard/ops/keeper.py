"""Keep one command and everything it starts in a process group that lives and dies as one.

Run by path, with nothing but the standard library: `python -I keeper.py COMMAND…`. Whoever starts it holds the other end
of its standard input. When that end closes, because the holder wants to stop or because it was killed, the command is
asked to stop, and after `PATIENCE` the whole group is killed. The same happens on SIGTERM; and when the command ends by
itself, what it left behind is killed at once. So nothing is left running, whichever process is killed with -9.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
import sys

PATIENCE = 8.0
"""Seconds between asking the command to stop and killing its group."""
_PR_SET_PDEATHSIG = 1


def _end_with_parent() -> None:
    """In the command, before it starts: let the kernel (Linux only) stop it should the keeper itself be killed."""
    import ctypes

    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def keep(command: list[str]) -> None:
    """Run the command until it ends or has to; does not return, since its own group is killed at the end."""
    signals, signals_in = os.pipe()  # select() below wakes up for a signal: its number arrives here as a byte
    os.set_blocking(signals_in, False)
    signal.set_wakeup_fd(signals_in)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGCHLD):
        signal.signal(number, lambda *_: None)
    child = subprocess.Popen(  # noqa: S603  (the command comes from our own code)
        command, stdin=subprocess.DEVNULL, preexec_fn=_end_with_parent if sys.platform == "linux" else None
    )
    holder = sys.stdin.fileno()
    while child.poll() is None:
        ready, _, _ = select.select([holder, signals], [], [])
        arrived = os.read(signals, 64) if signals in ready else b""
        if holder in ready or signal.SIGTERM in arrived or signal.SIGINT in arrived:
            child.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.wait(PATIENCE)
            break
    else:
        print(f"{' '.join(command)} ended with code {child.returncode}", file=sys.stderr, flush=True)  # noqa: T201  (no logging here)
    os.killpg(os.getpgrp(), signal.SIGKILL)


if __name__ == "__main__":
    if os.getpgrp() != os.getpid():
        sys.exit("keeper.py kills its whole process group at the end, so it has to be started as the leader of one.")
    keep(sys.argv[1:])
