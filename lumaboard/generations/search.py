"""From filters, as they stand in a gallery's address, to rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Literal
from urllib.parse import urlencode

from django.db.models import Q

from lumaboard.core.days import day_named, midnight, next_midnight
from lumaboard.core.http import whole_number
from lumaboard.generations.models import PENDING, Generation, State
from lumaboard.generations.querysets import Arms, IsToCopy, NeedsAttention, starred_by
from lumaboard.generations.words import matching

STATES: dict[str, Q] = {
    "": Q(),
    "in-progress": Q(state__in=PENDING),
    "ready": Q(state=State.SUCCEEDED),
    "failed": Q(state=State.FAILED),
    "attention": Q(NeedsAttention("attention")),
    "saving": Q(IsToCopy("copy_state")),  # what the custody panel calls at risk
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Filters:
    """What a gallery shows. Unknown and unreadable values are dropped, so that an old or mistyped address still opens."""

    state: str = ""
    owner: int | Literal["me"] | None = None
    connection: int | None = None
    model: str = ""
    since: date | None = None
    until: date | None = None
    words: str = ""
    is_favourites: bool = False  # of whoever looks
    is_trash: bool = False

    @classmethod
    def from_query(cls, query: Mapping[str, str], *, is_trash: bool = False) -> Filters:
        return cls(
            state=query.get("state", "") if query.get("state", "") in STATES and not is_trash else "",
            owner="me" if query.get("owner") == "me" else whole_number(query.get("owner", "")),
            connection=whole_number(query.get("connection", "")),
            model=query.get("model", "").replace("\x00", "").strip()[:80],
            since=day_named(query.get("from", "")),
            until=day_named(query.get("to", "")),
            words=query.get("q", "").replace("\x00", "").strip()[:200],
            is_favourites=query.get("favourites") == "1",
            is_trash=is_trash,
        )

    def rows(self, workspace_id: int, *, seen_by: int) -> Arms:
        """Narrow what a person sees of a workspace, by an index each. Words are looked up now, with a query of their own."""
        condition = Q(trashed_at__isnull=not self.is_trash) & STATES[self.state]
        owner = seen_by if self.owner == "me" else self.owner
        if owner is not None:
            condition &= Q(created_by=owner)
        if self.is_favourites:
            condition &= starred_by(seen_by)
        if self.connection is not None:
            condition &= Q(connection=self.connection)
        if self.model:
            condition &= Q(model=self.model)
        if self.since:
            condition &= Q(created_at__gte=midnight(self.since))
        if self.until:
            condition &= Q(created_at__lt=next_midnight(self.until))
        if self.words:
            return matching(condition, self.words, workspace_id=workspace_id, user_id=seen_by)
        rows = Generation.objects.in_workspace(workspace_id).filter(condition)
        if owner not in (None, seen_by):
            return Arms((rows.filter(is_private=False),))
        return rows.arms_for(seen_by)

    def matches_all(self) -> bool:
        """Whether nothing is filtered away."""
        return self == Filters(is_trash=self.is_trash)

    def query(self, **changes: object) -> str:
        """Write the filters as a query string, with some of them changed; empty ones are left out."""
        filters = replace(self, **changes) if changes else self  # type: ignore[arg-type]  # names come from templates' callers
        pairs = {
            "state": filters.state,
            "owner": filters.owner,
            "connection": filters.connection,
            "model": filters.model,
            "from": filters.since.isoformat() if filters.since else "",
            "to": filters.until.isoformat() if filters.until else "",
            "q": filters.words,
            "favourites": "1" if filters.is_favourites else "",
        }
        return urlencode({name: value for name, value in pairs.items() if value not in ("", None)})


def rows_for_gallery(workspace_id: int, filters: Filters, *, seen_by: int) -> Arms:
    """All a gallery page needs of its rows in one query, the reader's stars too."""
    return filters.rows(workspace_id, seen_by=seen_by).each(lambda rows: rows.with_people().with_star_of(seen_by))
