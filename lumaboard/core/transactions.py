"""Transactions whose loss would cost nothing, and which therefore wait for no disk."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection, transaction

_NORMAL = 1  # checkpoints wait for the disk, commits do not


@contextmanager
def forgettable() -> Iterator[None]:
    """A transaction that may be lost, whole, when the machine loses its power; a killed process loses nothing.

    For what merely says who is asking at the moment, and what brought no news: then everybody asks again. Of the time such a
    transaction takes, waiting for the disk is nearly all. Inside another transaction it is a part of that, and as durable.
    """
    if connection.in_atomic_block or connection.vendor not in _FORGETTABLE:
        with transaction.atomic():
            yield
    else:
        with _FORGETTABLE[connection.vendor]():
            yield


@contextmanager
def _on_sqlite() -> Iterator[None]:
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA synchronous")
        usual = int(cursor.fetchone()[0])
        cursor.execute(f"PRAGMA synchronous={min(usual, _NORMAL)}")
        try:
            with transaction.atomic():
                yield
        finally:
            cursor.execute(f"PRAGMA synchronous={usual}")


@contextmanager
def _on_postgresql() -> Iterator[None]:
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL synchronous_commit TO off")
        yield


_FORGETTABLE = {"sqlite": _on_sqlite, "postgresql": _on_postgresql}
