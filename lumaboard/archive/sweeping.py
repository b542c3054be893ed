"""Find and remove what no row names: parts of killed copies, and files whose rows are gone."""

from __future__ import annotations

import logging
import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import suppress
from datetime import datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Final

from django.db import transaction

from lumaboard.accounts.models import Workspace
from lumaboard.archive import storage
from lumaboard.archive.named import named_among
from lumaboard.archive.names import STORED_NAME

logger = logging.getLogger(__name__)

PART_AGE: Final = timedelta(hours=1)
ORPHAN_AGE: Final = timedelta(hours=24)
_AT_ONCE: Final = 200


def sweep(*, now: datetime) -> int:
    """Remove parts older than an hour and files that no row has named for a day; returns how many.

    Follows no symbolic link, and touches nothing whose name is not one of ours.
    """
    removed = _sweep_parts(now - PART_AGE) + _sweep_orphans(now - ORPHAN_AGE)
    _sweep_folders()
    return removed


def orphans(before: datetime) -> Iterator[str]:
    """Name the files older than this that no row names."""
    old = (name for name, changed_at in _stored_files() if changed_at < before.timestamp())
    while names := list(islice(old, _AT_ONCE)):
        yield from _unnamed(names)


def _sweep_parts(before: datetime) -> int:
    parts = [
        entry
        for folder in _workspace_folders()
        for entry in _entries(folder)
        if entry.name.endswith(storage.PART_SUFFIX) and _changed_at(entry) < before.timestamp()
    ]
    for part in parts:
        if part.is_dir(follow_symlinks=False):
            shutil.rmtree(part.path, ignore_errors=True)  # the next sweep tries what is left
        else:
            Path(part.path).unlink(missing_ok=True)
    return len(parts)


def _sweep_orphans(before: datetime) -> int:
    """Look twice: list what seems to be nobody's, then ask and remove under the lock that new rows are written under."""
    by_workspace: dict[int, list[str]] = {}
    for name in orphans(before):
        by_workspace.setdefault(int(name.partition("/")[0]), []).append(name)
    removed = 0
    for workspace_id, names in by_workspace.items():
        for start in range(0, len(names), _AT_ONCE):
            removed += _remove(workspace_id, names[start : start + _AT_ONCE], before)
    return removed


def _sweep_folders() -> None:
    """Remove the empty folders of workspaces that are deleted; a late copy may have made them anew."""
    folders = {int(folder.name): folder for folder in _workspace_folders()}
    for workspace_id in folders.keys() - set(Workspace.objects.present().values_list("pk", flat=True)):
        for folder in (*map(Path, _entries(folders[workspace_id])), folders[workspace_id]):
            with suppress(OSError):  # which is what `rmdir` raises over what is not empty, or no folder
                folder.rmdir()


def _remove(workspace_id: int, names: list[str], before: datetime) -> int:
    """Remove those still unnamed and still old. A copy that is recorded after us finds its file gone and begins anew."""
    removed = 0
    with transaction.atomic():
        Workspace.objects.select_for_update().filter(pk=workspace_id).first()
        for name in _unnamed(names):
            path = storage.path_of(name)
            try:
                if path.lstat().st_mtime < before.timestamp():
                    path.unlink()
                    removed += 1
            except FileNotFoundError:
                continue  # another sweep was first
    if removed:
        logger.info("Removed %d files of workspace %d that nothing named.", removed, workspace_id)
    return removed


def _unnamed(names: Iterable[str]) -> list[str]:
    wanted = list(names)
    named = named_among(_sha256(name) for name in wanted)
    return [name for name in wanted if name not in named]


def _sha256(name: str) -> str:
    return Path(name).stem


def _stored_files() -> Iterator[tuple[str, float]]:
    for workspace in _workspace_folders():
        for shelf in _entries(Path(workspace)):
            if len(shelf.name) == 2 and shelf.is_dir(follow_symlinks=False):
                for entry in _entries(Path(shelf.path)):
                    name = f"{workspace.name}/{shelf.name}/{entry.name}"
                    if entry.is_file(follow_symlinks=False) and STORED_NAME.fullmatch(name):
                        yield name, _changed_at(entry)


def _workspace_folders() -> list[Path]:
    return [
        Path(entry.path)
        for entry in _entries(storage.root())
        if entry.name.isascii() and entry.name.isdigit() and entry.is_dir(follow_symlinks=False)
    ]


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return list(entries)
    except FileNotFoundError:
        return []


def _changed_at(entry: os.DirEntry[str]) -> float:
    """When the entry was last written; what has just gone counts as new."""
    try:
        return entry.stat(follow_symlinks=False).st_mtime
    except FileNotFoundError:
        return float("inf")
