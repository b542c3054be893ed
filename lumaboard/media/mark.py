"""The workspace's mark: its name on a translucent badge, laid into the picture of whatever outsiders may see."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from functools import cache
from itertools import groupby
from pathlib import Path
from typing import Final

from PIL import Image, ImageDraw, ImageFont

import lumaboard

NAMELESS: Final = "Preview"
"""What the badge says where a name is empty, or has letters that our own fonts cannot draw."""

LONGEST_NAME: Final = 28
WIDEST_SHARE: Final = 0.6
"""Of the picture's width; longer names are written smaller."""

_FONTS: Final = Path(lumaboard.__file__).parent.parent / "static" / "vendor" / "geist"
_SUBSETS: Final = ("latin", "latin-ext", "cyrillic")
_WEIGHT: Final = 600
_NO_LETTER: Final = "\U0010ffff"

_TEXT_SHARE: Final = 0.036  # of the shorter side, as is the margin
_MARGIN_SHARE: Final = 0.03
_SMALLEST_TEXT: Final = 12.0
_GROUND: Final = (10, 11, 14, 140)  # dark enough that white letters can be read on snow
_INK: Final = (255, 255, 255, 230)
_OVERSAMPLED: Final = 3


@dataclass(frozen=True, slots=True)
class Mark:
    """The badge, with transparency, and where its upper left corner lies."""

    badge: Image.Image
    x: int
    y: int


def mark_for(size: tuple[int, int], name: str) -> Mark:
    """Draw the badge for a picture of this size, in its lower right corner."""
    width, height = size
    shorter = min(size)
    margin = round(shorter * _MARGIN_SHARE)
    badge = _badge(_drawable(name), max(_SMALLEST_TEXT, shorter * _TEXT_SHARE))
    scale = min(1.0, width * WIDEST_SHARE / badge.width, (height - margin) / badge.height)
    if scale < 1.0:
        badge = badge.resize((max(1, int(badge.width * scale)), max(1, int(badge.height * scale))))
    return Mark(badge, max(0, width - margin - badge.width), max(0, height - margin - badge.height))


def marked(picture: Image.Image, name: str) -> Image.Image:
    """The picture with the mark in it; the one given is left as it is."""
    mark = mark_for(picture.size, name)
    result = picture.copy()
    result.paste(mark.badge, (mark.x, mark.y), mark.badge)
    return result


def _badge(text: str, text_size: float) -> Image.Image:
    """Drawn larger and then made smaller, for smooth edges."""
    runs = [(_font(subset, round(text_size * _OVERSAMPLED)), letters) for subset, letters in _runs(text)]
    em = text_size * _OVERSAMPLED
    width, height = sum(font.getlength(letters) for font, letters in runs) + 1.4 * em, 1.75 * em
    image = Image.new("RGBA", (round(width), round(height)), (*_GROUND[:3], 0))
    pen = ImageDraw.Draw(image)
    pen.rounded_rectangle((0, 0, image.width - 1, image.height - 1), radius=height / 2, fill=_GROUND)
    x = 0.7 * em
    for font, letters in runs:
        pen.text((x, height / 2 + 0.35 * em), letters, font=font, fill=_INK, anchor="ls")
        x += font.getlength(letters)
    shown = (max(1, image.width // _OVERSAMPLED), max(1, image.height // _OVERSAMPLED))
    return image.resize(shown, Image.Resampling.LANCZOS)


def _drawable(name: str) -> str:
    words = " ".join(unicodedata.normalize("NFC", name).split())
    if not words or not all(_subset_with(letter) for letter in words):
        return NAMELESS
    return words if len(words) <= LONGEST_NAME else words[: LONGEST_NAME - 1].rstrip() + "…"


def _runs(text: str) -> list[tuple[str, str]]:
    """Stretches of letters that one font file has; the web's fonts come in subsets."""
    return [(subset, "".join(letters)) for subset, letters in groupby(text, key=_subset_with)]


@cache
def _subset_with(letter: str) -> str:
    """The first subset that has the letter, or nothing. A letter a font lacks is drawn like one that cannot exist."""
    fonts = ((subset, _font(subset, 24)) for subset in _SUBSETS)
    return next((subset for subset, font in fonts if _shape(font, letter) != _shape(font, _NO_LETTER)), "")


def _shape(font: ImageFont.FreeTypeFont, letter: str) -> tuple[float, bytes]:
    return font.getlength(letter), bytes(font.getmask(letter))


@cache
def _font(subset: str, size: int) -> ImageFont.FreeTypeFont:
    font = ImageFont.truetype(str(_FONTS / f"geist-{subset}-wght-normal.woff2"), size)
    font.set_variation_by_axes([_WEIGHT])
    return font
