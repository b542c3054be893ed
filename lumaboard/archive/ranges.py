"""Which bytes a `Range` header asks for (RFC 9110, section 14). Knows numbers and text only, no requests."""

import re
from dataclasses import dataclass
from typing import Final

_ONE_RANGE: Final = re.compile(r"(?P<first>[0-9]*)-(?P<last>[0-9]*)", re.ASCII)
_OPTIONAL_SPACE: Final = " \t"
# More digits than any file's size has; a longer number counts as the first one that has more, so that no text makes `int` work
# hard or refuse.
_DIGITS: Final = 1000


@dataclass(frozen=True, slots=True)
class Span:
    """The bytes from `first` up to but without `end`."""

    first: int
    end: int

    @property
    def length(self) -> int:
        return self.end - self.first


class UnsatisfiableRange(Exception):
    """The range is well formed and lies wholly outside the file."""


def parse_range(header: str, *, size: int) -> Span | None:
    """The one range asked for, cut to the file, or None when the header is to be ignored and the whole file answered.

    Ignored are: other units, malformed text, and several ranges (a multipart answer helps no player, and many small or
    overlapping ones are an old way to make a server work).
    """
    unit, _, listed = header.partition("=")
    if unit.strip(_OPTIONAL_SPACE).lower() != "bytes":
        return None
    items = [item for item in (part.strip(_OPTIONAL_SPACE) for part in listed.split(",")) if item]
    if len(items) != 1 or not (match := _ONE_RANGE.fullmatch(items[0])):
        return None
    first, last = match["first"], match["last"]
    if first:
        return _from_first(_number(first), _number(last) if last else None, size)
    if last:
        return _suffix(_number(last), size)
    return None


def _from_first(first: int, last: int | None, size: int) -> Span | None:
    if last is not None and last < first:
        return None
    if first >= size:
        raise UnsatisfiableRange
    return Span(first, size if last is None else min(last + 1, size))


def _suffix(length: int, size: int) -> Span:
    if not length or not size:
        raise UnsatisfiableRange
    return Span(max(0, size - length), size)


def _number(digits: str) -> int:
    significant = digits.lstrip("0")
    return 10**_DIGITS if len(significant) > _DIGITS else int(significant or "0")
