"""The activity page: who did what in the workspace, and the same as a table for other programs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from itertools import groupby

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.http import HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.cache import patch_vary_headers
from django.utils.http import content_disposition_header
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe
from django_htmx.http import replace_url

from lumaboard.accounts.access import Member, MemberRequest, member_required
from lumaboard.accounts.models import Membership, User
from lumaboard.audit.models import AuditEvent
from lumaboard.audit.operations import record
from lumaboard.audit.search import Filters, Log, Place, audiences_of, kinds_within
from lumaboard.audit.verbs import Kind
from lumaboard.core.htmx import wants_fragment
from lumaboard.core.http import whole_number
from lumaboard.gallery.export import csv_of
from lumaboard.gallery.filterbar import ActiveFilter, day_of, with_query
from lumaboard.gallery.sentences import Line, lines_of

PAGE_SIZE = 50
MOST_PAGES = 10
"""So many pages can be loaded one below the other; older ones are pages of their own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """The lines of one day, under one heading."""

    date: date
    is_today: bool
    lines: Sequence[Line]


@dataclass(frozen=True, slots=True, kw_only=True)
class KindLink:
    name: str
    url: str
    is_current: bool


@member_required
@require_safe
def index(request: MemberRequest) -> HttpResponse:
    """What was done, newest first; htmx gets the next page of lines alone."""
    log = _log(request)
    after = Place.parse(request.GET.get("after", ""))
    is_more = after is not None and wants_fragment(request)
    pages = min(max(whole_number(request.GET.get("pages", "")) or 1, 1), MOST_PAGES)
    size = PAGE_SIZE if is_more else PAGE_SIZE * pages
    found = log.newest(size + 1, after=after)
    start = Place.parse(request.GET.get("start", "")) if is_more else after
    context = {
        "days": _days(lines_of(found[:size], request.member)),
        "older": str(Place.of(found[size - 1])) if len(found) > size else "",
        "filters": log.filters,
        "base_url": _url(request.member, "activity"),
        "start": start or "",
        "pages": pages,
        "loads_more": pages < MOST_PAGES,
    }
    if is_more and after is not None:
        context["continued_day"] = timezone.localtime(after.at).date()
        response = render(request, "gallery/_activity_more.html", context)
        replace_url(response, _open_address(request.member, log.filters, start, pages))
    else:
        context |= {
            "kinds": _kind_links(log.filters, request.member),
            "active": _active_filters(log.filters, request.member),
            "is_first_page": after is None,
            "may_export": request.member.may("export"),
        }
        response = render(request, "gallery/activity.html", context)
    patch_vary_headers(response, ["HX-Request"])
    return response


@member_required
@require_safe
def choices(request: MemberRequest) -> HttpResponse:
    """People and dates to filter by: a page of its own, or the inside of the popover."""
    context = {
        "filters": _log(request).filters,
        "people": _people(request.member),
        "base_url": _url(request.member, "activity"),
    }
    template = "gallery/_activity_choices.html" if wants_fragment(request) else "gallery/activity_choices.html"
    response = render(request, template, context)
    patch_vary_headers(response, ["HX-Request"])
    return response


@member_required
@require_safe
def export(request: MemberRequest) -> HttpResponseBase:
    """Hand out every row that the filters show as CSV; that it was done is recorded first, and not part of it."""
    member = request.member
    member.require("export")
    name = f"{member.workspace.slug}-activity-{timezone.localdate():%Y-%m-%d}.csv"
    response: HttpResponseBase
    if request.method == "HEAD":
        response = HttpResponse()
    else:
        log = _log(request)
        with transaction.atomic():
            noted = record(
                "activity.exported",
                workspace_id=member.workspace.pk,
                actor_id=member.user.pk,
                filters=log.filters.query(),
            )
        response = StreamingHttpResponse(csv_of(log, member, before=Place.of(noted)))
    response.headers["Content-Type"] = "text/csv; charset=utf-8"
    response.headers["Content-Disposition"] = str(content_disposition_header(True, name))
    return response


def _log(request: MemberRequest) -> Log:
    member = request.member
    return Log(
        workspace_id=member.workspace.pk,
        audiences=_audiences(member),
        filters=Filters.from_query(request.GET, kinds=_kinds(member)),
    )


def _audiences(member: Member) -> Sequence[str]:
    return audiences_of(member.user.pk, sees_admins=member.may("see_audit"))


def _kinds(member: Member) -> Sequence[Kind]:
    return kinds_within(_audiences(member))


def _days(lines: Sequence[Line]) -> list[Day]:
    today = timezone.localdate()
    days = groupby(lines, key=lambda line: line.at.date())
    return [Day(date=day, is_today=day == today, lines=list(group)) for day, group in days]


def _kind_links(filters: Filters, member: Member) -> list[KindLink]:
    base = _url(member, "activity")
    return [
        KindLink(name=name, url=with_query(base, filters.query(kind=kind)), is_current=kind == filters.kind)
        for kind, name in [("", _("All")), *((kind.value, str(kind.label)) for kind in _kinds(member))]
    ]


def _active_filters(filters: Filters, member: Member) -> list[ActiveFilter]:
    """The filters that are set besides the kind, each with the address that drops it."""
    found = []

    def add(name: str, icon: str, **without: None) -> None:
        url = with_query(_url(member, "activity"), filters.query(**without))
        found.append(ActiveFilter(name=name, icon=icon, url=url))

    if filters.person is not None:
        person = _people(member).filter(pk=filters.person).first()
        add(str(person) if person else _("Unknown person"), "user", person=None)
    if filters.since:
        add(_("From %(day)s") % {"day": day_of(filters.since)}, "calendar", since=None)
    if filters.until:
        add(_("Until %(day)s") % {"day": day_of(filters.until)}, "calendar", until=None)
    return found


def _people(member: Member) -> QuerySet[User]:
    """Everybody who is in the workspace, or did something in it that this member may read of; the erased have no name."""
    here = Membership.objects.filter(workspace=member.workspace, user=OuterRef("pk"))
    acted = AuditEvent.objects.filter(workspace=member.workspace, audience__in=_audiences(member), actor=OuterRef("pk"))
    return User.objects.filter(Exists(here) | Exists(acted), erased_at=None).order_by("name", "id")


def _open_address(member: Member, filters: Filters, start: Place | None, pages: int) -> str:
    """The address that opens what is loaded by now, so that Back returns to it."""
    parts = (filters.query(), f"after={start}" if start else "", f"pages={pages}")
    return with_query(_url(member, "activity"), "&".join(part for part in parts if part))


def _url(member: Member, name: str) -> str:
    return reverse(f"gallery:{name}", args=[member.workspace.slug])
