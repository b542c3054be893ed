"""What other sites ask for, to show a link among their own things: its picture, its oEmbed, and a page for their frames.

Everybody gets the same answer, whether they were let in or not: these addresses set no cookie.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Final
from urllib.parse import urlsplit

from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from django.template.loader import render_to_string
from django.urls import Resolver404, resolve
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from lumaboard.core.http import whole_number
from lumaboard.sharing.guests.cards import Card, card_of, neutral_card
from lumaboard.sharing.guests.description import description_of, neutral_description
from lumaboard.sharing.guests.embeds import EVERYBODY, frame_policy, sites_of
from lumaboard.sharing.guests.oembed import as_xml, oembed_of
from lumaboard.sharing.guests.pictures import picture_answer
from lumaboard.sharing.visiting.shown import shown_by
from lumaboard.sharing.visiting.visits import LinkGone, Visit, count_view, elsewhere_view, visit_from_elsewhere

_PAGES: Final = ("sharing:page", "sharing:item")


@require_safe
def card(request: HttpRequest, address: str, number: int | None = None) -> HttpResponseBase:
    """The picture that chats show. Where there is none to show, for whatever reason, it is one and the same neutral picture."""
    width = whole_number(request.GET.get("width", ""))
    try:
        found = _card_at(address, number, width=width)
    except (LinkGone, Http404):
        found = neutral_card(width=width)
    response = picture_answer(request, found.body, etag=found.etag, content_type="image/jpeg")
    response.headers["X-Robots-Tag"] = "noindex"
    response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    return response


@require_safe
@elsewhere_view
def oembed(request: HttpRequest, visit: Visit) -> HttpResponse:
    """Tell how to show the page that `url` names, or that of the link, in JSON or XML."""
    number = _number_asked_for(request, visit)
    shown = shown_by(visit.link) if visit.is_open else []
    if number is not None and number not in {one.number for one in shown}:
        raise LinkGone
    description = description_of(visit, shown, number)
    answer = oembed_of(description, most_width=_room(request, "maxwidth"), most_height=_room(request, "maxheight"))
    match request.GET.get("format", "json"):
        case "json":
            return JsonResponse(answer)
        case "xml":
            return HttpResponse(as_xml(answer), content_type="text/xml; charset=utf-8")
        case _:
            return HttpResponse(_("There is json, and there is xml."), status=501, content_type="text/plain")


def framed(view: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    """Let the sites that an answer names show it in a frame; one that names none, because it tells nothing, anybody."""

    @wraps(view)
    def wrapper(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponseBase:
        response = view(request, *args, **kwargs)
        response.headers.setdefault("Content-Security-Policy", frame_policy(EVERYBODY))
        response.xframe_options_exempt = True  # type: ignore[attr-defined]  # as django.views.decorators.clickjacking does
        return response

    return wrapper


@require_safe
@framed
@elsewhere_view
def embed(request: HttpRequest, visit: Visit, number: int | None = None) -> HttpResponse:
    """A film for the frames of the workspace's sites. What has a door is not opened here, but on its own page."""
    if not visit.is_open:
        return HttpResponse(render_to_string("sharing/embed.html", {"description": neutral_description(visit)}))
    shown = shown_by(visit.link)
    one = next((one for one in shown if number in (None, one.number)), None)
    if number is not None and one is None:
        raise LinkGone
    count_view(request, visit)
    context = {"visit": visit, "one": one, "description": description_of(visit, shown, number)}
    response = HttpResponse(render_to_string("sharing/embed.html", context))
    response.headers["Content-Security-Policy"] = frame_policy(sites_of(visit.link.workspace))
    return response


def _card_at(address: str, number: int | None, *, width: int | None) -> Card:
    visit = visit_from_elsewhere(address, now=timezone.now())
    if visit.is_open:
        for one in shown_by(visit.link):
            if number in (None, one.number):
                if one.social is None:
                    break
                return card_of(one.social, width=width)
    raise LinkGone


def _number_asked_for(request: HttpRequest, visit: Visit) -> int | None:
    """Read from `url` which item is asked for; None: the link's own page. Raises `LinkGone` for what is no page of this link.

    The host is not looked at: under whichever name another site knows this page, it asked here.
    """
    url = request.GET.get("url")
    if url is None:
        return None
    try:
        page = resolve(urlsplit(url).path)
    except (Resolver404, ValueError) as error:
        raise LinkGone from error
    if page.view_name not in _PAGES or page.kwargs["address"] != visit.address:
        raise LinkGone
    number = page.kwargs.get("number")
    return number if isinstance(number, int) else None


def _room(request: HttpRequest, name: str) -> int | None:
    """Read how much room there is; what is no number, and none at all, is not heeded."""
    return whole_number(request.GET.get(name, "")) or None
