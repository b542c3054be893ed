"""Whether this installation does its work, in figures: for load balancers, monitoring and people."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import Error as DatabaseError
from django.db import connection
from django.db.models import Max

from lumaboard.archive.errors import NoRoom
from lumaboard.archive.room import check_disk
from lumaboard.generations.counters import Beat
from lumaboard.ops.parts import WORK_BEATS

YOUNG = timedelta(seconds=30)
"""How old the worker's last sign of life may be."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at, and what to say about it."""

    name: str
    is_well: bool
    words: str


def findings(*, now: datetime) -> list[Finding]:
    """Look at database, worker and disk; the worker is not asked for where the database is away. Cost: two queries."""
    database = look_at_database()
    return [database, *([look_at_worker(now=now)] if database.is_well else []), look_at_disk()]


def look_at_database() -> Finding:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError:
        return Finding("database", False, "The database does not answer.")
    return Finding("database", True, "The database answers.")


def look_at_worker(*, now: datetime) -> Finding:
    beaten_at = Beat.objects.filter(name__in=WORK_BEATS).aggregate(last=Max("beaten_at"))["last"]
    if beaten_at is None:
        return Finding("worker", False, "The worker has not run yet: start it with manage.py worker.")
    seconds = max(0, int((now - beaten_at).total_seconds()))
    if now - beaten_at > YOUNG:
        return Finding("worker", False, f"The worker gave its last sign of life {seconds} s ago: is it running?")
    return Finding("worker", True, f"The worker gave a sign of life {seconds} s ago.")


def look_at_disk() -> Finding:
    try:
        check_disk()
    except NoRoom as error:
        return Finding("disk", False, str(error))
    return Finding("disk", True, f"{free_bytes() / 2**30:.1f} GiB are free.")


def free_bytes() -> int:
    """What the disk below the data folder has left."""
    return shutil.disk_usage(settings.DATA_DIR).free
