"""A workspace's accent colour on the dark pages that guests see: light enough to be seen, with words that can be read on it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

_LEAST_CONTRAST: Final = 4.5
"""WCAG 2.2, 1.4.3: of the accent on the page, and of words on the accent."""
_GROUND: Final = (4, 4, 5)
_STEPS: Final = 40

Rgb = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Accent:
    """The colour as it is shown, and the one for words upon it; both "#rrggbb"."""

    colour: str
    on_colour: str


def accent_of(chosen: str) -> Accent:
    """Lighten the chosen "#rrggbb" until it stands out from the dark page, and find black or white for what lies on it."""
    colour = _numbers(chosen)
    for step in range(_STEPS + 1):
        lighter = _towards_white(colour, step / _STEPS)
        if _contrast(lighter, _GROUND) >= _LEAST_CONTRAST:
            break
    on_colour = max(((0, 0, 0), (255, 255, 255)), key=lambda ink: _contrast(ink, lighter))
    return Accent(_name(lighter), _name(on_colour))


def _numbers(name: str) -> Rgb:
    return int(name[1:3], 16), int(name[3:5], 16), int(name[5:7], 16)


def _name(colour: Rgb) -> str:
    return "#{:02x}{:02x}{:02x}".format(*colour)


def _towards_white(colour: Rgb, share: float) -> Rgb:
    red, green, blue = (round(part + (255 - part) * share) for part in colour)
    return red, green, blue


def _contrast(one: Rgb, other: Rgb) -> float:
    lighter, darker = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(colour: Rgb) -> float:
    red, green, blue = (_linear(part / 255) for part in colour)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _linear(part: float) -> float:
    return part / 12.92 if part <= 0.04045 else float(((part + 0.055) / 1.055) ** 2.4)
