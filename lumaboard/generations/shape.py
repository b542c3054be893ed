"""The shape and length of a clip, as every page shows them."""

from __future__ import annotations

from lumaboard.generations.models import Generation

_RATIOS = {
    "ar-16x9": 16 / 9,
    "ar-9x16": 9 / 16,
    "ar-1x1": 1.0,
    "ar-21x9": 21 / 9,
    "ar-9x21": 9 / 21,
    "ar-4x3": 4 / 3,
    "ar-3x4": 3 / 4,
}
_RATIO_TOLERANCE = 0.04


def ratio_class(row: Generation) -> str:
    """Name the class of the clip's shape: the nearest of the seven within 4 %, else `ar-free`.

    Before the size is known, the ratio that was asked for decides.
    """
    if row.width and row.height:
        ratio = row.width / row.height
        name, best = min(_RATIOS.items(), key=lambda item: abs(item[1] / ratio - 1))
        return name if abs(best / ratio - 1) <= _RATIO_TOLERANCE else "ar-free"
    asked = "ar-" + row.aspect_ratio.replace(":", "x")
    return asked if asked in _RATIOS else "ar-16x9"


def duration_text(seconds: float | None) -> str:
    """Minutes and seconds, as on a player."""
    if seconds is None:
        return ""
    return f"{round(seconds) // 60}:{round(seconds) % 60:02d}"
