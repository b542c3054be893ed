"""Does the storage hold what the rows say? Part of `manage.py verify_invariants`."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from django.db.models import QuerySet

from lumaboard.archive import storage
from lumaboard.archive.named import rows_naming, tables
from lumaboard.archive.sweeping import ORPHAN_AGE, orphans
from lumaboard.generations.models import Asset, CopyState


def verify_files(*, now: datetime) -> Iterator[str]:
    """Give a sentence for everything that is not as promised: archived ⇔ file there, size and hash equal; no old orphans.

    Reads every kept file to its end, equal ones once.
    """
    for table in tables():
        rows = rows_naming(table)
        kept = rows.filter(copy_state=CopyState.ARCHIVED) if table is Asset else rows
        yield from _troubles_of(kept)
    for name in orphans(now - ORPHAN_AGE):
        yield f"file {name} is named by no row and older than a day"


def _troubles_of(rows: QuerySet[Any]) -> Iterator[str]:
    found: dict[str, str] = {}
    for row in rows.order_by("stored_name", "pk").iterator():
        if row.stored_name not in found:
            found = {row.stored_name: _trouble_with(row)}  # in order of names, so one is enough to remember
        if trouble := found[row.stored_name]:
            yield f"{row._meta.verbose_name} {row.pk} ({row}): {trouble}"


def _trouble_with(row: Any) -> str:
    try:
        with storage.open_stored(row.stored_name) as file:
            sha256 = storage.hash_of(file)
            size = file.tell()
    except ValueError:
        return "its name is not one of our storage"
    except OSError as error:
        return f"its file cannot be read ({error.strerror})"
    if size != row.size:
        return f"its file has {size} bytes instead of {row.size}"
    if sha256 != row.sha256 or row.sha256 not in row.stored_name:
        return "its file has other content than it had"
    return ""
