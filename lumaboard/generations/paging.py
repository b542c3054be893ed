"""Pages that stay fast at any depth: a cursor names the row where the next page begins."""

from __future__ import annotations

from dataclasses import dataclass

from lumaboard.core import places
from lumaboard.generations.models import Generation
from lumaboard.generations.querysets import Arms


@dataclass(frozen=True, slots=True)
class Place(places.Place):
    """A place between generations, by when they were tracked."""

    @classmethod
    def of(cls, row: Generation) -> Place:
        return cls(row.created_at, row.pk)


@dataclass(frozen=True, slots=True)
class Page:
    """One page of rows, newest first, with the cursors of its neighbours (empty where there is none)."""

    rows: list[Generation]
    older: str
    newer: str

    @property
    def newest(self) -> str:
        return str(Place.of(self.rows[0])) if self.rows else ""


def keyset_page(rows: Arms, *, after: str, before: str, size: int) -> Page:
    """Cut the page that begins after one cursor or ends before another; one query, whatever the depth."""
    if place := Place.parse(before):
        found = list(rows.filter(place.newer(at="created_at")).first("created_at", "id", limit=size + 1))
        page = found[:size][::-1]
        return Page(page, older=str(Place.of(page[-1])) if page else "", newer=_cursor(page, 0, len(found) > size))
    place = Place.parse(after)
    found = list((rows.filter(place.older(at="created_at")) if place else rows).newest(size + 1))
    page = found[:size]
    return Page(page, older=_cursor(page, -1, len(found) > size), newer=_cursor(page, 0, place is not None))


def _cursor(page: list[Generation], index: int, is_wanted: bool) -> str:
    return str(Place.of(page[index])) if page and is_wanted else ""
