"""Bring an installation back from a backup: checked first, then put in place step by step with a way back."""

from __future__ import annotations

import hashlib
import os
import shutil
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path, PurePosixPath

from django.conf import settings
from django.db import connection

from lumaboard.accounts.models import User
from lumaboard.ops import dumps
from lumaboard.ops.backup import DATABASE, FORMAT, MANIFEST, Manifest, Member, key_fingerprints
from lumaboard.ops.health import look_at_worker

_BLOCK = 1 << 20
_SCRATCH = ".restore-"


class RestoreRefused(Exception):
    """Nothing was changed; the message says why."""


def restore(source: Path, *, replace: bool, now: datetime) -> Manifest:
    """Put the backup's database, media and keys in place of ours.

    Everything is unpacked beside the data folder and checked before anything is touched, and an error on the way puts
    back what was there. Raises `RestoreRefused`, `DumpFailed` and `OSError`.
    """
    _refuse_to_harm(replace=replace, now=now)
    settings.DATA_DIR.mkdir(parents=True, exist_ok=True)
    settings.MEDIA_ROOT.mkdir(parents=True, exist_ok=True, mode=0o700)
    with tempfile.TemporaryDirectory(prefix=_SCRATCH, dir=settings.MEDIA_ROOT) as folder:
        staged, aside = Path(folder) / "new", Path(folder) / "old"
        (staged / "media").mkdir(parents=True)
        (staged / "keys").mkdir()
        aside.mkdir()
        manifest = unpack(source, staged)
        if manifest.database != dumps.database_kind():
            raise RestoreRefused(
                f"The backup holds a {manifest.database} database, but LUMABOARD_DATABASE_URL names a "
                f"{dumps.database_kind()} one."
            )
        with (
            _swapped(staged / "media", settings.MEDIA_ROOT, aside),
            _swapped(staged / "keys", settings.DATA_DIR, aside),
        ):
            dumps.load(staged / DATABASE)
    return manifest


def lacks_its_keys(manifest: Manifest) -> bool:
    """Whether upstream keys in this backup cannot be read here: it holds no encryption keys, and ours are others."""
    return "keys/encryption_keys" not in manifest.members and not set(manifest.key_fingerprints) & set(
        key_fingerprints()
    )


def unpack(source: Path, target: Path) -> Manifest:
    """Unpack a backup into an empty folder and check every byte against its manifest; raises `RestoreRefused`."""
    try:
        with tarfile.open(source, mode="r:") as tar:
            found = dict(_extract(tar, target))
    except (tarfile.TarError, EOFError) as error:
        raise RestoreRefused(f"{source} is not a backup of Lumaboard: {error}") from error
    if MANIFEST not in found:
        raise RestoreRefused(f"{source} is not a complete backup of Lumaboard: its manifest is missing.")
    del found[MANIFEST]
    try:
        manifest = Manifest.from_json((target / MANIFEST).read_bytes())
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise RestoreRefused(f"The manifest of {source} cannot be read.") from error
    if manifest.format != FORMAT:
        raise RestoreRefused(f"The backup has format {manifest.format}; this version of Lumaboard reads {FORMAT}.")
    if damaged := sorted(name for name in {*found, *manifest.members} if found.get(name) != manifest.members.get(name)):
        raise RestoreRefused(f"The backup is damaged: {', '.join(damaged[:3])} differ from its manifest.")
    return manifest


def _extract(tar: tarfile.TarFile, target: Path) -> Iterator[tuple[str, Member]]:
    """Write the plain files of the archive below the folder and say what they were; nothing else is ever written."""
    for info in tar:
        parts = PurePosixPath(info.name).parts
        if not info.isreg() or info.name.startswith("/") or ".." in parts:
            raise RestoreRefused(f"The backup holds {info.name!r}, which no backup of Lumaboard does.")
        path = target.joinpath(*parts)
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)  # files of ours are nobody else's to read
        stream = tar.extractfile(info)
        assert stream is not None  # it is a regular file
        digest = hashlib.sha256()
        with stream, os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            while block := stream.read(_BLOCK):
                digest.update(block)
                file.write(block)
            file.flush()
            os.fsync(file.fileno())
        yield info.name, Member(info.size, digest.hexdigest())


def _refuse_to_harm(*, replace: bool, now: datetime) -> None:
    has_tables = User._meta.db_table in connection.introspection.table_names()
    if has_tables and look_at_worker(now=now).is_well:
        raise RestoreRefused("Lumaboard is running: stop it, wait half a minute, and try again.")
    is_used = (has_tables and User.objects.exists()) or any(settings.MEDIA_ROOT.glob("[!.]*"))
    if is_used and not replace:
        raise RestoreRefused("There is an installation here already; --replace puts the backup in its place.")


@contextmanager
def _swapped(new: Path, current: Path, aside: Path) -> Iterator[None]:
    """Move what lies in one folder into another, in place of what has the same names; an error inside undoes it.

    From the media folder everything else goes as well. The folders themselves stay: they may be mount points.
    """
    wanted = sorted(new.iterdir())
    names = {path.name for path in wanted}
    if current == settings.MEDIA_ROOT:
        names |= {path.name for path in current.iterdir() if not path.name.startswith(_SCRATCH)}
    moved: list[tuple[Path, Path]] = []
    try:
        for name in sorted(names):
            if (current / name).exists():
                moved.append((current / name, aside / name))
                shutil.move(*moved[-1])
        for path in wanted:
            moved.append((path, current / path.name))
            shutil.move(*moved[-1])
        yield
    except BaseException:
        for origin, place in reversed(moved):
            if place.exists():
                shutil.move(place, origin)
        raise
