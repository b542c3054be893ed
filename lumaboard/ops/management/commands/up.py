"""Start everything that one machine needs."""

from __future__ import annotations

import signal
import threading
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.core.management.base import BaseCommand

from lumaboard.ops import parts
from lumaboard.ops.links import setup_url
from lumaboard.ops.ports import refuse_if_taken, wait_until_open
from lumaboard.ops.supervisor import Supervisor


class Command(BaseCommand):
    help = "Prepare the database and start web, worker and simulator; Ctrl-C stops everything."

    def handle(self, **options: Any) -> None:
        refuse_if_taken(settings.BIND, "LUMABOARD_BIND")
        refuse_if_taken(settings.SIMULATOR_BIND, "LUMABOARD_SIMULATOR_BIND")
        self.stdout.write("Preparing the database and the files …")
        call_command("migrate", interactive=False, verbosity=0)
        call_command("createcachetable", verbosity=0)
        call_command("sync_schedules")
        call_command("collectstatic", interactive=False, verbosity=0)
        threading.Thread(target=self._greet, args=(self._first_words(),), daemon=True).start()
        supervisor = Supervisor([parts.web(), *parts.workers(), parts.simulator()])
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, supervisor.stop)
        supervisor.run()
        self.stdout.write("Lumaboard has stopped.")

    def _first_words(self) -> str:
        words = [f"Lumaboard runs at {settings.PUBLIC_URL}/ (Ctrl-C stops it)."]
        if not get_user_model().objects.exists():
            words += ["Nobody has an account yet. Open this link to make the first one; it works once:", setup_url()]
        return "\n".join(["", *words, ""])

    def _greet(self, words: str) -> None:
        """Print the address once it can be opened, and not before."""
        wait_until_open(settings.BIND)
        self.stdout.write(words)
        self.stdout.flush()
