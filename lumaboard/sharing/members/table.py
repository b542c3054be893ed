"""The table of all share links of a workspace: its tabs, their counts, and what a row says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final
from urllib.parse import urlencode

from django.db.models import Count, IntegerField, OuterRef, Q, Subquery
from django.urls import reverse
from django.utils.translation import gettext as _

from lumaboard.accounts.access import Member
from lumaboard.accounts.models import User
from lumaboard.core.http import whole_number
from lumaboard.core.places import Place
from lumaboard.generations.models import Generation
from lumaboard.sharing.addresses import url_of
from lumaboard.sharing.members.panels import thing_of
from lumaboard.sharing.models import Download, ShareItem, ShareLink, ShareLinkQuerySet, open_at
from lumaboard.sharing.operations import may_bring_back, may_change, showable
from lumaboard.sharing.words import SOON, ends_of, short_address

PAGE_SIZE: Final = 40
MOST_PAGES: Final = 10
"""So many pages can be loaded one below the other; older links are on pages of their own."""
_WEEK: Final = timedelta(days=7)


class Tab(StrEnum):
    OPEN = "open"
    ENDING = "ending"
    NO_PASSWORD = "no-password"  # noqa: S105  (a word in an address, not a secret)
    RAW = "raw"
    ENDED = "ended"

    @classmethod
    def of(cls, text: str) -> Tab:
        return cls(text) if text in list(cls) else cls.OPEN


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One link in the table, and what whoever looks may do with it."""

    link: ShareLink
    url: str | None  # None where its token cannot be read any more
    short_address: str
    poster_url: str
    name: str
    count: int
    ends: str
    is_soon: bool
    is_open: bool
    is_changeable: bool
    can_be_revoked: bool
    can_come_back: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    rows: Sequence[Row]
    older: str  # where the next page begins; empty at the end


@dataclass(frozen=True, slots=True, kw_only=True)
class TabLink:
    name: str
    count: int
    url: str
    is_current: bool


def links_for(member: Member, *, maker: User | None) -> ShareLinkQuerySet:
    links = ShareLink.objects.in_workspace(member.workspace.pk)
    return links.filter(created_by=maker) if maker else links


def tab_links(member: Member, current: Tab, *, maker: User | None, now: datetime) -> list[TabLink]:
    """The tabs with their counts, all from one query."""
    words = {
        Tab.OPEN: _("Open"),
        Tab.ENDING: _("Ending this week"),
        Tab.NO_PASSWORD: _("No password"),
        Tab.RAW: _("Raw released"),
        Tab.ENDED: _("Ended"),
    }
    counts = links_for(member, maker=maker).aggregate(
        **{tab.name: Count("pk", filter=_condition(tab, now)) for tab in Tab}
    )
    return [
        TabLink(
            name=words[tab], count=counts[tab.name], url=address(member, tab, maker=maker), is_current=tab is current
        )
        for tab in Tab
    ]


def address(member: Member, tab: Tab, *, maker: User | None, **also: object) -> str:
    """Where these links are listed; `also` goes along where it says something."""
    asked = {name: str(value) for name, value in also.items() if value}
    if tab is not Tab.OPEN:
        asked["tab"] = str(tab)
    if maker:
        asked["by"] = "me" if maker == member.user else str(maker.pk)
    url = reverse("sharing:links", args=[member.workspace.slug])
    return f"{url}?{urlencode(asked)}" if asked else url


def maker_named(member: Member, text: str) -> User | None:
    """Whose links are asked for; None where nobody of that number has made any here."""
    if text == "me":
        return member.user
    if (pk := whole_number(text)) is None:
        return None
    return User.objects.filter(pk=pk, share_links__workspace=member.workspace).first()


def page_of(member: Member, tab: Tab, *, maker: User | None, after: str, size: int, now: datetime) -> Page:
    """So many links, newest first; two queries, whatever they show."""
    items = ShareItem.objects.filter(link=OuterRef("pk"))
    shown = showable(member).filter(share_items__link=OuterRef("pk")).order_by("share_items__number")
    links = (
        links_for(member, maker=maker)
        .filter(_condition(tab, now))
        .select_related("created_by")
        .annotate(
            item_count=Subquery(
                items.values("link").annotate(total=Count("pk")).values("total"), output_field=IntegerField()
            ),
            first_id=Subquery(shown.values("pk")[:1]),
        )
        .order_by("-created_at", "-id")
    )
    if place := Place.parse(after):
        links = links.filter(place.older(at="created_at"))
    found = list(links[: size + 1])
    page = found[:size]
    first_ids: dict[int, int | None] = {link.pk: link.first_id for link in page}  # type: ignore[attr-defined]  # annotated
    first = Generation.objects.in_bulk(list(filter(None, first_ids.values())))
    return Page(
        rows=[_row(member, link, first.get(first_ids[link.pk] or 0), now=now) for link in page],
        older=str(Place(page[-1].created_at, page[-1].pk)) if len(found) > size else "",
    )


def _condition(tab: Tab, now: datetime) -> Q:
    match tab:
        case Tab.ENDING:
            return open_at(now) & Q(expires_at__lte=now + _WEEK)
        case Tab.NO_PASSWORD:
            return open_at(now) & Q(password="")
        case Tab.RAW:
            return open_at(now) & Q(download=Download.RAW)
        case Tab.ENDED:
            return ~open_at(now)
    return open_at(now)


def _row(member: Member, link: ShareLink, first: Generation | None, *, now: datetime) -> Row:
    url = url_of(link)
    is_open, is_changeable = link.is_open(now), may_change(member, link)
    could_work_again = link.revoked_at is not None and not link.is_over(now) and not link.is_used_up
    name = link.name or (thing_of(member, first).title if first else _("Nothing to show"))
    return Row(
        link=link,
        url=url,
        short_address=short_address(url),
        poster_url=thing_of(member, first).poster_url if first else "",
        name=name,
        count=link.item_count or 0,  # type: ignore[attr-defined]  # annotated by page_of
        ends=ends_of(link, now=now),
        is_soon=is_open and link.expires_at is not None and link.expires_at - now <= SOON,
        is_open=is_open,
        is_changeable=is_changeable,
        can_be_revoked=is_changeable and link.revoked_at is None and not link.is_over(now),
        can_come_back=could_work_again and may_bring_back(member, link),
    )
