"""What the dialog of one link shows: what is shared, the card that chat apps will show, and the links that are there already."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from urllib.parse import urlsplit

from django.conf import settings
from django.db.models import Exists, OuterRef
from django.urls import reverse

from lumaboard.accounts.access import Member
from lumaboard.archive.viewing import files_of, preview_source
from lumaboard.core.http import whole_number
from lumaboard.generations.models import AssetRole, Generation, State
from lumaboard.generations.naming import name_of
from lumaboard.sharing.addresses import address_of, url_of
from lumaboard.sharing.guests.description import description_of, is_behind_a_door
from lumaboard.sharing.models import ShareItem, ShareLink, ShareLinkQuerySet
from lumaboard.sharing.operations import MOST_ITEMS, may_change, shareable, showable
from lumaboard.sharing.visiting.shown import shown_by
from lumaboard.sharing.visiting.visits import Door, Visit
from lumaboard.sharing.words import ends_of, short_address

MOST_OFFERED: Final = 50
"""So many links are offered to add to; older ones are found in the table."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Thing:
    """One generation in the dialog."""

    pk: int
    title: str
    poster_url: str
    number: int | None = None  # its number behind the link, once there is one


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """The generations somebody wants to share, as far as they can be."""

    things: Sequence[Thing]
    name: str  # what the link is called at first: a title, never a prompt
    is_too_many: bool
    left_out_count: int
    hopeless_count: int  # among those left out: what failed or was lost, and will have no film
    has_private: bool  # private work of one's own is among what is left out
    unmarked_count: int  # here, but without a watermarked file of the provider's that bears a mark
    unfinished_count: int

    @property
    def can_be_shared(self) -> bool:
        return bool(self.things) and not self.is_too_many

    @property
    def pks(self) -> list[int]:
        return [thing.pk for thing in self.things]


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatCard:
    """What chat apps will show of a link. Of one with a door it tells nothing."""

    is_neutral: bool
    title: str
    text: str
    host: str
    picture_url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Existing:
    """A link that shows the generation already; without `url`, its address cannot be read any more."""

    link: ShareLink
    url: str | None
    short_address: str
    ends: str
    edit_url: str  # empty where this member may not change it


def chosen_by(member: Member, wanted: Iterable[str]) -> Chosen:
    """Read ids from a form or an address; those that are not there for this member are left out."""
    pks = list(dict.fromkeys(pk for text in wanted if (pk := whole_number(text)) is not None))
    is_too_many = len(pks) > MOST_ITEMS
    rows = shareable(member).filter(pk__in=pks[:MOST_ITEMS])
    there = {row.pk: row for row in rows}
    found = [there[pk] for pk in pks if pk in there]
    finished = [row for row in found if row.state == State.SUCCEEDED]
    files = files_of(row.pk for row in finished)
    left_out = [] if is_too_many else [pk for pk in pks if pk not in there]
    own_private = Generation.objects.in_workspace(member.workspace.pk).filter(is_private=True, created_by=member.user)
    return Chosen(
        things=[thing_of(member, row) for row in found],
        name=found[0].title if len(found) == 1 else "",
        is_too_many=is_too_many,
        left_out_count=len(left_out),
        hopeless_count=showable(member).filter(pk__in=left_out).count() if left_out else 0,
        has_private=bool(left_out) and own_private.filter(pk__in=left_out).exists(),
        unmarked_count=sum(preview_source(files.get(row.pk, {})) is not None for row in finished),
        unfinished_count=len(found) - len(finished),
    )


def thing_of(member: Member, row: Generation, number: int | None = None) -> Thing:
    poster = {"workspace": member.workspace.slug, "pk": row.pk, "role": AssetRole.POSTER.value}
    return Thing(
        pk=row.pk,
        title=name_of(row),
        poster_url=reverse("archive:media", kwargs=poster) if row.has_poster else "",
        number=number,
    )


def things_of(member: Member, link: ShareLink) -> list[Thing]:
    """What the link shows, in its order; what this member cannot share is not named. One query."""
    items = ShareItem.objects.filter(link=link, generation__in=showable(member)).select_related("generation")
    return [thing_of(member, item.generation, item.number) for item in items.order_by("number")]


def chat_card_of(link: ShareLink, *, now: datetime) -> ChatCard | None:
    """The card as the link's own page tells it to others; None where the link tells nobody anything. Two queries."""
    address = address_of(link)
    if address is None or not link.is_open(now):
        return None
    told = description_of(Visit(link=link, address=address, door=Door.OPEN, now=now), shown_by(link), None)
    return ChatCard(
        is_neutral=is_behind_a_door(link),
        title=told.title,
        text=told.text,
        host=urlsplit(settings.PUBLIC_URL).netloc,
        picture_url=f"{reverse('sharing:card', args=[address])}?width=300",
    )


def existing_links(member: Member, generation_id: int, *, now: datetime) -> list[Existing]:
    """The open links that show this generation, newest first; one query."""
    links = open_links_of(member, generation_id, now=now).order_by("-created_at", "-id")
    return [_existing(member, link, now=now) for link in links[:MOST_OFFERED]]


def _existing(member: Member, link: ShareLink, *, now: datetime) -> Existing:
    url = url_of(link)
    edit_url = reverse("sharing:edit", kwargs={"workspace": member.workspace.slug, "pk": link.pk})
    return Existing(
        link=link,
        url=url,
        short_address=short_address(url),
        ends=ends_of(link, now=now),
        edit_url=edit_url if may_change(member, link) else "",
    )


def open_links_of(member: Member, generation_id: int, *, now: datetime) -> ShareLinkQuerySet:
    links = ShareLink.objects.in_workspace(member.workspace.pk).open(now)
    return links.filter(Exists(ShareItem.objects.filter(link=OuterRef("pk"), generation=generation_id)))


def links_to_add_to(member: Member, *, now: datetime) -> list[ShareLink]:
    """The newest open links this member may change; one query."""
    links = ShareLink.objects.in_workspace(member.workspace.pk).open(now)
    if not member.may("manage_shares"):
        links = links.filter(created_by=member.user)
    return list(links.order_by("-created_at", "-id")[:MOST_OFFERED])
