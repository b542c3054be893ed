"""From bytes somebody else wrote to a document that is safe to walk through and to store."""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass
from typing import Any

from lumaboard.upstream.errors import NotUnderstood

DEEPEST = 64
_LARGEST_INTEGER = 2**63 - 1
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
_ESCAPED_UNSTORABLE = re.compile(r"\\u(?:0000|d[89a-f])", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Document:
    """A decoded JSON value, its text, and whether something stood behind it (relays glue a second document on)."""

    value: Any
    text: str
    has_more: bool


def read_document(body: bytes) -> Document:
    """Decode the first JSON value of a body. Raises NotUnderstood and nothing else.

    Refused: deeper than 64, NaN, Infinity and numbers that overflow to it. Mended: NUL and lone surrogates are dropped,
    integers no database column holds become text. How many bytes arrive at all is limited by the session.
    """
    text = body.decode("utf-8", errors="replace").removeprefix("\ufeff").replace("\x00", "").strip()
    value, end, is_strict = _decoded(text)
    _check_depth(value)
    document = text[:end]
    if not is_strict or _ESCAPED_UNSTORABLE.search(document):
        value = _storable(value)
        document = to_text(value)
    return Document(value, document, has_more=bool(text[end:].strip()))


def to_text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _refused_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def _bounded_float(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        raise ValueError("number out of range")
    return number


def _bounded_int(digits: str) -> int | str:
    number = int(digits)  # raises ValueError beyond some thousand digits, which is what we want
    return number if -_LARGEST_INTEGER <= number <= _LARGEST_INTEGER else digits


_STRICT, _LENIENT = (
    json.JSONDecoder(
        strict=is_strict, parse_constant=_refused_constant, parse_float=_bounded_float, parse_int=_bounded_int
    )
    for is_strict in (True, False)
)


def _decoded(text: str) -> tuple[Any, int, bool]:
    """Decode the first value and say where it ended, and whether it was clean JSON.

    A prompt with a bare line break in it is not, but is no reason to lose sight of a generation.
    """
    try:
        return *_STRICT.raw_decode(text), True
    except (ValueError, RecursionError):
        pass  # given a second look below
    try:
        return *_LENIENT.raw_decode(text), False
    except (ValueError, RecursionError):
        raise NotUnderstood("The answer is not readable JSON.") from None


def _check_depth(value: Any) -> None:
    level = [value]
    for _ in range(DEEPEST):
        level = [child for parent in level for child in _children(parent)]
        if not level:
            return
    raise NotUnderstood("The answer is nested deeper than any answer of this API should be.")


def _children(value: Any) -> list[Any]:
    """Give the lists and objects directly inside a value; each level of those is one level of depth."""
    if isinstance(value, dict):
        return [child for child in value.values() if isinstance(child, dict | list)]
    if isinstance(value, list):
        return [child for child in value if isinstance(child, dict | list)]
    return []


def _storable(value: Any) -> Any:
    if isinstance(value, str):
        return _UNSTORABLE.sub("", value)
    if isinstance(value, list):
        return [_storable(child) for child in value]
    if isinstance(value, dict):
        return {_UNSTORABLE.sub("", key): _storable(child) for key, child in value.items()}
    return value
