"""The filter bar: what can be filtered by, what is, and the addresses that change it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from django.urls import reverse
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from lumaboard.accounts.access import Member
from lumaboard.accounts.models import User
from lumaboard.connections.models import Connection
from lumaboard.gallery.context import Shell
from lumaboard.generations.counts import PRESENT, Bucket
from lumaboard.generations.search import Filters


@dataclass(frozen=True, slots=True, kw_only=True)
class StateLink:
    name: str
    count: int | None
    url: str
    is_current: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ActiveFilter:
    """A filter that is set, and the address without it."""

    name: str
    icon: str
    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Switch:
    """Whose generations are shown, and whether only those with one's own star: each a click away."""

    mine_url: str  # where it is on, the address that turns it off
    is_mine: bool
    favourites_url: str
    is_favourites: bool
    people_url: str


def switch_of(filters: Filters, member: Member) -> Switch:
    url, is_mine = base_url(member, filters), filters.owner == "me"
    people = reverse("gallery:people", kwargs={"workspace": member.workspace.slug})
    return Switch(
        mine_url=with_query(url, filters.query(owner=None if is_mine else "me")),
        is_mine=is_mine,
        favourites_url=with_query(url, filters.query(is_favourites=not filters.is_favourites)),
        is_favourites=filters.is_favourites,
        people_url=with_query(people, filters.query()),
    )


def state_links(shell: Shell, filters: Filters, member: Member) -> list[StateLink]:
    """The states as links; counts are of the whole workspace and shown only where nothing else is filtered."""
    counts = shell.counts
    choices = [
        ("", _("All"), sum(counts[bucket] for bucket in PRESENT)),
        ("in-progress", _("In progress"), shell.pending_count),
        ("ready", _("Ready"), counts[Bucket.READY] + counts[Bucket.SAVING]),
        ("failed", _("Failed"), counts[Bucket.FAILED]),
        ("attention", _("Needs attention"), counts[Bucket.ATTENTION]),
    ]
    is_plain = Filters(state=filters.state, is_trash=filters.is_trash) == filters
    return [
        StateLink(
            name=name,
            count=count if is_plain else None,
            url=with_query(base_url(member, filters), filters.query(state=state)),
            is_current=state == filters.state,
        )
        for state, name, count in choices
    ]


def active_filters(filters: Filters, member: Member) -> list[ActiveFilter]:
    """The filters that are set besides the state, each with the address that drops it."""
    base = base_url(member, filters)

    def without(**changes: object) -> str:
        return with_query(base, filters.query(**changes))

    found = []
    if filters.words:
        found.append(ActiveFilter(name=f"“{filters.words}”", icon="search", url=without(words="")))
    if filters.owner is not None and filters.owner != "me":
        person = User.objects.filter(pk=filters.owner, memberships__workspace=member.workspace).first()
        name = str(person) if person else _("Unknown person")
        found.append(ActiveFilter(name=name, icon="user", url=without(owner=None)))
    if filters.connection is not None:
        connection = Connection.objects.filter(pk=filters.connection, workspace=member.workspace).first()
        name = connection.name if connection else _("Unknown connection")
        found.append(ActiveFilter(name=name, icon="plug", url=without(connection=None)))
    if filters.model:
        found.append(ActiveFilter(name=filters.model, icon="box", url=without(model="")))
    if filters.since:
        name = _("From %(day)s") % {"day": day_of(filters.since)}
        found.append(ActiveFilter(name=name, icon="calendar", url=without(since=None)))
    if filters.until:
        name = _("Until %(day)s") % {"day": day_of(filters.until)}
        found.append(ActiveFilter(name=name, icon="calendar", url=without(until=None)))
    return found


def day_of(day: date) -> str:
    """As people write it; the address keeps 2026-01-31."""
    return date_format(day, pgettext("day with its year as Django's date filter writes it", "j M Y"))


def base_url(member: Member, filters: Filters) -> str:
    name = "gallery:trash" if filters.is_trash else "gallery:index"
    return reverse(name, kwargs={"workspace": member.workspace.slug})


def with_query(url: str, query: str) -> str:
    return f"{url}?{query}" if query else url
