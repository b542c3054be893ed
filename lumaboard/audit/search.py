"""From filters, as they stand in the activity page's address, to rows, newest first.

Each audience is read by itself and the answers are merged: rows that somebody may not read cost nothing then, however many
lie between those they may, and every combination of filters begins inside an index made for it.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from itertools import islice
from urllib.parse import urlencode

from django.db.models import Q

from lumaboard.audit.models import AuditEvent
from lumaboard.audit.verbs import AUDIENCES, Audience, Kind, owner_alone
from lumaboard.core import places
from lumaboard.core.days import day_named, midnight, next_midnight
from lumaboard.core.http import whole_number


@dataclass(frozen=True, slots=True)
class Place(places.Place):
    """A place between what was recorded."""

    @classmethod
    def of(cls, event: AuditEvent) -> Place:
        return cls(event.at, event.pk)


@dataclass(frozen=True, slots=True, kw_only=True)
class Filters:
    """What an activity page shows. Unknown and unreadable values are dropped, so that a mistyped address still opens."""

    person: int | None = None
    kind: str = ""
    since: date | None = None
    until: date | None = None

    @classmethod
    def from_query(cls, query: Mapping[str, str], *, kinds: Sequence[Kind]) -> Filters:
        """Read an address; of the kinds only those that whoever asks may see count as known."""
        kind = query.get("kind", "")
        return cls(
            person=whole_number(query.get("person", "")),
            kind=kind if kind in kinds else "",
            since=day_named(query.get("from", "")),
            until=day_named(query.get("to", "")),
        )

    def condition(self) -> Q:
        """Each combination is the beginning of an index, with the time after it."""
        condition = Q()
        if self.person is not None:
            condition &= Q(actor=self.person)
        if self.kind:
            condition &= Q(kind=self.kind)
        if self.since:
            condition &= Q(at__gte=midnight(self.since))
        if self.until:
            condition &= Q(at__lt=next_midnight(self.until))
        return condition

    def query(self, **changes: object) -> str:
        """Write the filters as a query string, with some of them changed; empty ones are left out."""
        filters = replace(self, **changes) if changes else self  # type: ignore[arg-type]  # names come from our own callers
        pairs = {
            "kind": filters.kind,
            "person": filters.person,
            "from": filters.since.isoformat() if filters.since else "",
            "to": filters.until.isoformat() if filters.until else "",
        }
        return urlencode({name: value for name, value in pairs.items() if value not in ("", None)})


def audiences_of(user_id: int, *, sees_admins: bool) -> Sequence[str]:
    """Whose rows a person may read: of generations, of one's own private work, and, for some, of people, keys and settings."""
    own = owner_alone(user_id)
    return (Audience.MEMBERS, own, Audience.ADMINS) if sees_admins else (Audience.MEMBERS, own)


def kinds_within(audiences: Sequence[str]) -> Sequence[Kind]:
    """The kinds that those may look for; what happens to accounts happens in no workspace."""
    return [kind for kind in Kind if AUDIENCES[kind] in audiences and kind is not Kind.ACCOUNT]


@dataclass(frozen=True, slots=True, kw_only=True)
class Log:
    """The rows of a workspace that one member may read and asked for."""

    workspace_id: int
    audiences: Sequence[str]
    filters: Filters

    def newest(self, limit: int, *, after: Place | None = None) -> list[AuditEvent]:
        """So many rows with their actors, from a place on; one query for each audience, whatever the depth."""
        return list(islice(self.events(after=after, batch=limit), limit))

    def events(self, *, after: Place | None = None, batch: int) -> Iterator[AuditEvent]:
        """Every row, or those older than a place, read so many at a time: a million of them are never held at once."""
        streams = [self._stream(audience, after, batch) for audience in self.audiences]
        return heapq.merge(*streams, key=lambda event: (event.at, event.pk), reverse=True)

    def _stream(self, audience: str, after: Place | None, batch: int) -> Iterator[AuditEvent]:
        rows = AuditEvent.objects.filter(self.filters.condition(), workspace_id=self.workspace_id, audience=audience)
        rows = rows.select_related("actor").order_by("-at", "-id")
        while True:
            found = list((rows.filter(after.older(at="at")) if after else rows)[:batch])
            yield from found
            if len(found) < batch:
                return
            after = Place.of(found[-1])
