"""One file that holds everything an installation cannot make again: database, media, keys.

The database is taken first: files that arrive meanwhile are more than it knows of, which does no harm. The manifest, with
size and SHA-256 of every member, comes last, so a file that was cut has none and is not taken for a backup.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import IO

from django.conf import settings

from lumaboard.archive.names import STORED_NAME
from lumaboard.ops import dumps

FORMAT = 1
MANIFEST = "manifest.json"
DATABASE = "database"
KEY_FILES = ("secret_key", "encryption_keys")
UNFINISHED = ".part"


@dataclass(frozen=True, slots=True)
class Member:
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a backup says of itself."""

    format: int
    made_at: str
    database: str
    key_fingerprints: list[str]
    members: dict[str, Member]

    def as_json(self) -> bytes:
        return json.dumps(asdict(self), indent=1).encode()

    @classmethod
    def from_json(cls, text: bytes) -> Manifest:
        """Read it back; raises `ValueError` or `KeyError` for anything else."""
        read = json.loads(text)
        members = {name: Member(int(member["size"]), str(member["sha256"])) for name, member in read["members"].items()}
        fingerprints = [str(item) for item in read["key_fingerprints"]]
        return cls(int(read["format"]), str(read["made_at"]), str(read["database"]), fingerprints, members)


def key_fingerprints() -> list[str]:
    """Name the encryption keys in use without telling anything about them."""
    return [hashlib.sha256(b"lumaboard key" + key).hexdigest()[:16] for key in settings.ENCRYPTION_KEYS]


def make_backup(target: Path, *, now: datetime) -> Manifest:
    """Write a backup to this path, readable by its owner alone; it appears complete or not at all.

    Raises `FileExistsError` where something is there already, `DumpFailed` and `OSError`.
    """
    if target.exists():
        raise FileExistsError(target)
    unfinished = target.with_name(target.name + UNFINISHED)
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            manifest = _write(file, now=now, scratch=target.parent)
            file.flush()
            os.fsync(file.fileno())
        unfinished.rename(target)
    finally:
        unfinished.unlink(missing_ok=True)
    return manifest


def _write(file: IO[bytes], *, now: datetime, scratch: Path) -> Manifest:
    members: dict[str, Member] = {}
    with (
        tarfile.open(fileobj=file, mode="w", format=tarfile.PAX_FORMAT) as tar,
        tempfile.TemporaryDirectory(dir=scratch) as folder,
    ):
        dump = Path(folder) / DATABASE
        dumps.dump(dump)
        members[DATABASE] = _add(tar, DATABASE, dump)
        for name, path in _files():
            with suppress(FileNotFoundError):  # swept meanwhile, because nothing names it any more
                members[name] = _add(tar, name, path)
        manifest = Manifest(FORMAT, now.isoformat(), dumps.database_kind(), key_fingerprints(), members)
        text = manifest.as_json()
        info = tarfile.TarInfo(MANIFEST)
        info.size, info.mode = len(text), 0o600
        tar.addfile(info, io.BytesIO(text))
    return manifest


def _files() -> Iterator[tuple[str, Path]]:
    for name in KEY_FILES:  # absent where the operator hands the keys in through the environment
        if (path := settings.DATA_DIR / name).is_file():
            yield f"keys/{name}", path
    root: Path = settings.MEDIA_ROOT
    for path in sorted(root.rglob("*")):
        name = path.relative_to(root).as_posix()
        if STORED_NAME.fullmatch(name) and path.is_file() and not path.is_symlink():
            yield f"media/{name}", path


class _HashingReader:
    """Reads a file for `tarfile` and hashes what goes by."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._hash = hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        block = self._file.read(size)
        self._hash.update(block)
        return block

    def hexdigest(self) -> str:
        return self._hash.hexdigest()


def _add(tar: tarfile.TarFile, name: str, path: Path) -> Member:
    with path.open("rb") as file:
        info = tarfile.TarInfo(name)
        info.size, info.mode = os.fstat(file.fileno()).st_size, 0o600
        reader = _HashingReader(file)
        tar.addfile(info, reader)
    return Member(info.size, reader.hexdigest())
