"""Taking one field out of a document in which every field may be absent, null or of another type."""

from __future__ import annotations

import math
import re
from typing import Any

LONGEST_ID = 191
_SECONDS = re.compile(r"\s*(\d{1,6}(?:\.\d{1,9})?)\s*s?\s*", re.IGNORECASE)
_PERCENT = re.compile(r"\s*(\d{1,3})(?:\.\d{1,9})?\s*%?\s*")


def mapping(value: object) -> dict[str, Any]:
    """Give the object, or an empty one in place of anything else."""
    return value if isinstance(value, dict) else {}


def text(value: object, *, longest: int) -> str | None:
    """Give a text that is not blank, cut to a length, or None."""
    return value[:longest] if isinstance(value, str) and value.strip() else None


def identifier(value: object) -> str | None:
    """Give an id. Numbers count: relays number their rows. An id too long to be stored is none."""
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return value.strip() if isinstance(value, str) and 0 < len(value.strip()) <= LONGEST_ID else None


def amount(value: object) -> int | None:
    """Give how many there are, if that is what it says."""
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**31 else None


def pixels(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 < value <= 65_536 else None


def seconds(value: object) -> float | None:
    """Read `5.041667`, `5` or `"5s"`; nothing longer than a day."""
    if isinstance(value, str) and (match := _SECONDS.fullmatch(value)):
        value = float(match[1])
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if math.isfinite(value) and 0 < value <= 86_400 else None


def percent(value: object) -> int | None:
    """Read `"42%"` or 42."""
    if isinstance(value, str) and (match := _PERCENT.fullmatch(value)):
        value = int(match[1])
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return int(value) if 0 <= value <= 100 else None
