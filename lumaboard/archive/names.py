"""What files are called: in our storage, and on the disk of whoever downloads them."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

from lumaboard.generations.models import Asset

STORED_NAME: Final = re.compile(r"[1-9][0-9]*/(?P<shelf>[0-9a-f]{2})/(?P<sha256>(?P=shelf)[0-9a-f]{62})\.[a-z0-9]{3,4}")
"""Every name we give: workspace, first two letters of the hash, the hash, and an extension of our own finding."""

_LONGEST_TITLE: Final = 60
_SHORT_ID: Final = 8


def stored_name(workspace_id: int, sha256: str, extension: str) -> str:
    """Name the file with this content; nothing in a name comes from outside."""
    return f"{workspace_id}/{sha256[:2]}/{sha256}.{extension}"


def extension_of(name: str) -> str:
    return name.rpartition(".")[2]


def download_name(*, title: str, task_id: str, role: str, extension: str) -> str:
    """Name a download so that a person knows it again: words of the title or prompt, a short id, the role.

    Keeps letters and digits of every script and drops the rest, so that no path, control character, direction mark or
    NUL of a prompt gets onto somebody's disk.
    """
    short_id = re.sub(r"[^A-Za-z0-9]", "", task_id)[:_SHORT_ID] or "unknown"
    return f"{_words(title) or 'generation'}_{short_id}_{role.replace('_', '-')}.{extension}"


def name_of(asset: Asset) -> str:
    """What a member's download of this stored file is called."""
    return download_name(
        title=asset.generation.title or asset.generation.prompt,
        task_id=asset.generation.task_id,
        role=asset.role,
        extension=extension_of(asset.stored_name),
    )


def guest_download_name(*, title: str, number: int, extension: str) -> str:
    """Name a download for somebody outside: by the title, and by the number if it is not the first; by no id."""
    counted = f"-{number}" if number > 1 else ""
    return f"{_words(title) or 'film'}{counted}.{extension}"


def _words(title: str) -> str:
    return _plain(title)[:_LONGEST_TITLE].rstrip("-")


def _plain(text: str) -> str:
    composed = unicodedata.normalize("NFC", text)
    kept = "".join(letter if _is_kept(letter) else " " for letter in composed)
    return "-".join(kept.split())


def _is_kept(letter: str) -> bool:
    return unicodedata.category(letter)[0] in {"L", "N", "M"}
