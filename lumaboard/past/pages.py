"""What one page of upstream's list means for a walk. Pure: where it goes on, and whether anything was missed.

The list is ordered from the newest, and shifts while it is walked through. What is made meanwhile pushes everything
back, so that a page repeats what was met; what is deleted pulls it forward, so that the next page would begin behind
something never met. Therefore pages overlap, and one that holds nothing met before, which would be a gap, is not taken:
the walk steps back until it sees something it knows. When it has come to the end it reads the beginning again, until
it meets what it knows, for what was made since it began.
"""

from __future__ import annotations

from collections.abc import Container, Sequence
from dataclasses import dataclass
from typing import Final

PAGE: Final = 100
OVERLAP: Final = 10
MOST_FRUITLESS: Final = 60
"""So many pages in a row without anything new are no shifting any more: the list repeats itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a walk stands."""

    offset: int = 0
    is_closing: bool = False
    fruitless_count: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What to make of a page: take it or not, and where to read next; None: it was the last."""

    is_taken: bool
    then: Place | None


def step_after(place: Place, ids: Sequence[str], met: Container[str], *, entries: int, has_more: bool) -> Step:
    """Decide about a page with these ids, of which `met` were met before, and so many entries, readable or not."""
    known = [task_id in met for task_id in ids]
    if place.offset and not any(known):
        back = PAGE * 2 ** min(place.fruitless_count, 6)
        return Step(is_taken=False, then=_moved(place, max(place.offset - back, 0), is_fruitless=True))
    is_end = not has_more or not entries
    if place.is_closing and (is_end or known[-1:] == [True]):
        return Step(is_taken=True, then=None)
    if is_end:
        return Step(is_taken=True, then=Place(is_closing=True) if place.offset else None)
    ahead = place.offset + max(entries - OVERLAP, 1)
    return Step(is_taken=True, then=_moved(place, ahead, is_fruitless=all(known)))


def _moved(place: Place, offset: int, *, is_fruitless: bool) -> Place:
    count = place.fruitless_count + 1 if is_fruitless else 0
    return Place(offset=offset, is_closing=place.is_closing, fruitless_count=count)
