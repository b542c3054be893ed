"""The database as one file, and back: SQLite by its own means, PostgreSQL by its own tools."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path

from django.conf import settings
from django.db import connection


class DumpFailed(Exception):
    """The database could not be written to, or read from, a file; the message is for the operator."""


def database_kind() -> str:
    return "sqlite" if settings.IS_SQLITE else "postgresql"


def dump(target: Path) -> None:
    """Write the database as it is at one moment into a new file; others may go on reading and writing."""
    if settings.IS_SQLITE:
        with connection.cursor() as cursor:
            cursor.execute("VACUUM INTO %s", [str(target)])
        check_sqlite(target)
    else:
        with target.open("wb") as file:
            _run(["pg_dump", "--no-owner", "--no-privileges", "--format=plain"], stdout=file.fileno())


def load(source: Path) -> None:
    """Put the dumped database in place of ours, in one step: a rename on SQLite, one transaction on PostgreSQL.

    On SQLite the file is moved. Nobody else may have the database open.
    """
    connection.close()
    if settings.IS_SQLITE:
        check_sqlite(source)
        target = Path(str(connection.settings_dict["NAME"]))
        target.parent.mkdir(parents=True, exist_ok=True)
        beside = target.with_name(f".{target.name}.restored")
        shutil.move(source, beside)  # the last step can only be a rename on one and the same disk
        for leftover in ("-wal", "-shm"):  # they belong to the old file, and would be applied to the new one
            target.with_name(target.name + leftover).unlink(missing_ok=True)
        beside.replace(target)
    else:
        fresh = ["-c", "DROP SCHEMA public CASCADE", "-c", "CREATE SCHEMA public"]
        psql = ["psql", "--no-psqlrc", "--quiet", "--single-transaction", "-v", "ON_ERROR_STOP=1"]
        _run([*psql, *fresh, "-f", str(source)], stdout=subprocess.DEVNULL)


def check_sqlite(path: Path) -> None:
    """Raise `DumpFailed` unless this file is a whole SQLite database."""
    try:
        with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as database:
            (answer,) = database.execute("PRAGMA integrity_check").fetchone()
    except sqlite3.DatabaseError as error:
        raise DumpFailed(f"{path.name} is no whole SQLite database: {error}") from error
    if answer != "ok":
        raise DumpFailed(f"{path.name} is damaged: {answer}")


def _run(command: list[str], *, stdout: int) -> None:
    """Run one of PostgreSQL's own tools against our database; the password goes through the environment."""
    if shutil.which(command[0]) is None:
        raise DumpFailed(f"{command[0]} is missing; on Debian it is in the package postgresql-client.")
    database = connection.settings_dict
    wanted = {"HOST": "PGHOST", "PORT": "PGPORT", "USER": "PGUSER", "PASSWORD": "PGPASSWORD", "NAME": "PGDATABASE"}
    access = {variable: str(database[key]) for key, variable in wanted.items() if database.get(key)}
    done = subprocess.run(  # noqa: S603  (the commands stand above)
        command,
        env={**os.environ, **access},
        stdout=stdout,
        stderr=subprocess.PIPE,
        stdin=subprocess.DEVNULL,
        check=False,
    )
    if done.returncode:
        raise DumpFailed(f"{command[0]} failed: {done.stderr.decode(errors='replace').strip()}")
