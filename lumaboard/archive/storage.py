"""Our storage: one folder a workspace, each file under the hash of its bytes, complete or not there at all."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import mkdtemp, mkstemp
from types import TracebackType
from typing import BinaryIO, Final, Self

from django.conf import settings

from lumaboard.archive.names import STORED_NAME, stored_name

PART_SUFFIX: Final = ".part"
_FOLDER_MODE: Final = 0o700
_BLOCK: Final = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredFile:
    """A file in our storage."""

    name: str
    sha256: str
    size: int


def root() -> Path:
    return Path(settings.MEDIA_ROOT)


def path_of(name: str) -> Path:
    """Say where the file of this stored name lies; raises `ValueError` for anything that is not one of our names."""
    if not STORED_NAME.fullmatch(name):
        raise ValueError("not a name of our storage")
    return root() / name


def open_stored(name: str) -> BinaryIO:
    """Open a stored file for reading, never through a symbolic link; raises `OSError` where there is none."""
    return os.fdopen(os.open(path_of(name), os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW), "rb")


def exists(name: str) -> bool:
    """Whether a file of this name is there. Whether it is still whole is asked by `verify`."""
    path = path_of(name)
    return path.is_file() and not path.is_symlink()


class PartFile:
    """A file on its way in: bytes go to a private `.part`, which `keep` renames in one step and everything else removes."""

    def __init__(self, workspace_id: int) -> None:
        self._workspace_id = workspace_id
        descriptor, name = mkstemp(suffix=PART_SUFFIX, dir=_workspace_folder(workspace_id))  # mode 600
        self.path = Path(name)
        self._file = os.fdopen(descriptor, "wb")
        self._hash = hashlib.sha256()
        self.size = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._file.close()
        self.path.unlink(missing_ok=True)

    def write(self, chunk: bytes) -> None:
        self._file.write(chunk)
        self._hash.update(chunk)
        self.size += len(chunk)

    def flush(self) -> None:
        """Make what was written readable at `path`."""
        self._file.flush()

    def keep(self, *, extension: str) -> StoredFile:
        """Put the bytes on the disk for good, under their hash.

        A file that is there already is replaced by its equal: its new age keeps the sweep away until a row names it.
        """
        self._file.flush()
        os.fsync(self._file.fileno())
        sha256 = self._hash.hexdigest()
        name = stored_name(self._workspace_id, sha256, extension)
        target = root() / name
        _make_folder(target.parent)
        self.path.replace(target)
        _sync_folder(target.parent)
        return StoredFile(name=name, sha256=sha256, size=self.size)


def keep_made(path: Path, *, workspace_id: int, extension: str) -> StoredFile:
    """Bring a file that we made into the storage."""
    with PartFile(workspace_id) as part:
        with path.open("rb") as made:
            while block := made.read(_BLOCK):
                part.write(block)
        return part.keep(extension=extension)


@contextmanager
def workbench(workspace_id: int) -> Iterator[Path]:
    """Lend an empty private folder on the storage's own disk, and clear it away."""
    folder = Path(mkdtemp(suffix=PART_SUFFIX, dir=_workspace_folder(workspace_id)))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)  # what is left after a fault is swept


def hash_of(file: BinaryIO) -> str:
    """The sha256 of an open file, read in blocks."""
    digest = hashlib.sha256()
    while block := file.read(_BLOCK):
        digest.update(block)
    return digest.hexdigest()


def _workspace_folder(workspace_id: int) -> Path:
    return _make_folder(root() / str(workspace_id))


def _make_folder(folder: Path) -> Path:
    """Make the folder and those above it, private, and written to the disk before anything is put in."""
    if not folder.is_dir():
        _make_folder(folder.parent)
        folder.mkdir(mode=_FOLDER_MODE, exist_ok=True)
        _sync_folder(folder.parent)
    return folder


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
