"""A description as oEmbed 1.0 tells it (oembed.com), within the room that the other site has."""

from __future__ import annotations

import re
from typing import Final
from xml.etree import ElementTree

from django.conf import settings
from django.template.loader import render_to_string

from lumaboard.sharing.guests.cards import size_that_fits
from lumaboard.sharing.guests.description import Description

KEEP_SECONDS: Final = 300
"""How long other sites may remember an answer: a link that is withdrawn should not live on there."""

Answer = dict[str, str | int]

_NOT_IN_XML: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def oembed_of(description: Description, *, most_width: int | None, most_height: int | None) -> Answer:
    """Describe a film as a player, a picture as a photo, and what nobody may show in a frame as a link."""
    answer: Answer = {
        "version": "1.0",
        "type": "link",
        "title": description.title,
        "provider_name": description.site_name or "Lumaboard",
        "provider_url": f"{settings.PUBLIC_URL}/",
        "cache_age": KEEP_SECONDS,
    }
    if card := size_that_fits(most_width=most_width, most_height=most_height):
        url = description.card_url_of(card)
        answer |= {"thumbnail_url": url, "thumbnail_width": card[0], "thumbnail_height": card[1]}
        if description.is_picture:
            answer |= {"type": "photo", "url": url, "width": card[0], "height": card[1]}
    if description.embed_url and not description.is_picture:
        width, height = fit(description.width, description.height, most_width=most_width, most_height=most_height)
        html = render_to_string("sharing/_iframe.html", {"description": description, "width": width, "height": height})
        answer |= {"type": "video", "html": html.strip(), "width": width, "height": height}
    return answer


def fit(width: int, height: int, *, most_width: int | None, most_height: int | None) -> tuple[int, int]:
    """Make it no larger than asked for, and never larger than it is, in its own shape."""
    scale = min(1.0, (most_width or width) / width, (most_height or height) / height)
    return max(1, int(width * scale)), max(1, int(height * scale))


def as_xml(answer: Answer) -> bytes:
    """Write the answer as XML, without the characters that XML has no way to write."""
    root = ElementTree.Element("oembed")
    for name, value in answer.items():
        ElementTree.SubElement(root, name).text = _NOT_IN_XML.sub("", str(value))
    return bytes(ElementTree.tostring(root, encoding="utf-8", xml_declaration=True))
