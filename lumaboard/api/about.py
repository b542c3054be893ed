"""Whose token it is, who is in the workspace, and what was done there."""

from __future__ import annotations

from datetime import date
from typing import Any

from ninja import Query, Router, Schema
from pydantic import ConfigDict, Field

from lumaboard.accounts.access import RIGHTS
from lumaboard.accounts.models import Membership
from lumaboard.api.auth import ApiRequest
from lumaboard.api.bodies import Cursor, Text
from lumaboard.api.errors import ApiError
from lumaboard.api.responses import reads
from lumaboard.api.shapes import (
    ActivityPage,
    ConnectionList,
    MemberList,
    MeOut,
    connection_of,
    event_of,
    me_of,
    membership_of,
)
from lumaboard.audit.search import Filters, Log, Place, audiences_of, kinds_within
from lumaboard.connections.models import Connection

router = Router()


@router.get("/me", response=reads(MeOut), url_name="me", tags=["You"], summary="Whose token this is")
def me(request: ApiRequest) -> dict[str, Any]:
    """Works with every scope, so that a program can find out what it may do."""
    return me_of(request.auth, sorted(right for right in RIGHTS if request.auth.may(right)))


@router.get("/members", response=reads(MemberList), url_name="members", tags=["Workspace"], summary="List members")
def members(request: ApiRequest) -> dict[str, Any]:
    """Everybody in the workspace, longest here first. Scope: read."""
    request.auth.require("see")
    rows = Membership.objects.filter(workspace=request.auth.workspace).select_related("user")
    return {"items": [membership_of(row) for row in rows.order_by("created_at", "id")]}


@router.get(
    "/connections",
    response=reads(ConnectionList),
    url_name="connections",
    tags=["Workspace"],
    summary="List connections",
)
def connections(request: ApiRequest) -> dict[str, Any]:
    """The workspace's ways to a provider, for tracking with one of them. Scope: read."""
    request.auth.require("see")
    rows = Connection.objects.filter(workspace=request.auth.workspace).present()
    return {"items": [connection_of(row) for row in rows.order_by("name", "id")]}


class ActivityQuery(Schema):
    model_config = ConfigDict(populate_by_name=True)

    person: int | None = Field(None, ge=1, lt=10**18)
    kind: Text = ""
    since: date | None = Field(None, alias="from")
    until: date | None = Field(None, alias="to")
    after: Cursor = ""
    limit: int = Field(50, ge=1, le=100)


@router.get("/activity", response=reads(ActivityPage), url_name="activity", tags=["Workspace"], summary="List activity")
def activity(request: ApiRequest, query: Query[ActivityQuery]) -> dict[str, Any]:
    """Who did what, newest first. With the scope admin also what was done to people, keys and settings. Scope: read."""
    request.auth.require("see")
    member = request.auth
    audiences = audiences_of(member.user.pk, sees_admins=member.may("see_audit"))
    if query.kind and query.kind not in kinds_within(audiences):
        raise ApiError(422, fields=[("query.kind", f"One of: {', '.join(kinds_within(audiences))}")])
    filters = Filters(person=query.person, kind=query.kind, since=query.since, until=query.until)
    log = Log(workspace_id=member.workspace.pk, audiences=audiences, filters=filters)
    found = log.newest(query.limit + 1, after=Place.parse(query.after))
    page = found[: query.limit]
    return {
        "items": [event_of(row) for row in page],
        "next": str(Place.of(page[-1])) if len(found) > len(page) else None,
    }
