"""Cards as HTML, for the grid: those that time does not change come from the cache in process."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from django.core.cache import caches
from django.template.loader import get_template
from django.utils import timezone
from django.utils.translation import get_language

from lumaboard.gallery.cards import card_of, is_steady
from lumaboard.generations.models import Generation

_KEEP_SECONDS = 86_400


def card_fragments(rows: Sequence[Generation], *, workspace_slug: str) -> list[str]:
    """Give the card of each row as HTML. A card is built only where its fragment is not kept: most of a page's cost.

    What a template renders is marked safe, and stays so in the cache.
    """
    cache = caches["fragments"]
    keys = _keys(rows, workspace_slug)
    kept: dict[str, str] = cache.get_many(keys.values())
    template, now = get_template("gallery/_card.html"), timezone.now()
    fresh: dict[str, str] = {}
    fragments: list[str] = []
    for row in rows:
        key = keys.get(row.pk)
        fragment = kept.get(key) if key else None
        if fragment is None:
            fragment = template.render({"card": card_of(row, workspace_slug=workspace_slug, now=now)})
            if key:
                fresh[key] = fragment
        fragments.append(fragment)
    if fresh:
        cache.set_many(fresh, _KEEP_SECONDS)
    return fragments


def star_fragments(rows: Sequence[Generation], *, workspace_slug: str) -> list[str]:
    """Give the reader's star of each row as HTML: the same two for everybody, so they are kept as well."""
    cache = caches["fragments"]
    keys = [f"star.{row.pk}.{row.is_favourite:d}.{get_language()}.{workspace_slug}" for row in rows]
    kept: dict[str, str] = cache.get_many(keys)
    template = get_template("gallery/_star.html")
    fresh: dict[str, str] = {}
    for row, key in zip(rows, keys, strict=True):
        if key not in kept:
            context = {"pk": row.pk, "is_favourite": row.is_favourite, "workspace_slug": workspace_slug}
            fresh[key] = template.render(context)
    if fresh:
        cache.set_many(fresh, _KEEP_SECONDS)
    return [kept.get(key) or fresh[key] for key in keys]


def _keys(rows: Iterable[Generation], workspace_slug: str) -> dict[int, str]:
    """Name the kept fragment of every row that has one: the row and its people's names as they are, in the reader's language
    and time zone. The cache lives in this process, and so does what `hash` gives."""
    reader = f"{get_language()}.{timezone.get_current_timezone_name()}.{workspace_slug}"
    return {
        row.pk: f"{row.pk}.{row.rev}.{hash((str(row.created_by), str(row.acted_by)))}.{reader}"
        for row in rows
        if is_steady(row)
    }
