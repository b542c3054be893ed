"""What holds for every answer below /dream-machine/, whichever part of the program gave it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from django.http import HttpRequest
from django.http.response import HttpResponseBase

from lumaboard.proxy.answers import ProxyResponse, Refused

PREFIX: Final = "/dream-machine/"
_WORDS: Final = {
    400: "The request cannot be read.",
    404: "There is no such path. The API is below /dream-machine/v1/.",
    413: "This is more than can be sent at once.",
}
_USUAL: Final = "Something went wrong in Lumaboard. It is written down; an admin can look into the log."

Handler = Callable[[HttpRequest], HttpResponseBase]


def providers_shape(get_response: Handler) -> Handler:
    """Turn the failures of Django and of other middleware into the provider's shape, and set no cookie.

    It is among the outermost, so that nothing below the prefix answers with a page.
    """

    def middleware(request: HttpRequest) -> HttpResponseBase:
        given = get_response(request)
        if not request.path_info.startswith(PREFIX):
            return given
        if not isinstance(given, ProxyResponse):
            given.close()
            given = Refused(given.status_code, _WORDS.get(given.status_code, _USUAL)).response()
        given.cookies.clear()
        return given

    return middleware
