"""What every measurement is given: the scale, an installation to run, and databases to fill."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.bench.databases import Database, Databases, close, in_use
from tests.bench.scale import Scale
from tests.ops.installation import Installation

CONCURRENCY = 64
"""Threads that ask upstream: what the goals were set for."""

ENVIRONMENT = {
    "LUMABOARD_REFRESH_CONCURRENCY": str(CONCURRENCY),
    "LUMABOARD_ALLOW_NETWORKS": "127.0.0.0/8",
    "LUMABOARD_LOG_LEVEL": "ERROR",
}


@dataclass(frozen=True, slots=True)
class Bench:
    scale: Scale
    folder: Path
    databases: Databases
    empty: Database  # migrated, with cache table and schedules; copied for every measurement

    @property
    def is_sqlite(self) -> bool:
        return self.databases.label == "SQLite"

    @contextmanager
    def database(self, *, like: Database | None = None) -> Iterator[Database]:
        """Lend a database of one's own, in use in this thread."""
        if like is not None:
            close(like)
        made = self.databases.create(like=like or self.empty)
        with in_use(made):
            yield made
        close(made)

    def installation(self, database: Database, **env: str) -> Installation:
        """An installation around this database, with ports of its own and the bench's folders."""
        made = Installation(self.folder / "data", database.url)
        made.env |= ENVIRONMENT | env
        return made


def prepare(folder: Path, databases: Databases) -> Database:
    """Make the folder, and the empty database that the others are copied from."""
    empty = databases.create()
    installation = Installation(folder / "data", empty.url)
    installation.data_dir.mkdir(exist_ok=True)
    installation.env |= ENVIRONMENT
    for command in (["migrate"], ["createcachetable"], ["sync_schedules"], ["collectstatic", "--no-input"]):
        installation.run(*command, "--verbosity", "0")
    os.environ |= {
        name: value for name, value in installation.env.items() if name.startswith(("LUMABOARD_", "DJANGO_"))
    }
    return empty


def say(text: str) -> None:
    """Tell whoever waits; the table alone goes to standard output."""
    sys.stderr.write(f"  {text}\n")
    sys.stderr.flush()


def analyse() -> None:
    """Let the database look at its rows before it is asked, as it does by itself in the long run."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
