"""Codes that a phone's camera reads, in a page."""

from __future__ import annotations

from django import template

from lumaboard.core.qr import draw

register = template.Library()


@register.inclusion_tag("core/_qr.html")
def qr(text: str, label: str) -> dict[str, object]:
    """Draw the text as a QR code: one path in the page itself, since our policy allows no `data:` pictures."""
    drawn = draw(text)
    return {"path": drawn.path, "size": drawn.size, "label": label}
