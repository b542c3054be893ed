"""Databases by the dozen: one is migrated, the others are copies of it, so that no measurement meets another's rows."""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit, urlunsplit

if TYPE_CHECKING:
    from django.db.backends.base.base import BaseDatabaseWrapper


@dataclass(frozen=True, slots=True)
class Database:
    """Where the application finds it, and its name as Django's settings have it."""

    url: str
    name: str


class SqliteDatabases:
    label = "SQLite"

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def create(self, *, like: Database | None = None) -> Database:
        path = self._folder / f"{uuid.uuid4().hex[:8]}.sqlite3"
        if like is not None:
            shutil.copyfile(like.name, path)
        return Database(f"sqlite:///{path}", str(path))

    def drop_all(self) -> None:
        """Nothing to do: the files go with their folder."""


class PostgresDatabases:
    """Databases of our own on somebody's server; none of theirs is touched."""

    label = "PostgreSQL"

    def __init__(self, server_url: str) -> None:
        self._url = server_url
        self._made: list[str] = []

    def create(self, *, like: Database | None = None) -> Database:
        name = f"lumaboard_bench_{uuid.uuid4().hex[:8]}"
        self._execute(f"CREATE DATABASE {name}" + (f" TEMPLATE {like.name}" if like else ""))
        self._made.append(name)
        return Database(urlunsplit(urlsplit(self._url)._replace(path=f"/{name}")), name)

    def drop_all(self) -> None:
        for name in self._made:
            self._execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")

    def _execute(self, statement: str) -> None:
        import psycopg

        with psycopg.connect(self._url, autocommit=True) as connection:
            connection.execute(statement)


Databases = SqliteDatabases | PostgresDatabases


@contextmanager
def in_use(database: Database) -> Iterator[None]:
    """Let everything in this thread that uses Django's default database use this one. Connections stay open in between."""
    from django.db import connections

    usual = connections["default"]
    connections["default"] = _opened(database)
    try:
        yield
    finally:
        connections["default"] = usual


_open: dict[str, BaseDatabaseWrapper] = {}


def _opened(database: Database) -> BaseDatabaseWrapper:
    from django.db import connections
    from django.db.utils import load_backend

    if database.name not in _open:
        settings = {**connections.settings["default"], "NAME": database.name}
        _open[database.name] = load_backend(settings["ENGINE"]).DatabaseWrapper(settings, alias="default")
    return _open[database.name]


def close(database: Database) -> None:
    """Let go of a database, so that it can be copied whole."""
    wrapper = _open.pop(database.name, None)
    if wrapper is not None:
        wrapper.close()
