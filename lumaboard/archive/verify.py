"""Does the storage hold what the rows say? Part of `manage.py verify_invariants`."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from lumaboard.archive import storage
from lumaboard.archive.sweeping import ORPHAN_AGE, orphans
from lumaboard.generations.models import Asset, CopyState


def verify_files(*, now: datetime) -> Iterator[str]:
    """Give a sentence for everything that is not as promised: archived ⇔ file there, size and hash equal; no old orphans.

    Reads every archived file to its end, equal ones once.
    """
    found: dict[str, str] = {}
    for asset in Asset.objects.filter(copy_state=CopyState.ARCHIVED).order_by("stored_name", "pk").iterator():
        if asset.stored_name not in found:
            found = {asset.stored_name: _trouble_with(asset)}  # in order of names, so one is enough to remember
        if trouble := found[asset.stored_name]:
            yield f"asset {asset.pk} ({asset}): {trouble}"
    for name in orphans(now - ORPHAN_AGE):
        yield f"file {name} is named by no row and older than a day"


def _trouble_with(asset: Asset) -> str:
    try:
        with storage.open_stored(asset.stored_name) as file:
            sha256 = storage.hash_of(file)
            size = file.tell()
    except ValueError:
        return "its name is not one of our storage"
    except OSError as error:
        return f"its file cannot be read ({error.strerror})"
    if size != asset.size:
        return f"its file has {size} bytes instead of {asset.size}"
    if sha256 != asset.sha256 or asset.sha256 not in asset.stored_name:
        return "its file has other content than it had"
    return ""
