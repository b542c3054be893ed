"""Offer to take back what was just done: the next page shows a sentence and a button, once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from django.http import HttpRequest

_KEY: Final = "undo"


@dataclass(frozen=True, slots=True, kw_only=True)
class Undo:
    """What was done, and the address that undoes it by POST."""

    text: str
    url: str


def offer_undo(request: HttpRequest, undo: Undo) -> None:
    """Keep the offer for the next page of whoever asks."""
    request.session[_KEY] = {"text": undo.text, "url": undo.url}


def take_offer(request: HttpRequest) -> Undo | None:
    """Return what can be undone, and forget it; writes only where there was something."""
    noted = request.session.pop(_KEY, None) if _KEY in request.session else None
    return Undo(text=noted["text"], url=noted["url"]) if noted else None
