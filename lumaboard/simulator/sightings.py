"""When each id was first seen, and what it was created with; kept in SQLite so that a restart goes on where it was."""

import json
import sqlite3
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_SCHEMA = """
CREATE TABLE IF NOT EXISTS sighting (
    id TEXT PRIMARY KEY, seen_at REAL NOT NULL, request TEXT, is_deleted INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID
"""


@dataclass(frozen=True, slots=True)
class Sighting:
    """One known id."""

    id: str
    seen_at: float
    request: Mapping[str, Any] | None
    is_deleted: bool


class Sightings:
    """The ids the simulator has met. One connection under a lock: a look-up takes some ten microseconds.

    `synchronous=OFF` leaves the writing to the system: a killed process loses nothing, a power cut may.
    """

    def __init__(self, path: Path) -> None:
        self._lock = threading.Lock()
        self._database = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=10)
        self._database.execute("PRAGMA journal_mode=WAL")
        self._database.execute("PRAGMA synchronous=OFF")
        self._database.execute(_SCHEMA)

    def close(self) -> None:
        with self._lock:
            self._database.close()

    def first(self, task_id: str, now: float) -> Sighting:
        """Return the sighting of an id; an id never seen before is seen now."""
        with self._lock:
            row = self._row(task_id)
            if row is None:
                self._database.execute("INSERT OR IGNORE INTO sighting (id, seen_at) VALUES (?, ?)", (task_id, now))
                row = self._row(task_id)
        assert row is not None
        return _sighting(row)

    def known(self, task_id: str) -> Sighting | None:
        """Return the sighting of an id, without seeing it now."""
        with self._lock:
            row = self._row(task_id)
        return _sighting(row) if row is not None else None

    def create(self, task_id: str, request: Mapping[str, Any], now: float) -> Sighting:
        with self._lock:
            self._database.execute("INSERT INTO sighting VALUES (?, ?, ?, 0)", (task_id, now, json.dumps(request)))
        return Sighting(task_id, now, request, is_deleted=False)

    def delete(self, task_id: str, now: float) -> None:
        """Forget an id for good, whether it was seen before or not; it does not come to life again."""
        statement = "INSERT INTO sighting VALUES (?, ?, NULL, 1) ON CONFLICT (id) DO UPDATE SET is_deleted = 1"
        with self._lock:
            self._database.execute(statement, (task_id, now))

    def page(self, limit: int, offset: int) -> tuple[list[Sighting], int]:
        """Return a page of what is known, newest first, and how many there are."""
        with self._lock:
            (count,) = self._database.execute("SELECT count(*) FROM sighting WHERE NOT is_deleted").fetchone()
            rows = self._database.execute(
                "SELECT * FROM sighting WHERE NOT is_deleted ORDER BY seen_at DESC, id LIMIT ? OFFSET ?",
                (limit, offset),
            ).fetchall()
        return [_sighting(row) for row in rows], count

    def _row(self, task_id: str) -> tuple[Any, ...] | None:
        row: tuple[Any, ...] | None
        row = self._database.execute("SELECT * FROM sighting WHERE id = ?", (task_id,)).fetchone()
        return row


def _sighting(row: tuple[Any, ...]) -> Sighting:
    task_id, seen_at, request, is_deleted = row
    return Sighting(task_id, seen_at, json.loads(request) if request else None, bool(is_deleted))
