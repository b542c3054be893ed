"""Write a backup."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from lumaboard.ops.backup import make_backup
from lumaboard.ops.dumps import DumpFailed


class Command(BaseCommand):
    help = "Write database, media and keys into one file, while everything goes on running. Keep it as safe as a key."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("dest", type=Path, help="a new file, or a folder in which a dated file is made")

    def handle(self, *, dest: Path, **options: Any) -> None:
        now = timezone.now()
        target = dest / f"lumaboard-{now:%Y-%m-%d-%H%M%S}.tar" if dest.is_dir() else dest
        try:
            manifest = make_backup(target, now=now)
        except FileExistsError as error:
            raise CommandError(f"{target} exists already; a backup never overwrites another.") from error
        except (DumpFailed, OSError) as error:
            raise CommandError(f"No backup was made. {error}") from error
        if "keys/encryption_keys" not in manifest.members:
            self.stderr.write(
                "The encryption keys come from LUMABOARD_ENCRYPTION_KEYS and are not in the backup: keep them elsewhere."
            )
        size = target.stat().st_size / 2**20
        self.stdout.write(f"{target}: {len(manifest.members)} files, {size:.1f} MiB")
