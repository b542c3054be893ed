"""What guests ask for, all of it below the address of their link. No answer sets a cookie before the door was opened."""

from __future__ import annotations

from collections.abc import Sequence

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_safe

from lumaboard.archive.files import serve_asset
from lumaboard.archive.names import extension_of, guest_download_name
from lumaboard.archive.serve import GUEST_SLOTS, PLAYBACK_CAP
from lumaboard.core.http import require_form_methods
from lumaboard.generations.models import Asset
from lumaboard.sharing.guests.colours import accent_of
from lumaboard.sharing.guests.description import description_of, neutral_description
from lumaboard.sharing.guests.pictures import picture_answer
from lumaboard.sharing.models import Logo
from lumaboard.sharing.visiting.shown import Shown, shown_by
from lumaboard.sharing.visiting.unlocking import TooManyTries, WrongPassword, unlock
from lumaboard.sharing.visiting.visits import (
    Door,
    LinkGone,
    Visit,
    count_download,
    count_view,
    guest_view,
    inside_view,
    is_by_a_member,
    is_from_own_page,
    let_in,
    use_view,
)


@sensitive_post_parameters("password")
@require_form_methods
@guest_view
def page(request: HttpRequest, visit: Visit) -> HttpResponseBase:
    """The first film of the link, and the others below it; or the door, which on POST opens."""
    if request.method == "POST":
        return _enter(request, visit)
    if not visit.is_open:
        return _door(request, visit)
    return _look(request, visit, number=None)


@require_safe
@inside_view
def item(request: HttpRequest, visit: Visit, number: int) -> HttpResponseBase:
    """One of several films."""
    return _look(request, visit, number=number)


@require_safe
@inside_view
def film(request: HttpRequest, visit: Visit, number: int) -> HttpResponseBase:
    """Play, or show a picture. Ranges are answered in pieces, and each asks anew whether the link still holds."""
    return _serve(request, _one(shown_by(visit.link), number).film, cap=PLAYBACK_CAP)


@require_safe
@inside_view
def poster(request: HttpRequest, visit: Visit, number: int) -> HttpResponseBase:
    return _serve(request, _one(shown_by(visit.link), number).poster, cap=PLAYBACK_CAP)


@require_safe
@inside_view
def download(request: HttpRequest, visit: Visit, number: int) -> HttpResponseBase:
    """Hand out exactly the file that the link allows, under a name that says nothing the page does not."""
    shown = _one(shown_by(visit.link), number)
    if shown.take_away is None:
        raise LinkGone
    filename = guest_download_name(
        title=shown.title or visit.link.workspace.name,
        number=shown.number,
        extension=extension_of(shown.take_away.stored_name),
    )
    response = _serve(request, shown.take_away, filename=filename)
    if response.status_code in (200, 206):
        count_download(request, visit)
    return response


@require_safe
@inside_view
def brand(request: HttpRequest, visit: Visit) -> HttpResponseBase:
    """The workspace's accent colour, as a sheet of its own: no style stands in our pages."""
    policy = getattr(visit.link.workspace, "share_policy", None)
    if policy is None or not policy.accent:
        raise LinkGone
    accent = accent_of(policy.accent)
    colours = {
        "ink": accent.colour,
        "ink-hover": accent.colour,
        "text-inverse": accent.on_colour,
        "iris": accent.colour,
    }
    sheet = ":root {" + "".join(f" --{name}: {colour};" for name, colour in colours.items()) + " }\n"
    return picture_answer(request, sheet.encode(), etag=accent.colour[1:], content_type="text/css; charset=utf-8")


@require_safe
@inside_view
def logo(request: HttpRequest, visit: Visit) -> HttpResponseBase:
    mark = get_object_or_404(Logo, workspace=visit.link.workspace)
    return picture_answer(request, bytes(mark.png), etag=mark.sha256, content_type="image/png")


def _look(request: HttpRequest, visit: Visit, *, number: int | None) -> HttpResponse:
    shown = shown_by(visit.link)
    now_playing = _one(shown, number) if number is not None else next(iter(shown), None)
    if visit.link.view_limit is None and not visit.link.has_password:
        count_view(request, visit)
    context = {
        "visit": visit,
        "link": visit.link,
        "workspace": visit.link.workspace,
        "shown": shown,
        "now_playing": now_playing,
        "description": description_of(visit, shown, number),
    }
    return render(request, "sharing/page.html", context)


def _door(
    request: HttpRequest, visit: Visit, *, error: str = "", is_blocked: bool = False, status: int = 200
) -> HttpResponse:
    context = {
        "visit": visit,
        "needs_password": visit.door is Door.PASSWORD,
        "error": error,
        "is_blocked": is_blocked,
        "description": neutral_description(visit),
    }
    return render(request, "sharing/door.html", context, status=status)


def _enter(request: HttpRequest, visit: Visit) -> HttpResponse:
    """Open the door for whoever gives the password or presses Watch. Members get in without using up a view."""
    if not is_from_own_page(request):
        return _door(request, visit, error=_("This form was not sent by this page. Open the link again."), status=403)
    response = redirect("sharing:page", visit.address)
    if visit.is_open:
        return response  # no new cookie: a stay ends when it said it would
    if visit.door is Door.PASSWORD:
        try:
            address = request.META.get("REMOTE_ADDR", "")
            unlock(visit.link, request.POST.get("password", ""), address=address, now=visit.now)
        except WrongPassword as error:
            return _door(request, visit, error=_say_wrong(error), status=403)
        except TooManyTries as error:
            return _door(request, visit, error=_say_too_many(error), is_blocked=True, status=429)
    if not is_by_a_member(request, visit.link):
        use_view(visit)
    let_in(response, visit)
    return response


def _say_wrong(error: WrongPassword) -> str:
    return ngettext(
        "That is not the password. %(count)d try left this hour.",
        "That is not the password. %(count)d tries left this hour.",
        error.tries_left,
    ) % {"count": error.tries_left}


def _say_too_many(error: TooManyTries) -> str:
    return ngettext(
        "The password was tried too often. Try again in %(minutes)d minute.",
        "The password was tried too often. Try again in %(minutes)d minutes.",
        error.minutes,
    ) % {"minutes": error.minutes}


def _one(shown: Sequence[Shown], number: int) -> Shown:
    for one in shown:
        if one.number == number:
            return one
    raise LinkGone


def _serve(
    request: HttpRequest, asset: Asset | None, *, filename: str | None = None, cap: int | None = None
) -> HttpResponseBase:
    if asset is None:
        raise LinkGone
    return serve_asset(request, asset, filename=filename, cap=cap, slots=GUEST_SLOTS)
