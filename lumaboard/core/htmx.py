"""The few places where an answer depends on htmx having asked."""

from __future__ import annotations

from typing import cast

from django.http import HttpRequest

from lumaboard.core.http import BoardRequest


def wants_fragment(request: HttpRequest) -> bool:
    """Whether htmx asks for a piece of the page; a history restore or a boosted link wants the whole page."""
    htmx = cast(BoardRequest, request).htmx
    return bool(htmx) and not htmx.history_restore_request and not htmx.boosted
