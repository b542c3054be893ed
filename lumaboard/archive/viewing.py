"""What an outsider may watch where the original is not for them: upstream's marked film, or the preview made here."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping

from lumaboard.generations.models import Asset, AssetRole, CopyState

Files = Mapping[str, Asset]
"""The files of one generation, by role."""

_COMING = (CopyState.WANTED, CopyState.COPYING)


def files_of(generation_ids: Iterable[int]) -> dict[int, dict[str, Asset]]:
    """The films of these generations and their previews, by generation and role; one query."""
    assets = Asset.objects.filter(
        generation_id__in=list(generation_ids), role__in=(AssetRole.RAW, AssetRole.WATERMARKED, AssetRole.PREVIEW)
    )
    found: dict[int, dict[str, Asset]] = defaultdict(dict)
    for asset in assets:
        found[asset.generation_id][asset.role] = asset
    return dict(found)


def viewing_file(files: Files) -> Asset | None:
    """The one of these that may be watched; None while it is still being made, or cannot be.

    Links that allow no download serve this file and no other. It may be a film or a picture: see its `content_type`.
    """
    return files[AssetRole.WATERMARKED] if has_marked_film(files) else _archived(files, AssetRole.PREVIEW)


def has_marked_film(files: Files) -> bool:
    """Whether upstream's watermarked film is here and bears a mark: a file equal to the raw one bears none.

    Nobody can tell before the raw film is here as well, unless upstream names none. Where it was lost before it came, nobody
    ever can.
    """
    marked, raw = _archived(files, AssetRole.WATERMARKED), files.get(AssetRole.RAW)
    if marked is None or raw is None:
        return marked is not None
    return raw.copy_state not in _COMING and raw.sha256 not in ("", marked.sha256)


def preview_source(files: Files) -> Asset | None:
    """The stored file to make a preview of now; none while upstream's marked film may still come, or where it has come."""
    if has_marked_film(files) or _is_coming(files.get(AssetRole.WATERMARKED)):
        return None
    raw = files.get(AssetRole.RAW)
    if raw is not None and raw.copy_state == CopyState.LOST:
        return _archived(files, AssetRole.WATERMARKED)
    return _archived(files, AssetRole.RAW)


def is_asleep(asset: Asset) -> bool:
    """Whether this is a preview that waits for a film to be made of, or that upstream's marked film has made needless."""
    is_begun = asset.copy_state != CopyState.WANTED or asset.next_copy_at is not None or asset.attempts > 0
    return asset.role == AssetRole.PREVIEW and not is_begun


def _archived(files: Files, role: str) -> Asset | None:
    asset = files.get(role)
    return asset if asset is not None and asset.copy_state == CopyState.ARCHIVED else None


def _is_coming(asset: Asset | None) -> bool:
    """On its way for the first time; one that failed may take hours, which nobody should wait for."""
    return (
        asset is not None and asset.copy_state in _COMING and not asset.failure_count and asset.next_copy_at is not None
    )
