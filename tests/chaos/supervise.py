"""Web server and job clusters under the real supervisor, without a simulator: `python -m tests.chaos.supervise PATIENCE`."""

from __future__ import annotations

import signal
import sys

import django


def main(patience: float) -> None:
    django.setup()
    from lumaboard.ops import parts  # reads the settings, which have to be set up before
    from lumaboard.ops.supervisor import Supervisor

    supervisor = Supervisor([parts.web(), *parts.workers()], patience=patience)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, supervisor.stop)
    supervisor.run()


if __name__ == "__main__":
    main(float(sys.argv[1]))
