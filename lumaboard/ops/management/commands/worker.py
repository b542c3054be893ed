"""Run the background work under supervision."""

from __future__ import annotations

import signal
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from lumaboard.ops import parts
from lumaboard.ops.supervisor import PATIENCE, Supervisor


class Command(BaseCommand):
    help = "Ask upstream and keep copies; replaces its processes when they end or hang. Several may run at once."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--patience",
            type=float,
            default=PATIENCE,
            metavar="SECONDS",
            help="how long the worker may finish no job before it is replaced (default: %(default)s)",
        )

    def handle(self, *, patience: float, **options: Any) -> None:
        supervisor = Supervisor(parts.workers(), patience=patience)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, supervisor.stop)
        supervisor.run()
