"""The page that has generations made, and the page that tells what became of the takes."""

from __future__ import annotations

import json
from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from django.http import Http404, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from lumaboard.accounts.access import Member, MemberRequest, member_required
from lumaboard.connections.models import Connection
from lumaboard.core.htmx import wants_fragment
from lumaboard.core.http import require_form_methods, whole_number
from lumaboard.gallery.bill import PRICED_BY, bill_for, way_among
from lumaboard.gallery.cards import card_of
from lumaboard.gallery.making_forms import MakeForm, initial_from, pictures_in, task_ids_in
from lumaboard.gallery.uploads import received
from lumaboard.generations.models import CopyState, Generation
from lumaboard.submission.concepts import concepts_of, known_concepts
from lumaboard.submission.models import Intent, Picture
from lumaboard.submission.operations import KeyReused, NamesHidden, NotIntended
from lumaboard.submission.pricing import estimated
from lumaboard.submission.settling import asked_of
from lumaboard.submission.takes import order, takes_of

RECENT_PROMPTS = 12
_LOOKED_THROUGH = 100
_PICTURES_COME_WITHIN = timedelta(minutes=2)


@member_required
@require_form_methods
def new(request: MemberRequest) -> HttpResponse:
    """Show the form, filled from a generation (`from`, `how`) or a take of one's own (`take`); a POST orders the takes.

    The answer leads to the takes at once; they are sent meanwhile. Who asks for the price alone gets the form back.
    """
    member = request.member
    member.require("submit")
    if request.method != "POST":
        return _page(request, MakeForm(member=member, initial=_initial(request)))
    sent, unreceived = received(request, now=timezone.now())
    form = MakeForm(sent, member=member, unreceived=unreceived)
    if form.is_valid() and "only_price" not in sent:
        data = form.cleaned_data
        try:
            order(
                member,
                data["connection"],
                data["request"],
                count=data["count"],
                token=data["token"],
                is_private=data["is_private"],
                made_from=data["kin"],
                pictures=data["pictures"],
                now=timezone.now(),
            )
        except KeyReused:
            sent["token"] = str(uuid4())
            form = MakeForm(sent, member=member)
            sent_url = reverse("gallery:takes", args=[member.workspace.slug, data["token"]])
            form.add_error(
                None, _("This form was sent before, with something else in it. Press again to make these too.")
            )
            return _page(request, form, sent_url=sent_url)
        except NamesHidden as error:
            form.add_error("others", str(error))
        except NotIntended as error:
            form.add_error("connection", str(error))
        else:
            return HttpResponseRedirect(reverse("gallery:takes", args=[member.workspace.slug, data["token"]]))
    return _page(request, form)


@member_required
@require_safe
def bill(request: MemberRequest) -> HttpResponse:
    """What is chosen at this moment will cost and take, as the form asks whenever a choice changes."""
    member = request.member
    member.require("submit")
    ways = list(Connection.objects.filter(workspace=member.workspace).for_making())
    chosen = {name: request.GET.get(name, "") for name in PRICED_BY}
    return render(request, "gallery/_bill.html", {"bill": bill_for(member, ways, chosen)})


@member_required
@require_safe
def concepts(request: MemberRequest) -> HttpResponse:
    """The concepts of the chosen connection to choose from, asked of its provider; where it lists none, a field for names."""
    member = request.member
    member.require("submit")
    ways = list(Connection.objects.filter(workspace=member.workspace).for_making())
    way = way_among(ways, request.GET.get("connection", ""))
    form = MakeForm(initial={"concepts": ", ".join(request.GET.getlist("concepts"))}, member=member)
    listed = concepts_of(way, now=timezone.now()) if way is not None else ()
    return render(request, "gallery/_concepts.html", {"form": form, "choices": _choices(form, listed)})


@member_required
@require_safe
def takes(request: MemberRequest, token: UUID) -> HttpResponse:
    """What became of the takes of one form: being sent, accepted, refused and why. Only whoever ordered them sees it,
    also when they may order nothing any more: the news of their order leads here."""
    member = request.member
    ordered = takes_of(member, token)
    if not ordered:
        raise Http404
    now = timezone.now()
    context = {
        "takes": [_take(intent, member) for intent in ordered],
        "prompt": asked_of(ordered[0]).get("prompt", ""),
        "is_moving": any(intent.is_under_way for intent in ordered),
        "is_watched": any(intent.generation and _is_on_its_way(intent.generation, now=now) for intent in ordered),
        "estimate": estimated(ordered),
        "takes_url": reverse("gallery:takes", args=[member.workspace.slug, token]),
        "new_url": reverse("gallery:new", args=[member.workspace.slug]),
    }
    template = "gallery/_takes_answer.html" if wants_fragment(request) else "gallery/takes.html"
    return render(request, template, context)


def _is_on_its_way(row: Generation, *, now: datetime) -> bool:
    """Whether a page that shows it has something to wait for: its end, its copy, or for a while the pictures of that."""
    if not row.is_settled or row.copy_state in (CopyState.WANTED, CopyState.COPYING):
        return True
    lacks_pictures = row.copy_state == CopyState.ARCHIVED and (not row.has_poster or row.width is None)
    return lacks_pictures and row.settled_at is not None and now - row.settled_at < _PICTURES_COME_WITHIN


def _page(request: MemberRequest, form: MakeForm, *, sent_url: str = "") -> HttpResponse:
    member = request.member
    way = way_among(form.ways, str(form["connection"].value() or ""))
    listed = known_concepts(way) if way is not None else ()
    context = {
        "form": form,
        "choices": _choices(form, listed or ()),
        "asks_for_concepts": listed is None,
        "connections": form.ways,
        "bill": bill_for(member, form.ways, {name: str(form[name].value() or "") for name in PRICED_BY}),
        "prompts": _recent_prompts(member),
        "has_more": bool(
            form["concepts"].value() or form["others"].value() or form["concepts"].errors or form["others"].errors
        ),
        "sent_url": sent_url,
        "pictures": {side: form.picture(side) for side in ("start", "end")},
    }
    return render(request, "gallery/new.html", context, status=422 if form.is_bound and form.errors else 200)


def _choices(form: MakeForm, listed: Collection[str]) -> list[tuple[str, bool]]:
    """Each concept that was named or is listed, and whether it was named; none where nothing is listed."""
    if not listed:
        return []
    named = [name.strip() for name in str(form["concepts"].value() or "").split(",") if name.strip()]
    unlisted = (name for name in named if name not in listed)
    return [(name, name in named) for name in dict.fromkeys((*unlisted, *listed))]


def _initial(request: MemberRequest) -> dict[str, Any]:
    """What the form begins with: a fresh token, and what is taken over from elsewhere."""
    member = request.member
    initial: dict[str, Any] = {"token": uuid4()}
    take = whole_number(request.GET.get("take", ""))
    source = whole_number(request.GET.get("from", ""))
    if take is not None:
        intent = Intent.objects.filter(workspace=member.workspace, created_by=member.user, pk=take).first()
        if intent is None:
            raise Http404
        taken = _taken_over(member, dict(asked_of(intent)), connection_id=intent.connection_id)
        return taken | initial | {"is_private": intent.is_private}
    if source is None:
        return initial
    seen = Generation.objects.in_workspace(member.workspace.pk).visible_to(member.user.pk)
    row = seen.filter(pk=source).first()
    if row is None:
        raise Http404
    how = request.GET.get("how", "")
    echo = dict(row.request) if isinstance(row.request, dict) else {}
    for name in ("prompt", "model", "aspect_ratio", "resolution"):
        echo.setdefault(name, getattr(row, name) or None)
    echo = {name: value for name, value in echo.items() if value is not None}
    if how in _FRAMES:
        side, kind = _FRAMES[how]
        echo = {name: value for name, value in echo.items() if name not in ("keyframes", "loop")}
        initial |= {f"{side}_kind": kind, f"{side}_generation": row.pk}
    else:
        initial["made_from"] = row.pk
    if how == "vary":
        echo.pop("seed", None)
    return _taken_over(member, echo, connection_id=row.connection_id) | initial | {"is_private": row.is_private}


_FRAMES = {
    "extend": ("start", "last"),
    "reverse": ("end", "first"),
    "last-frame": ("start", "last"),
    "first-frame": ("start", "first"),
}
"""What the buttons of a generation's page put into which side of the form."""


def _taken_over(member: Member, request: dict[str, Any], *, connection_id: int) -> dict[str, Any]:
    seen = Generation.objects.in_workspace(member.workspace.pk).visible_to(member.user.pk)
    named = seen.filter(connection=connection_id, task_id__in=task_ids_in(request))
    own = Picture.objects.filter(workspace=member.workspace, created_by=member.user, pk__in=pictures_in(request))
    initial = initial_from(
        request,
        task_rows=dict(named.values_list("task_id", "pk")),
        own_pictures=set(own.values_list("pk", flat=True)),
    )
    left = initial.pop("left")
    others = json.dumps(left, ensure_ascii=False, indent=2) if left else ""
    return initial | {"connection": connection_id, "others": others}


def _recent_prompts(member: Member) -> list[str]:
    """One's own prompts, each once, the last one first."""
    rows = Generation.objects.in_workspace(member.workspace.pk).filter(created_by=member.user).exclude(prompt="")
    newest = rows.newest_first().values_list("prompt", flat=True)[:_LOOKED_THROUGH]
    return list(dict.fromkeys(newest))[:RECENT_PROMPTS]


def _take(intent: Intent, member: Member) -> dict[str, Any]:
    row = intent.generation
    card = card_of(row, workspace_slug=member.workspace.slug, now=timezone.now()) if row is not None else None
    return {"intent": intent, "card": card}
