"""Fetch a file: resumed where it was cut, and checked to the last byte before it gets its name."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import requests

from lumaboard.cli.client import Client
from lumaboard.cli.errors import FAILED, UNREACHABLE, CliError

BEST_FIRST: Final = ("raw", "watermarked", "preview")
_EXTENSIONS: Final = {
    "video/mp4": "mp4",
    "video/webm": "webm",
    "image/jpeg": "jpg",
    "image/png": "png",
    "image/webp": "webp",
}
_BLOCK: Final = 256 * 1024
_TRIES: Final = 5
_SLASHES: Final = tuple({"/", os.sep})

Report = Callable[[int, int], None]


def choose(assets: list[dict[str, Any]], role: str) -> dict[str, Any]:
    """The safe file of this role; of `main` the best there is."""
    safe = {one["role"]: one for one in assets if one["url"]}
    for wanted in BEST_FIRST if role == "main" else (role,):
        if wanted in safe:
            return safe[wanted]
    raise CliError(f"There is no file “{role}” to download (yet).", FAILED)


def download(client: Client, asset: dict[str, Any], wanted: str, *, report: Report) -> Path:
    """Write the file, or go on where an earlier run was cut. An existing file stays as it is.

    What is wanted may be a folder; one that ends in a slash is made.
    """
    target = Path(wanted)
    _make_folder(target if wanted.endswith(_SLASHES) else target.parent)
    if target.is_dir():
        generation = asset["url"].split("/generations/")[1].split("/")[0]
        target = target / f"{generation}-{asset['role']}.{_EXTENSIONS.get(asset['content_type'], 'bin')}"
    if target.exists():
        if _hash_of(target) == asset["sha256"]:
            return target
        raise CliError(f"{target} is there already, and is another file.")
    part = target.with_name(f"{target.name}.part")
    for _ in range(_TRIES):
        try:
            _fetch(client, asset, part, report)
        except (requests.RequestException, OSError):
            continue  # what has come stays, and the next try goes on behind it
        if part.stat().st_size >= asset["size"]:
            break
    if not part.exists() or part.stat().st_size < asset["size"]:
        raise CliError(f"The download was cut again and again. Run the same command to go on from {part}.", UNREACHABLE)
    if part.stat().st_size != asset["size"] or _hash_of(part) != asset["sha256"]:
        part.unlink()
        raise CliError("What came is not the file: its checksum differs. It was removed; try again.", FAILED)
    return part.replace(target)


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CliError(f"The folder {folder} cannot be made: {error.strerror}.") from error


def _fetch(client: Client, asset: dict[str, Any], part: Path, report: Report) -> None:
    done = part.stat().st_size if part.exists() else 0
    if done >= asset["size"]:
        return
    with client.open(asset["url"].removeprefix("/api/v1"), start=done) as answer, part.open("ab") as file:
        if done and answer.status_code != 206:  # the server began at the beginning
            file.truncate(0)
            done = 0
        for block in answer.iter_content(_BLOCK):
            file.write(block)
            done += len(block)
            report(done, asset["size"])


def _hash_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
