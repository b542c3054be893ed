"""The page on which an admin brings in the past of a connection: look, bring in, watch, stop."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from lumaboard.accounts.access import MemberRequest
from lumaboard.connections.models import Connection
from lumaboard.connections.panels import standing_of
from lumaboard.connections.views import manager_required
from lumaboard.past import operations
from lumaboard.past.models import Walk
from lumaboard.past.operations import NotPossible
from lumaboard.upstream.client import KINDS_WITH_LIST


@require_safe
@manager_required
def index(request: MemberRequest, pk: int) -> HttpResponse:
    """How the last walk through this connection's list stands, and what can be done now."""
    return render(request, "past/page.html", _context(request, _connection(request, pk)))


@require_safe
@manager_required
def progress(request: MemberRequest, pk: int) -> HttpResponse:
    """The same as a fragment, which asks for itself again as long as the walk goes on."""
    return render(request, "past/_walk.html", _context(request, _connection(request, pk)))


@require_POST
@manager_required
def look(request: MemberRequest, pk: int) -> HttpResponse:
    """Begin the dry run."""
    connection = _connection(request, pk)
    if connection.kind in KINDS_WITH_LIST:
        try:
            operations.look(connection, actor_id=request.member.user.pk, now=timezone.now())
        except NotPossible:
            _say_under_way(request)
    return _back(request, pk)


@require_POST
@manager_required
def bring_in(request: MemberRequest, pk: int) -> HttpResponse:
    """Begin to bring in, for everybody or for oneself alone."""
    connection = _connection(request, pk)
    if connection.kind in KINDS_WITH_LIST:
        is_private = "is_private" in request.POST
        try:
            operations.bring_in(connection, is_private=is_private, actor_id=request.member.user.pk, now=timezone.now())
        except NotPossible:
            _say_under_way(request)
    return _back(request, pk)


@require_POST
@manager_required
def cancel(request: MemberRequest, pk: int) -> HttpResponse:
    if operations.cancel(_connection(request, pk), actor_id=request.member.user.pk, now=timezone.now()):
        messages.success(request, _("Stopped. What was brought in stays."))
    return _back(request, pk)


def _connection(request: MemberRequest, pk: int) -> Connection:
    return get_object_or_404(Connection.objects.present().filter(workspace=request.member.workspace), pk=pk)


def _context(request: MemberRequest, connection: Connection) -> Mapping[str, Any]:
    walk = Walk.objects.filter(connection=connection).select_related("started_by").order_by("-id").first()
    is_own = walk is not None and walk.started_by_id == request.member.user.pk
    return {
        "connection": connection,
        "has_list": connection.kind in KINDS_WITH_LIST,
        "standing": standing_of(connection, now=timezone.now()),
        "walk": walk,
        "sample": [_shown(one) for one in walk.sample] if walk is not None and is_own else [],
    }


def _shown(one: Mapping[str, str]) -> Mapping[str, Any]:
    return {"prompt": one["prompt"], "made_at": datetime.fromisoformat(one["made_at"]) if one["made_at"] else None}


def _say_under_way(request: MemberRequest) -> None:
    messages.info(request, _("The provider’s list is being read already."))


def _back(request: MemberRequest, pk: int) -> HttpResponse:
    return redirect("past:index", request.member.workspace.slug, pk)
