"""A few real films with their pictures, for demo rows to share: rendered by the simulator, looked at as any copy is."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings

from lumaboard.archive.storage import keep_made
from lumaboard.generations.models import AssetRole
from lumaboard.media.facts import MadeFile
from lumaboard.media.worker import inspect
from lumaboard.simulator.clips import FILES, ClipKey, ClipStyle
from lumaboard.simulator.library import Library
from lumaboard.simulator.scenes import SCENES

_STYLE = ClipStyle(short_side=270, fps=12, max_seconds=2.0)
_ASPECT_RATIOS = ("16:9", "9:16", "1:1", "21:9")
_EXTENSIONS = {"image/webp": "webp", "image/jpeg": "jpg", "image/png": "png"}


@dataclass(frozen=True, slots=True)
class File:
    """A stored file, with what its asset row says of it."""

    name: str
    sha256: str
    size: int
    content_type: str
    width: int | None
    height: int | None


@dataclass(frozen=True, slots=True)
class Clip:
    """A film and the pictures made of it; no two have the same aspect ratio."""

    aspect_ratio: str
    width: int
    height: int
    duration_s: float
    film: File
    pictures: dict[str, File]

    def files(self) -> Iterator[tuple[str, File]]:
        yield AssetRole.RAW, self.film
        yield from self.pictures.items()

    @property
    def stored_bytes(self) -> int:
        return sum(file.size for _, file in self.files())


def make_clips(workspace_id: int) -> list[Clip]:
    """Keep one film for each aspect ratio in the workspace's storage; rendering takes a few seconds each the first time."""
    library = Library(settings.DATA_DIR / "simulator" / "demo", _STYLE, workers=1)
    try:
        keys = [ClipKey(scene, ratio, 5) for scene, ratio in zip(SCENES, _ASPECT_RATIOS, strict=False)]
        return [_keep(workspace_id, key, library.want(key).result()) for key in keys]
    finally:
        library.close()


def _keep(workspace_id: int, key: ClipKey, folder: Path) -> Clip:
    with tempfile.TemporaryDirectory() as made_in:
        inspection = inspect(folder / FILES["raw"], out_dir=Path(made_in), timeout=60)
        pictures: dict[str, File] = {made.role: _keep_picture(workspace_id, made) for made in inspection.files}
    facts = inspection.facts
    width, height = facts.width or 0, facts.height or 0
    stored = keep_made(folder / FILES["raw"], workspace_id=workspace_id, extension="mp4")
    film = File(stored.name, stored.sha256, stored.size, "video/mp4", width, height)
    return Clip(key.aspect_ratio, width, height, facts.duration_s or 0.0, film, pictures)


def _keep_picture(workspace_id: int, made: MadeFile) -> File:
    stored = keep_made(made.path, workspace_id=workspace_id, extension=_EXTENSIONS[made.content_type])
    return File(stored.name, stored.sha256, stored.size, made.content_type, made.width, made.height)
