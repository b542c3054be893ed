"""The picture that stands for a link in chats: 1200 × 630 and, for those who have less room, the same in smaller."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cache, lru_cache
from io import BytesIO
from typing import Final

from django.conf import settings
from django.http import Http404
from PIL import Image

from lumaboard.archive.storage import open_stored
from lumaboard.generations.models import Asset

Size = tuple[int, int]

CARD_SIZE: Final[Size] = (1200, 630)
SMALLER_SIZES: Final[tuple[Size, ...]] = ((600, 315), (300, 158))
_WIDTHS: Final = frozenset(width for width, _height in SMALLER_SIZES)


@dataclass(frozen=True, slots=True)
class Card:
    """A JPEG to answer with; `etag` tells its bytes from all others."""

    body: bytes
    etag: str


def size_that_fits(*, most_width: int | None, most_height: int | None) -> Size | None:
    """Return the largest size there is within these bounds, if any."""
    for width, height in (CARD_SIZE, *SMALLER_SIZES):
        if width <= (most_width or width) and height <= (most_height or height):
            return width, height
    return None


def card_of(asset: Asset, *, width: int | None) -> Card:
    """Open the card of a generation, in the size of that width if there is one. Raises `Http404` if it cannot be read."""
    try:
        return _stored(asset.stored_name, asset.sha256, width)
    except OSError as error:
        raise Http404 from error


def neutral_card(*, width: int | None) -> Card:
    """Open the picture that tells nothing."""
    return _neutral(width if width in _WIDTHS else None)


@lru_cache(maxsize=64)
def _stored(name: str, sha256: str, width: int | None) -> Card:
    """Anybody may ask, as often as they like: what was drawn lately is not drawn again. At most some 20 MB in all."""
    with open_stored(name) as file:
        return _sized(file.read(), sha256, width)


@cache
def _neutral(width: int | None) -> Card:
    body = (settings.BASE_DIR / "static" / "neutral-card.jpg").read_bytes()
    return _sized(body, hashlib.sha256(body).hexdigest(), width)


def _sized(body: bytes, sha256: str, width: int | None) -> Card:
    size = next((size for size in SMALLER_SIZES if size[0] == width), None)
    if size is not None:
        body, sha256 = _smaller(body, size), f"{sha256}-{width}"
    return Card(body, sha256)


def _smaller(body: bytes, size: Size) -> bytes:
    made = BytesIO()
    with Image.open(BytesIO(body), formats=["JPEG"]) as picture:
        picture.draft("RGB", size)  # read at half or a quarter of the size, which is most of the way
        picture.convert("RGB").resize(size, Image.Resampling.LANCZOS).save(made, "JPEG", quality=84)
    return made.getvalue()
