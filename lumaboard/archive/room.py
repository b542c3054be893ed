"""Is there room for another file? Asked before a copy begins, and again when its length is known."""

from __future__ import annotations

import errno
import shutil
from pathlib import Path
from typing import Final

from django.conf import settings

from lumaboard.accounts.models import Workspace
from lumaboard.archive import storage
from lumaboard.archive.errors import NoRoom

MOST_RESERVED: Final = 2 * 2**30
RESERVED_SHARE: Final = 0.05

DISK_FULL: Final = "The server's disk is nearly full. The copy waits, and goes on by itself once there is room."
QUOTA_USED_UP: Final = "This workspace's storage is used up. The copy waits, and goes on by itself once there is room."
_FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT})


def storage_trouble(error: OSError) -> NoRoom:
    """Say what a fault of the storage means for copies: none can be made for now, and none of them is to blame."""
    if error.errno in _FULL:
        return NoRoom(DISK_FULL)
    reason = error.strerror or type(error).__name__
    return NoRoom(f"The server cannot write to its storage ({reason}). The copy waits, and goes on by itself.")


def check_disk(wanted_bytes: int = 0) -> None:
    """Raise `NoRoom` where these bytes would eat into what is kept free for everything else on the disk."""
    usage = shutil.disk_usage(_nearest_folder(storage.root()))
    reserve = settings.DISK_RESERVE
    if reserve is None:
        reserve = min(MOST_RESERVED, int(usage.total * RESERVED_SHARE))
    if usage.free - wanted_bytes < reserve:
        raise NoRoom(DISK_FULL)


def check_quota(workspace_id: int, wanted_bytes: int = 0) -> None:
    """Raise `NoRoom` where the workspace keeps as much as it may, or would with these bytes."""
    if settings.QUOTA_BYTES is None:
        return
    stored = Workspace.objects.values_list("stored_bytes", flat=True).get(pk=workspace_id)
    if stored + max(1, wanted_bytes) > settings.QUOTA_BYTES:
        raise NoRoom(QUOTA_USED_UP, workspace_id=workspace_id)


def _nearest_folder(path: Path) -> Path:
    """The storage may not have been made yet; the disk it will lie on is known all the same."""
    return next(folder for folder in (path, *path.parents) if folder.is_dir())
