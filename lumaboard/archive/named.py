"""Which rows name which files of our storage: read off the models, so that a new table needs no line here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

from django.apps import apps
from django.db import models
from django.db.models import F

from lumaboard.accounts.models import Workspace
from lumaboard.generations.models import Asset


@cache
def tables() -> tuple[type[models.Model], ...]:
    """Every table whose rows name a stored file, its hash and its size."""
    every = (one for one in apps.get_models() if one.__module__.startswith("lumaboard."))
    return tuple(
        one for one in every if {"stored_name", "sha256", "size"} <= {field.name for field in one._meta.fields}
    )


def named_among(hashes: Iterable[str]) -> set[str]:
    """The stored names that rows give to files with these hashes; one query for each table."""
    wanted = set(hashes)
    found: set[str] = set()
    for table in tables():
        found.update(rows_naming(table).filter(sha256__in=wanted).values_list("stored_name", flat=True))
    return found


def named_beside_assets(workspace_id: int, hashes: Iterable[str]) -> set[str]:
    """Those of these hashes whose files in this workspace are named by something other than a generation's file."""
    wanted = set(hashes)
    found: set[str] = set()
    for table in tables():
        if table is not Asset:
            here = rows_naming(table).filter(sha256__in=wanted, stored_name__startswith=f"{workspace_id}/")
            found.update(here.values_list("sha256", flat=True))
    return found


def rows_naming(table: type[models.Model]) -> models.QuerySet[Any]:
    return table._default_manager.exclude(stored_name="")


def give_room_back(workspace_id: int, sizes: Mapping[str, int | None]) -> None:
    """Take the files that nothing names any more out of the workspace's quota; the sweep takes them off the disk."""
    kept = set(
        Asset.objects.filter(sha256__in=sizes, generation__workspace_id=workspace_id).values_list("sha256", flat=True)
    )
    kept |= named_beside_assets(workspace_id, sizes)
    freed = sum(size or 0 for sha256, size in sizes.items() if sha256 not in kept)
    Workspace.objects.filter(pk=workspace_id).update(stored_bytes=F("stored_bytes") - freed)
