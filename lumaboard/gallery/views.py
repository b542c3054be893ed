"""The gallery: pages of cards, what changed since, and the choices to filter by."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from itertools import groupby
from operator import itemgetter
from typing import Any

from django.db.models import Q
from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.cache import patch_vary_headers
from django.views.decorators.http import require_safe
from django_htmx.http import replace_url

from lumaboard.accounts.access import Member, MemberRequest, member_required, member_required_with
from lumaboard.accounts.models import User
from lumaboard.connections.models import Connection, PauseReason
from lumaboard.core.htmx import wants_fragment
from lumaboard.core.http import whole_number
from lumaboard.gallery.cards import Card, cards_of
from lumaboard.gallery.context import is_beating, last_beat, shell_of
from lumaboard.gallery.filterbar import active_filters, base_url, state_links, switch_of, with_query
from lumaboard.gallery.fragments import card_fragments, star_fragments
from lumaboard.generations.models import Generation
from lumaboard.generations.paging import Page, Place, keyset_page
from lumaboard.generations.querysets import Arms, GenerationQuerySet
from lumaboard.generations.search import Filters, rows_for_gallery

PAGE_SIZE = 48
MOST_PAGES = 10
"""So many pages load by themselves while scrolling; then a click is asked for, so that the end can be reached."""
MOST_NEW = 100
MOST_CHANGED = 96
"""So many changed cards go out one by one; beyond that the page is told to load itself anew."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """A card with what differs per viewer beside it."""

    card: Card | str  # in the grid, its HTML
    is_favourite: bool
    pk: int
    star: str = ""  # its HTML, in the grid


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """The cards of one day, under one heading."""

    date: date
    is_today: bool
    cells: Sequence[Cell]


@member_required_with(beaten_at=last_beat())
@require_safe
def index(request: MemberRequest) -> HttpResponse:
    """The gallery, newest first; htmx gets the next page of cards alone."""
    return _gallery(request, Filters.from_query(request.GET))


@member_required_with(beaten_at=last_beat())
@require_safe
def trash(request: MemberRequest) -> HttpResponse:
    """What was thrown away, and can be brought back."""
    return _gallery(request, Filters.from_query(request.GET, is_trash=True))


def _gallery(request: MemberRequest, filters: Filters) -> HttpResponse:
    member = request.member
    rows = rows_for_gallery(member.workspace.pk, filters, seen_by=member.user.pk)
    after, before, start = (_place(request, name) for name in ("after", "before", "start"))
    is_more = bool(after) and wants_fragment(request)
    pages = min(max(whole_number(request.GET.get("pages", "")) or 1, 1), MOST_PAGES)
    page = keyset_page(rows, after=after, before=before, size=PAGE_SIZE if is_more else PAGE_SIZE * pages)
    context = {
        "page": page,
        "days": days_of(page, member, as_list=request.GET.get("view") == "list"),
        "filters": filters,
        "view": "list" if request.GET.get("view") == "list" else "grid",
        "base_url": base_url(member, filters),
        "query": _page_query(request, filters),
        "start": start if is_more else after,
        "pages": pages,
        "loads_by_itself": pages < MOST_PAGES,
        "seq": member.workspace.seq,
        "opened": member.workspace.seq,
        "is_beating": is_beating(member.extra["beaten_at"]),
        "may_act": member.may("change_own"),
    }
    if is_more:
        response = _more(request, context, after=after)
    else:
        shell = shell_of(request, member)
        shell.state = None if filters.is_trash else filters.state
        context |= {
            "states": state_links(shell, filters, member),
            "switch": switch_of(filters, member),
            "active": active_filters(filters, member),
            "troubles": [] if filters.is_trash else troubled_connections(member),
            "is_first_page": not after and not before,
        }
        response = render(request, "gallery/index.html", context)
    patch_vary_headers(response, ["HX-Request"])
    return response


def _place(request: MemberRequest, name: str) -> str:
    """A cursor as it stands in the address, since it goes into other addresses; empty where it is none."""
    return str(Place.parse(request.GET.get(name, "")) or "")


def _more(request: MemberRequest, context: dict[str, Any], *, after: str) -> HttpResponse:
    """The next page of cards for a page that is open; its address then says how much is loaded, so that Back returns to it."""
    place = Place.parse(after)
    context["continued_day"] = timezone.localtime(place.at).date() if place else None
    response = render(request, "gallery/_more.html", context)
    start = f"&after={context['start']}" if context["start"] else ""
    query = f"{context['query']}{start}&pages={context['pages']}".lstrip("&")
    return replace_url(response, f"{context['base_url']}?{query}")


def _page_query(request: MemberRequest, filters: Filters) -> str:
    query = filters.query()
    view = "view=list" if request.GET.get("view") == "list" else ""
    return "&".join(part for part in (query, view) if part)


@member_required_with(beaten_at=last_beat())
@require_safe
def live(request: MemberRequest) -> HttpResponse:
    """What changed since the page's cursor: nothing (204, no look at the generations), or cards, counts and the pill."""
    member = request.member
    since = whole_number(request.GET.get("since", "")) or 0
    beats = is_beating(member.extra["beaten_at"])
    if since > member.workspace.seq:  # a backup was restored beneath the open page: nothing on it can be trusted
        return HttpResponse(status=204, headers={"HX-Refresh": "true"})
    if since == member.workspace.seq and request.GET.get("beating") == ("1" if beats else "0"):
        return HttpResponse(status=204)
    opened = whole_number(request.GET.get("opened", "")) or since
    filters = Filters.from_query(request.GET, is_trash=request.GET.get("trash") == "1")
    shell = shell_of(request, member)
    shell.state = None if filters.is_trash else filters.state
    changed = list(_changed(member, since))
    if len(changed) > MOST_CHANGED:
        return HttpResponse(status=204, headers={"HX-Refresh": "true"})
    newest = Place.parse(request.GET.get("newest", ""))
    here = [row for row in changed if _belongs(row, filters, member)]
    known = [row for row in here if newest is None or (row.created_at, row.pk) <= (newest.at, newest.pk)]
    context = {
        "shell": shell,
        "states": state_links(shell, filters, member),
        "switch": switch_of(filters, member),
        "cells": list_cells(known, member.workspace.slug),
        "gone": [row.pk for row in changed if row not in here],
        "new_count": _new_count(member, filters, newest, opened=opened),
        "opened": opened,
        "newest": request.GET.get("newest", ""),
        "base_url": base_url(member, filters),
        "query": _page_query(request, filters),
        "filters": filters,
        "seq": member.workspace.seq,
        "is_beating": beats,
        "view": "list" if request.GET.get("view") == "list" else "grid",
        "toasts": shell.toasts_since(since),
    }
    return render(request, "gallery/_live_answer.html", context)


def _changed(member: Member, since: int) -> GenerationQuerySet:
    """What this person saw change, oldest change first, and what was taken from their sight: a colleague's, made private.

    Private work that a colleague's page never showed is not among it.
    """
    rows = Generation.objects.in_workspace(member.workspace.pk).with_people().with_star_of(member.user.pk)
    seen = rows.filter(seq__gt=since).arms_for(member.user.pk)
    taken = rows.filter(privacy_seq__gt=since, is_private=True).exclude(created_by=member.user)
    return Arms((*seen.sets, taken)).first("seq", "id", limit=MOST_CHANGED + 1)


def _belongs(row: Generation, filters: Filters, member: Member) -> bool:
    """Whether this row may stand on this page, trash or gallery."""
    return row.private_to in (None, member.user.pk) and (row.trashed_at is not None) == filters.is_trash


def _new_count(member: Member, filters: Filters, newest: Place | None, *, opened: int) -> int:
    """How many rows the open page does not have: those above its first, and colleagues' work shared since it was opened."""
    rows = filters.rows(member.workspace.pk, seen_by=member.user.pk)
    if newest is None:
        return rows.count_up_to(MOST_NEW)
    not_newer = Q(created_at__lt=newest.at) | Q(created_at=newest.at, id__lte=newest.pk)
    shared = rows.filter(not_newer, ~Q(created_by=member.user), privacy_seq__gt=opened)
    return rows.filter(newest.newer(at="created_at")).count_up_to(MOST_NEW) + shared.count_up_to(MOST_NEW)


@member_required
@require_safe
def choices(request: MemberRequest) -> HttpResponse:
    """Owners, connections, models and dates to filter by: a page of its own, or the inside of the popover."""
    member = request.member
    filters = Filters.from_query(request.GET)
    seen = Generation.objects.in_workspace(member.workspace.pk).arms_for(member.user.pk)
    recent = seen.each(lambda rows: rows.only("created_at", "model")).newest(1000)
    context = {
        "filters": filters,
        "connections": Connection.objects.filter(workspace=member.workspace).order_by("name", "id"),
        "models": sorted({row.model for row in recent if row.model}),
        "base_url": base_url(member, filters),
    }
    template = "gallery/_choices.html" if wants_fragment(request) else "gallery/choices.html"
    response = render(request, template, context)
    patch_vary_headers(response, ["HX-Request"])
    return response


@member_required
@require_safe
def people(request: MemberRequest) -> HttpResponse:
    """Whose generations to show: everyone's, one's own, a colleague's; a page of its own, or the inside of the panel."""
    member = request.member
    filters = Filters.from_query(request.GET)
    url = base_url(member, filters)
    colleagues = User.objects.filter(memberships__workspace=member.workspace).exclude(pk=member.user.pk)
    context = {
        "filters": filters,
        "base_url": url,
        "everyone_url": with_query(url, filters.query(owner=None)),
        "mine_url": with_query(url, filters.query(owner="me")),
        "people": [
            (person, with_query(url, filters.query(owner=person.pk))) for person in colleagues.order_by("name", "id")
        ],
    }
    template = "gallery/_people.html" if wants_fragment(request) else "gallery/people.html"
    response = render(request, template, context)
    patch_vary_headers(response, ["HX-Request"])
    return response


def days_of(page: Page, member: Member, *, as_list: bool) -> list[Day]:
    """Group a page's cards by the day they were tracked, in the reader's time zone."""
    today = timezone.localdate()
    slug = member.workspace.slug
    cells = list_cells(page.rows, slug) if as_list else grid_cells(page.rows, slug)
    days = [timezone.localtime(row.created_at).date() for row in page.rows]
    return [
        Day(date=day, is_today=day == today, cells=[cell for _day, cell in group])
        for day, group in groupby(zip(days, cells, strict=True), key=itemgetter(0))
    ]


def list_cells(rows: list[Generation], slug: str) -> list[Cell]:
    cards = cards_of(rows, workspace_slug=slug)
    return [Cell(card=card, is_favourite=row.is_favourite, pk=row.pk) for row, card in zip(rows, cards, strict=True)]


def grid_cells(rows: list[Generation], slug: str) -> list[Cell]:
    cards, stars = card_fragments(rows, workspace_slug=slug), star_fragments(rows, workspace_slug=slug)
    return [
        Cell(card=card, is_favourite=row.is_favourite, pk=row.pk, star=star)
        for row, card, star in zip(rows, cards, stars, strict=True)
    ]


def troubled_connections(member: Member) -> list[Connection]:
    """Connections whose trouble only a person can end; one query."""
    present = Connection.objects.filter(workspace=member.workspace).present()
    refused, broke = present.filter(pause_reason=PauseReason.KEY_REFUSED), present.filter(is_out_of_credit=True)
    return list((refused | broke | present.filter(looks_like_wrong_account=True)).order_by("id")[:3])
