"""What a request of ours carries, and how its parameters are read."""

from __future__ import annotations

from urllib.parse import urlsplit

from django.http import HttpRequest
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_http_methods
from django_htmx.middleware import HtmxDetails

require_form_methods = require_http_methods(["GET", "HEAD", "POST"])
"""For a page that shows a form and takes it."""


class BoardRequest(HttpRequest):
    """A request after our middleware: it knows whether htmx sent it."""

    htmx: HtmxDetails


def whole_number(text: str) -> int | None:
    """Read a number from an address: ASCII digits, at most 18 of them, so that every database takes it; else None."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None


def is_address(url: str, *, longest: int) -> bool:
    """Whether this is a web address that a server elsewhere could ask for; where it leads is looked at when it is asked."""
    if len(url) > longest or not url.isprintable() or " " in url:
        return False
    try:
        parts = urlsplit(url)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and "@" not in parts.netloc
    except ValueError:
        return False


def page_before(request: HttpRequest, default: str) -> str:
    """The page the button stood on, if it is ours; else the default."""
    page = request.headers.get("Referer", "")
    is_ours = url_has_allowed_host_and_scheme(page, {request.get_host()}, require_https=request.is_secure())
    is_whole = page.startswith(
        ("http://", "https://")
    )  # anything else is no page, and could be taken for a view's name
    return page if is_ours and is_whole else default
