"""May this guest see it? The one module that answers, for page, film, poster, download, card, oEmbed and embed alike.

It asks again at every request, so that whatever is revoked, expired or locked anew is out of reach at the next one. A guest
who was let in carries a signed cookie that names the link and its version, below the link's own address only.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from functools import wraps
from typing import Concatenate, Final, ParamSpec

from django.conf import settings
from django.core import signing
from django.core.cache import caches
from django.db.models import F, Q
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.utils.crypto import salted_hmac

from lumaboard.accounts.access import member_of
from lumaboard.sharing import addresses
from lumaboard.sharing.models import ShareLink

P = ParamSpec("P")

STAY: Final = timedelta(hours=12)
"""How long a guest who was let in stays in, without another password or view."""

_SAME_VISIT: Final = timedelta(minutes=30)
_SALT: Final = "lumaboard.sharing.visiting.visits"
# Names that programs which fetch pages for others give themselves; they would count a view at each pasting into a chat.
_PROGRAMS: Final = (
    *("bot", "crawl", "spider", "slurp", "preview", "unfurl", "embed", "facebookexternalhit", "whatsapp", "telegram"),
    *("discord", "slack", "skype", "mastodon", "headless", "lighthouse", "curl", "wget", "python", "java/", "go-http"),
    *("okhttp", "axios", "node"),
)


class LinkGone(Exception):
    """There is nothing for this guest: unknown, revoked, expired or used up are one and the same."""


class Door(StrEnum):
    """What stands between a guest and the films."""

    OPEN = "open"
    PASSWORD = "password"  # noqa: S105  (a word, not a secret)
    WATCH = "watch"  # a press of the button, which uses up one view


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """A guest at a link, as read for this very request."""

    link: ShareLink
    address: str
    door: Door
    now: datetime

    @property
    def is_open(self) -> bool:
        return self.door is Door.OPEN


def visit(request: HttpRequest, address: str, *, now: datetime) -> Visit:
    """Find the link and what stands before it; raises `LinkGone`. One query."""
    link = _find(address, now)
    return Visit(link=link, address=address, door=_door(link, was_let_in=_was_let_in(request, link)), now=now)


def visit_from_elsewhere(address: str, *, now: datetime) -> Visit:
    """The same for other sites, whose programs and frames are never let in: what has a door is closed. Raises `LinkGone`."""
    link = _find(address, now)
    return Visit(link=link, address=address, door=_door(link, was_let_in=False), now=now)


def _find(address: str, now: datetime) -> ShareLink:
    link = addresses.find(address, now=now)
    if link is None:
        raise LinkGone
    return link


def _door(link: ShareLink, *, was_let_in: bool) -> Door:
    if was_let_in:
        return Door.OPEN
    if link.is_used_up:
        raise LinkGone
    if link.has_password:
        return Door.PASSWORD
    return Door.OPEN if link.view_limit is None else Door.WATCH


GuestView = Callable[Concatenate[HttpRequest, Visit, P], HttpResponseBase]


def guest_view(view: GuestView[P]) -> Callable[..., HttpResponseBase]:
    """Hand the view whoever comes to a live link, whatever stands before it; everybody else sees one page for all dead links."""

    @wraps(view)
    def wrapper(request: HttpRequest, address: str, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        try:
            response = view(request, visit(request, address, now=timezone.now()), *args, **kwargs)
        except (LinkGone, Http404):
            response = _gone()
        response.headers["X-Robots-Tag"] = "noindex"
        return response

    # The link's own checks stand in for the token in the form, which would need a cookie before anybody was let in.
    wrapper.csrf_exempt = True  # type: ignore[attr-defined]  # as django.views.decorators.csrf.csrf_exempt does
    return wrapper


def inside_view(view: GuestView[P]) -> Callable[..., HttpResponseBase]:
    """The same for what lies behind the door: to those who were not let in, it is not there."""

    def behind_the_door(request: HttpRequest, visit: Visit, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        if not visit.is_open:
            raise LinkGone
        return view(request, visit, *args, **kwargs)

    return wraps(view)(guest_view(behind_the_door))


def elsewhere_view(view: GuestView[P]) -> Callable[..., HttpResponseBase]:
    """Hand the view a link as other sites see it, and let them have the answer. Cookies are not even looked at."""

    @wraps(view)
    def wrapper(request: HttpRequest, address: str, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        try:
            response = view(request, visit_from_elsewhere(address, now=timezone.now()), *args, **kwargs)
        except (LinkGone, Http404):
            response = _gone()
        response.headers["X-Robots-Tag"] = "noindex"
        response.headers["Referrer-Policy"] = "no-referrer"
        response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
        return response

    return wrapper


def _gone() -> HttpResponse:
    card_url = addresses.absolute("card", addresses.NOWHERE)
    return HttpResponse(render_to_string("sharing/gone.html", {"card_url": card_url}), status=404)


def is_from_own_page(request: HttpRequest) -> bool:
    """Whether a form was sent by a page of ours, by what the browser itself says; one that says nothing is refused."""
    if (site := request.headers.get("Sec-Fetch-Site")) not in (None, "same-origin"):
        return False
    origin = request.headers.get("Origin")
    if origin is None:
        return site is not None
    return origin in (settings.PUBLIC_URL, f"{request.scheme}://{request.get_host()}")


def let_in(response: HttpResponseBase, visit: Visit) -> None:
    """Give the guest the cookie that opens this link, as it is now, for some hours."""
    response.set_cookie(
        _cookie_name(),
        signing.dumps([visit.link.pk, visit.link.version], salt=_SALT),
        max_age=STAY,
        path=reverse("sharing:page", args=[visit.address]),
        secure=settings.IS_HTTPS,
        httponly=True,
        samesite="Lax",
    )


def use_view(visit: Visit) -> None:
    """Use up one view; of two guests who reach for the last, one gets it and the other `LinkGone`."""
    links = ShareLink.objects.live(visit.now).filter(
        Q(view_limit=None) | Q(view_count__lt=F("view_limit")), pk=visit.link.pk, version=visit.link.version
    )
    if not links.update(view_count=F("view_count") + 1, viewed_at=visit.now):
        raise LinkGone


def count_view(request: HttpRequest, visit: Visit) -> None:
    """Count that somebody looks: no program, no prefetching browser, no member, and nobody twice within half an hour."""
    if not is_by_a_person(request) or is_by_a_member(request, visit.link):
        return
    seen = f"{visit.link.pk}:{guest_hash(request)}"
    if caches["visits"].add(seen, 1, timeout=_SAME_VISIT.total_seconds()):
        ShareLink.objects.filter(pk=visit.link.pk).update(view_count=F("view_count") + 1, viewed_at=visit.now)


def count_download(request: HttpRequest, visit: Visit) -> None:
    """Count a download at its first byte, so that one that is resumed counts once."""
    starts = request.headers.get("Range", "bytes=0-").replace(" ", "").startswith("bytes=0-")
    if starts and request.method == "GET" and not is_by_a_member(request, visit.link):
        ShareLink.objects.filter(pk=visit.link.pk).update(download_count=F("download_count") + 1)


def is_by_a_person(request: HttpRequest) -> bool:
    """Whether a browser shows this to somebody now, as far as it says."""
    if request.method != "GET":
        return False
    if any("prefetch" in request.headers.get(name, "").lower() for name in ("Sec-Purpose", "Purpose", "X-Moz")):
        return False
    agent = request.headers.get("User-Agent", "").lower()
    return bool(agent) and not any(word in agent for word in _PROGRAMS)


def is_by_a_member(request: HttpRequest, link: ShareLink) -> bool:
    """Whether whoever looks is signed in and in the workspace itself."""
    return settings.SESSION_COOKIE_NAME in request.COOKIES and member_of(request, link.workspace.slug) is not None


def guest_hash(request: HttpRequest) -> str:
    """Tell guests apart without keeping where they are: a keyed hash of address and browser."""
    told = f"{request.META.get('REMOTE_ADDR', '')}\n{request.headers.get('User-Agent', '')[:300]}"
    return salted_hmac(_SALT, told, algorithm="sha256").hexdigest()


def _was_let_in(request: HttpRequest, link: ShareLink) -> bool:
    cookie = request.COOKIES.get(_cookie_name())
    if cookie is None:
        return False
    try:
        return bool(signing.loads(cookie, salt=_SALT, max_age=STAY) == [link.pk, link.version])
    except signing.BadSignature:
        return False


def _cookie_name() -> str:
    return "__Secure-share" if settings.IS_HTTPS else "share"
