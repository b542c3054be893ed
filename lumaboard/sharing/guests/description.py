"""What other sites are told about a link: one description, for the tags of its pages, for oEmbed and for the embed page.

It tells nothing that the page does not show, and everybody the same: what stands behind a door is told by one neutral text
and picture. All addresses are absolute and below PUBLIC_URL as it is now, so they move with the installation.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlencode

from django.utils.text import Truncator
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from lumaboard.generations.models import Asset
from lumaboard.sharing.addresses import absolute
from lumaboard.sharing.guests.cards import CARD_SIZE, Size
from lumaboard.sharing.guests.embeds import sites_of
from lumaboard.sharing.models import ShareLink
from lumaboard.sharing.visiting.shown import Shown
from lumaboard.sharing.visiting.visits import Visit

_LONGEST_TEXT: Final = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Description:
    """One page of a link, in words for others. One without a `site_name` tells nothing."""

    title: str
    text: str
    url: str
    card_url: str
    oembed_url: str
    site_name: str = ""
    film: Asset | None = None
    film_url: str = ""
    width: int = 0
    height: int = 0
    is_picture: bool = False
    embed_url: str = ""  # empty where no site may show it in a frame
    card_size: Size = CARD_SIZE

    def card_url_of(self, size: Size) -> str:
        return self.card_url if size == CARD_SIZE else f"{self.card_url}?width={size[0]}"

    @property
    def is_secure(self) -> bool:
        return self.url.startswith("https://")

    @property
    def oembed_json_url(self) -> str:
        return f"{self.oembed_url}?{urlencode({'format': 'json', 'url': self.url})}"

    @property
    def oembed_xml_url(self) -> str:
        return f"{self.oembed_url}?{urlencode({'format': 'xml', 'url': self.url})}"


def description_of(visit: Visit, shown: Sequence[Shown], number: int | None) -> Description:
    """Describe the page of one item or, without a number, of the link, which begins with its first. No query.

    A guest who was let in is told what everybody is told: whoever reads these words for others was not.
    """
    link = visit.link
    if is_behind_a_door(link):
        return neutral_description(visit)
    one = next((one for one in shown if number in (None, one.number)), None)
    whole, item = ("", ()) if number is None else ("item_", (number,))
    is_there = one is not None and one.film is not None
    return Description(
        title=_title(link, shown, one, is_item=number is not None),
        text=_text(link, shown, one),
        url=absolute("item" if item else "page", visit.address, *item),
        card_url=absolute(f"{whole}card", visit.address, *item),
        oembed_url=absolute("oembed", visit.address),
        site_name=link.workspace.name,
        film=one.film if one else None,
        film_url=absolute("film", visit.address, one.number) if one and is_there else "",
        width=one.width if one else 0,
        height=one.height if one else 0,
        is_picture=one is not None and one.is_picture,
        embed_url=absolute(f"{whole}embed", visit.address, *item) if is_there and sites_of(link.workspace) else "",
    )


def neutral_description(visit: Visit) -> Description:
    """Describe a page behind a door, by what the door itself says."""
    return Description(
        title=_("This page is protected") if visit.link.has_password else _("Ready to watch"),
        text=_("Open the link to watch."),
        url=absolute("page", visit.address),
        card_url=absolute("card", visit.address),
        oembed_url=absolute("oembed", visit.address),
    )


def is_behind_a_door(link: ShareLink) -> bool:
    """Whether the link asks something of those who have nothing but its address."""
    return link.has_password or link.view_limit is not None


def _title(link: ShareLink, shown: Sequence[Shown], one: Shown | None, *, is_item: bool) -> str:
    """Call it what its page calls it; one of several by its own name as well."""
    own_title = one.own_title if one is not None and len(shown) == 1 else ""
    title = link.name or own_title or _("From %(name)s") % {"name": link.workspace.name}
    if one is not None and is_item and len(shown) > 1:
        title = f"{one.title} · {title}"
    return " ".join(title.split())


def _text(link: ShareLink, shown: Sequence[Shown], one: Shown | None) -> str:
    if one is None:
        return _("Nothing to show at the moment")
    if one.prompt:
        return Truncator(" ".join(one.prompt.split())).chars(_LONGEST_TEXT)
    words = {"count": len(shown), "name": link.workspace.name}
    if len(shown) == 1:
        return (_("A picture from %(name)s") if one.is_picture else _("A film from %(name)s")) % words
    if any(one.is_picture for one in shown):
        said = ngettext(
            "%(count)d film or picture from %(name)s", "%(count)d films and pictures from %(name)s", len(shown)
        )
        return said % words
    return ngettext("%(count)d film from %(name)s", "%(count)d films from %(name)s", len(shown)) % words
