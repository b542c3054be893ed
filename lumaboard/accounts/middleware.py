"""What holds for a whole request: the person's time zone and language, and how htmx is sent elsewhere."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import quote

from django.http import HttpRequest, HttpResponse
from django.utils import timezone, translation
from django_htmx.http import HttpResponseClientRedirect

from lumaboard.accounts.sessions import LONGEST_ADDRESS, LONGEST_AGENT, SessionStore
from lumaboard.core.http import BoardRequest

Handler = Callable[[HttpRequest], HttpResponse]


def preferences(get_response: Handler) -> Handler:
    """Give the thread its defaults back after each request; `access` and the account pages apply a person's own."""

    def middleware(request: HttpRequest) -> HttpResponse:
        translation.activate(translation.get_language_from_request(request))
        timezone.deactivate()
        try:
            return get_response(request)
        finally:
            translation.deactivate()
            timezone.deactivate()

    return middleware


def sign_ins(get_response: Handler) -> Handler:
    """Tell the session from where it is used; written down with the session, and at most every five minutes without it."""

    def middleware(request: HttpRequest) -> HttpResponse:
        session = request.session
        assert isinstance(session, SessionStore)
        session.agent = request.headers.get("User-Agent", "").replace("\x00", "")[:LONGEST_AGENT]
        session.address = request.META.get("REMOTE_ADDR", "")[:LONGEST_ADDRESS]
        response = get_response(request)
        session.note_use()
        return response

    return middleware


def htmx_redirects(get_response: Handler) -> Handler:
    """Turn a redirect to the sign-in page into one of the whole window, or htmx would swap the form into a fragment."""

    def middleware(request: BoardRequest) -> HttpResponse:
        response = get_response(request)
        location = response.headers.get("Location", "")
        if request.htmx and 300 <= response.status_code < 400 and location.startswith("/accounts/"):
            return HttpResponseClientRedirect(_back_to_page(request, location))
        return response

    return middleware  # type: ignore[return-value]  # HtmxMiddleware stands before this one


def _back_to_page(request: BoardRequest, location: str) -> str:
    """After signing in people return to the page they saw, not to the fragment it asked for."""
    try:
        path = request.htmx.current_url_abs_path
    except ValueError:  # a header that is no address
        path = None
    if not path or "?next=" not in location:
        return location
    return f"{location.split('?', 1)[0]}?next={quote(path)}"
