"""What holds for every answer below /api/v1/, whichever part of the program gave it."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256
from typing import Final

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils.http import parse_etags

from lumaboard.api import errors
from lumaboard.core.limits import Rate

PREFIX: Final = "/api/v1/"
_CSP: Final = "default-src 'none'; base-uri 'none'; object-src 'none'; frame-ancestors 'none'"
_JSON: Final = "application/json"

Handler = Callable[[HttpRequest], HttpResponseBase]


def one_shape(get_response: Handler) -> Handler:
    """Give failures of Django and of other middleware the shape of the API's own, and every answer its headers.

    It is the outermost, so that nothing below the prefix answers with a page.
    """

    def middleware(request: HttpRequest) -> HttpResponseBase:
        if not request.path.startswith(PREFIX):
            return get_response(request)
        given = get_response(request)
        if given.status_code >= 400 and not given.headers.get("Content-Type", "").startswith(_JSON):
            given = _reshaped(given)
        if given.status_code == 401:
            given.headers["WWW-Authenticate"] = "Bearer"
        if given.headers.get("Content-Type", "").startswith(_JSON):
            given = _conditional(request, given)
            given.headers["Content-Security-Policy"] = _CSP
            given.headers["Cache-Control"] = "no-store"
            given.headers["Referrer-Policy"] = "no-referrer"
            given.headers["Vary"] = "Authorization"
        rate: Rate | None = getattr(request, "api_rate", None)
        if rate is not None:
            given.headers["RateLimit-Limit"] = str(rate.limit)
            given.headers["RateLimit-Remaining"] = str(rate.remaining)
            given.headers["RateLimit-Reset"] = str(rate.reset_s)
            if given.status_code == 429:
                given.headers["Retry-After"] = str(rate.reset_s)
        given.cookies.clear()
        return given

    return middleware


def _reshaped(given: HttpResponseBase) -> HttpResponse:
    shaped = errors.response(given.status_code)
    for name, value in given.headers.items():
        if name not in ("Content-Type", "Content-Length", "Content-Disposition"):
            shaped.headers[name] = value
    return shaped  # what was given holds no file, and closing it would tell Django that the request is over


def _conditional(request: HttpRequest, given: HttpResponseBase) -> HttpResponseBase:
    """Tag an answer by its bytes, which are what this caller may see and nothing else, and spare it who has it."""
    if request.method not in ("GET", "HEAD") or given.status_code != 200 or not isinstance(given, HttpResponse):
        return given
    tag = f'"{sha256(given.content).hexdigest()[:32]}"'
    known = {known.removeprefix("W/") for known in parse_etags(request.headers.get("If-None-Match", ""))}
    if tag in known:
        given.status_code, given.content = 304, b""
        del given.headers["Content-Type"], given.headers["Content-Length"]
    given.headers["ETag"] = tag
    return given
