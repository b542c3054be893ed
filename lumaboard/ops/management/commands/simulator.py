"""Run the simulator: a provider that costs nothing, for trying things out."""

from __future__ import annotations

import os
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from lumaboard.ops import parts
from lumaboard.ops.ports import refuse_if_taken


class Command(BaseCommand):
    help = "Run the simulated provider at LUMABOARD_SIMULATOR_BIND."

    def handle(self, **options: Any) -> None:
        refuse_if_taken(settings.SIMULATOR_BIND, "LUMABOARD_SIMULATOR_BIND")
        command = parts.simulator().command
        os.execv(command[0], list(command))  # noqa: S606  (our own command; it takes over this process)
