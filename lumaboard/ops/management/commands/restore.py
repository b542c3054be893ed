"""Bring a backup back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from lumaboard.ops.dumps import DumpFailed
from lumaboard.ops.restore import RestoreRefused, lacks_its_keys, restore


class Command(BaseCommand):
    help = "Put database, media and keys of a backup in place of this installation's, which has to be stopped."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("src", type=Path, help="a file made by manage.py backup")
        parser.add_argument("--replace", action="store_true", help="give up what this installation holds now")

    def handle(self, *, src: Path, replace: bool, **options: Any) -> None:
        try:
            manifest = restore(src, replace=replace, now=timezone.now())
        except (RestoreRefused, DumpFailed, OSError) as error:
            raise CommandError(str(error)) from error
        call_command("migrate", interactive=False, verbosity=0)
        call_command("createcachetable", verbosity=0)
        call_command("sync_schedules")
        if lacks_its_keys(manifest):
            self.stderr.write(
                "The backup holds no encryption keys, and those in use here are others: set LUMABOARD_ENCRYPTION_KEYS "
                "to the old ones, or enter every upstream key again."
            )
        self.stdout.write(f"Restored {len(manifest.members)} files of {manifest.made_at}.")
