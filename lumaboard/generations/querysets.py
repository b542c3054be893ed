"""Rows by what they are and by who may see them, in the words of the glossary.

Some conditions stand as expressions with their words written out: SQLite uses a partial index only where the query repeats
its condition literally; a parameter hides it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from django.db import connection, models
from django.db.models import Exists, OuterRef, Q

from lumaboard.generations.remarks import Favourite

if TYPE_CHECKING:
    from lumaboard.generations.models import Asset, Generation  # noqa: F401  parameters of the bases below, as text

CLOCK_SLACK = timedelta(hours=2)
"""A due time further ahead than this counts as due, so that a clock set back freezes nothing."""


class IsPending(models.Func):
    """The condition of the partial index on pending rows."""

    template = "%(expressions)s IN ('queued', 'running')"
    output_field = models.BooleanField()


class IsToCopy(models.Func):
    """The same for the partial index on copies that are not done."""

    template = "%(expressions)s IN ('wanted', 'copying')"
    output_field = models.BooleanField()


class NeedsAttention(models.Func):
    """The same for the partial index on generations that a person should look at."""

    template = "NOT (%(expressions)s = '')"
    output_field = models.BooleanField()


def visible(user_id: int) -> Q:
    """The condition of `visible_to`, for queries that have to take it as one."""
    return Q(is_private=False) | Q(created_by=user_id)


def starred_by(user_id: int) -> Q:
    """That this person starred it."""
    return Q(pk__in=Favourite.objects.filter(user=user_id).values("generation"))


class GenerationQuerySet(models.QuerySet["Generation"]):
    def in_workspace(self, workspace_id: int) -> GenerationQuerySet:
        return self.filter(workspace_id=workspace_id)

    def present(self) -> GenerationQuerySet:
        """Those not in the trash."""
        return self.filter(trashed_at=None)

    def pending(self) -> GenerationQuerySet:
        return self.filter(IsPending("state"))

    def due(self, now: datetime) -> GenerationQuerySet:
        """Pending rows whose time has come and that nobody holds; the partial index `due_generations` answers it."""
        return self.pending().filter(Q(next_refresh_at__lte=now) | Q(next_refresh_at__gt=now + CLOCK_SLACK))

    def with_people(self) -> GenerationQuerySet:
        """With the owner, whoever acted last and the connection riding along: all that a card needs, in one query."""
        return self.select_related("created_by", "acted_by", "connection")

    def with_star_of(self, user_id: int) -> GenerationQuerySet:
        """With `is_favourite`: whether this person starred it. Rides along in the query."""
        favourites = Favourite.objects.filter(user=user_id, generation=OuterRef("pk"))
        star = {"is_favourite": Exists(favourites)}  # as a dict, because the model declares its type already
        return self.annotate(**star)

    def newest_first(self) -> GenerationQuerySet:
        return self.order_by("-created_at", "-id")

    def visible_to(self, user_id: int) -> GenerationQuerySet:
        """What this person may be shown: shared work, and private work of one's own. Nobody's role widens it.

        For one row or a few. Where a long index is walked until a page is full, `arms_for` gives the same rows without
        walking over the private work of others.
        """
        return self.filter(visible(user_id))

    def arms_for(self, user_id: int) -> Arms:
        """The rows of `visible_to` in two sets, shared and private to this person, each with indexes of its own."""
        return Arms((self.filter(is_private=False), self.filter(is_private=True, created_by=user_id)))


@dataclass(frozen=True, slots=True)
class Arms:
    """Rows in sets that do not overlap, to be read together in one order."""

    sets: tuple[GenerationQuerySet, ...]

    def each(self, change: Callable[[GenerationQuerySet], GenerationQuerySet]) -> Arms:
        """Change every set in the same way."""
        return Arms(tuple(change(rows) for rows in self.sets))

    def filter(self, *conditions: Q, **fields: Any) -> Arms:
        return self.each(lambda rows: rows.filter(*conditions, **fields))

    def first(self, *order: str, limit: int) -> GenerationQuerySet:
        """The first rows of all sets in this order: one query, which walks an index for each set and stops when it has enough.

        PostgreSQL has to be told that no set need give more than that; SQLite merges the sets as it walks them.
        """
        first, *others = self.sets
        if not others:
            return first.order_by(*order)[:limit]
        if connection.features.supports_slicing_ordering_in_compound:
            first, *others = (rows.order_by(*order)[:limit] for rows in self.sets)
        return first.union(*others, all=True).order_by(*order)[:limit]

    def newest(self, limit: int) -> GenerationQuerySet:
        return self.first("-created_at", "-id", limit=limit)

    def count_up_to(self, limit: int) -> int:
        """How many rows there are, or the limit if there are more; one query."""
        return len(self.each(lambda rows: rows.only("created_at")).newest(limit))


class AssetQuerySet(models.QuerySet["Asset"]):
    def due(self, now: datetime) -> AssetQuerySet:
        """Copies that should be tried now; those whose lease ran out are among them."""
        return self.filter(IsToCopy("copy_state")).filter(
            Q(next_copy_at__lte=now) | Q(next_copy_at__gt=now + CLOCK_SLACK)
        )
