"""Serve the pages."""

from __future__ import annotations

import os
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from lumaboard.ops import parts
from lumaboard.ops.ports import refuse_if_taken


class Command(BaseCommand):
    help = "Serve the pages at LUMABOARD_BIND. Any number of these may run beside each other."

    def handle(self, **options: Any) -> None:
        refuse_if_taken(settings.BIND, "LUMABOARD_BIND")
        command = parts.web().command
        os.execv(command[0], list(command))  # noqa: S606  (our own command; it takes over this process)
