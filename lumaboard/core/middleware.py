"""What every answer tells the browser, beyond what Django's own middleware says."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from lumaboard.core.encodings import UTF_8
from lumaboard.core.http import whole_number

MOST_BODY_BYTES = 17 * 2**20
"""Above the largest form (two pictures of 8 MiB). Nothing limits uploads in Django, whose check of the form's token spools them
to the disk before anybody has signed in."""

PERMISSIONS_POLICY = ", ".join(
    [
        *(f"{feature}=()" for feature in ("camera", "geolocation", "microphone", "payment", "usb", "display-capture")),
        *(f"{feature}=(self)" for feature in ("fullscreen", "clipboard-write", "picture-in-picture", "autoplay")),
        "publickey-credentials-get=(self)",
        "publickey-credentials-create=(self)",
    ]
)


UNREAD: Final = "/hooks/"
"""What is sent there is never read, so it may be anything."""


def bounded_bodies(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """Refuse a body that is longer than any form of ours, before a byte of it is read. One without a length is not read.

    Nor is what says it is in anything but UTF-8: Django would decode it, and the query, by whichever codec of Python's it names,
    of which some take minutes and some give text that no database takes.
    """

    def middleware(request: HttpRequest) -> HttpResponse:
        if request.path_info.startswith(UNREAD):
            return get_response(request)
        if (request.encoding or "utf-8").lower() not in UTF_8:
            return HttpResponse(_("Send it in UTF-8."), status=415, content_type="text/plain")
        length = whole_number(request.META.get("CONTENT_LENGTH") or "0")
        if length is None or length > MOST_BODY_BYTES:
            return HttpResponse(_("This is more than can be sent at once."), status=413, content_type="text/plain")
        return get_response(request)

    return middleware


def closed_by_default(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """Give each answer the closed form of the headers; a view that needs an open one sets it itself.

    Pages are `no-store`: what a signed-out browser shows on Back is then never somebody's gallery.
    """

    def middleware(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        response.headers.setdefault("Cache-Control", "no-store")
        response.headers.setdefault("Permissions-Policy", PERMISSIONS_POLICY)
        response.headers.setdefault("Cross-Origin-Resource-Policy", "same-origin")
        return response

    return middleware
