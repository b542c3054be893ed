"""Generations: find, track, rename, throw away, bring back, ask again."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Literal

from django.shortcuts import get_object_or_404
from django.utils import timezone
from ninja import Query, Router, Schema, Status
from pydantic import ConfigDict, Field, StringConstraints

from lumaboard.accounts.access import Member
from lumaboard.api.auth import ApiRequest
from lumaboard.api.bodies import Cursor, RowId, Text
from lumaboard.api.errors import ApiError
from lumaboard.api.finding import connection_named
from lumaboard.api.responses import reads, writes
from lumaboard.api.shapes import (
    GenerationOut,
    GenerationPage,
    TrackResult,
    TransitionList,
    generation_of,
    transition_of,
)
from lumaboard.connections.models import Connection
from lumaboard.generations import operations
from lumaboard.generations.models import Generation, State
from lumaboard.generations.operations import Wanted
from lumaboard.generations.paging import keyset_page
from lumaboard.generations.paste import read
from lumaboard.generations.search import Filters, rows_for_gallery
from lumaboard.news.batches import gather

router = Router(tags=["Generations"])
MOST_TRACKED = 1000


class GenerationQuery(Schema):
    model_config = ConfigDict(populate_by_name=True)

    state: Literal["", "in-progress", "ready", "failed", "attention", "saving"] = ""
    owner: RowId | Literal["me"] | None = Field(None, description="A member's id, or `me`")
    connection: RowId | None = None
    model: Text = Field("", max_length=80)
    since: date | None = Field(None, alias="from")
    until: date | None = Field(None, alias="to")
    q: Text = Field("", max_length=200, description="Words, or beginnings of words, of prompt, title and ids")
    favourites: bool = Field(False, description="Only what you have starred")
    trash: bool = False
    after: Cursor = ""
    limit: int = Field(50, ge=1, le=100)


class TrackIn(Schema):
    """Ids, or any text that holds some: addresses, logs, JSON, CSV."""

    ids: list[Annotated[Text, StringConstraints(min_length=1, max_length=191)]] = Field([], max_length=MOST_TRACKED)
    text: Text = Field("", max_length=500_000)
    connection: RowId | None = Field(None, description="Needed only where the workspace has several")
    is_private: bool = False
    is_dry_run: bool = False


class RenameIn(Schema):
    title: Text = Field(max_length=200, description="Empty: the prompt is shown again")


@router.get("/generations", response=reads(GenerationPage), url_name="generations", summary="List generations")
def list_generations(request: ApiRequest, query: Query[GenerationQuery]) -> dict[str, Any]:
    """Newest first, with the gallery's filters. Rows that come in meanwhile move no page. Scope: read."""
    member = request.auth
    member.require("see")
    filters = Filters(
        state="" if query.trash else query.state,
        owner=query.owner,
        connection=query.connection,
        model=query.model.strip(),
        since=query.since,
        until=query.until,
        words=query.q.strip(),
        is_favourites=query.favourites,
        is_trash=query.trash,
    )
    rows = rows_for_gallery(member.workspace.pk, filters, seen_by=member.user.pk)
    page = keyset_page(rows, after=query.after, before="", size=query.limit)
    return {"items": [generation_of(row) for row in page.rows], "next": page.older or None}


@router.post("/generations/track", response=writes(TrackResult), url_name="track", summary="Track generations")
def track(request: ApiRequest, payload: TrackIn) -> dict[str, Any]:
    """Begin to watch generations by their ids at the provider; twice is once. A dry run changes nothing. Scope: track."""
    member = request.auth
    member.require("track")
    connection = connection_named(member, payload.connection)
    wanted, unreadable = _wanted(payload)
    before = _known(member, connection, wanted)
    if not payload.is_dry_run:
        now = timezone.now()
        tracked = operations.track(
            connection,
            wanted.values(),
            created_by_id=member.user.pk,
            is_private=payload.is_private,
            now=now,
        )
        gather(
            member.workspace.pk,
            tracked.created,
            created_by_id=member.user.pk,
            is_private=payload.is_private,
            now=now,
        )
    after = before if payload.is_dry_run else _known(member, connection, wanted)
    told = [{"task_id": task_id, "id": after.get(task_id)} for task_id in wanted]
    return {
        "is_dry_run": payload.is_dry_run,
        "connection": {"id": connection.pk, "name": connection.name},
        "new": [one for one in told if one["task_id"] not in before],
        "known": [one for one in told if one["task_id"] in before],
        "unreadable": unreadable,
    }


@router.get("/generations/{row:pk}", response=reads(GenerationOut), url_name="generation", summary="Get a generation")
def get_generation(request: ApiRequest, pk: int) -> dict[str, Any]:
    """Scope: read."""
    request.auth.require("see")
    return generation_of(visible(request.auth, pk))


@router.patch("/generations/{row:pk}", response=writes(GenerationOut), url_name="generation", summary="Rename")
def rename(request: ApiRequest, pk: int, payload: RenameIn) -> dict[str, Any]:
    """Scope: track; with the scope admin also what others made."""
    row = changeable(request.auth, pk)
    operations.rename(row, " ".join(payload.title.split()), actor_id=request.auth.user.pk, now=timezone.now())
    return generation_of(row)


@router.delete(
    "/generations/{row:pk}", response=writes(None, ok=204), url_name="generation", summary="Move to the trash"
)
def delete(request: ApiRequest, pk: int) -> Status[None]:
    """It can be brought back. Twice is once. Scope: track; with the scope admin also what others made."""
    operations.trash([changeable(request.auth, pk)], actor_id=request.auth.user.pk, now=timezone.now())
    return Status(204, None)


@router.post(
    "/generations/{row:pk}/restore",
    response=writes(GenerationOut),
    url_name="restore",
    summary="Bring back from the trash",
)
def restore(request: ApiRequest, pk: int) -> dict[str, Any]:
    """Twice is once. Scope: track; with the scope admin also what others made."""
    operations.restore([changeable(request.auth, pk)], actor_id=request.auth.user.pk, now=timezone.now())
    return generation_of(visible(request.auth, pk))


@router.post(
    "/generations/{row:pk}/refresh", response=writes(GenerationOut), url_name="refresh", summary="Ask the provider now"
)
def refresh(request: ApiRequest, pk: int) -> dict[str, Any]:
    """Asks once more about one that failed, and leaves one that is ready as it is. The answer comes before the provider's: get
    the generation again. Scope: track; with admin also what others made."""
    row = changeable(request.auth, pk)
    operations.check_now(row, actor_id=request.auth.user.pk, now=timezone.now(), may_reopen=row.state == State.FAILED)
    return generation_of(visible(request.auth, pk))


@router.get(
    "/generations/{row:pk}/transitions",
    response=reads(TransitionList),
    url_name="transitions",
    summary="List what became of a generation",
)
def transitions(request: ApiRequest, pk: int) -> dict[str, Any]:
    """Every observed change of state, oldest first. Scope: read."""
    request.auth.require("see")
    row = visible(request.auth, pk)
    return {"items": [transition_of(one) for one in row.transitions.order_by("number")]}


def visible(member: Member, pk: int) -> Generation:
    """The generation, if this member sees it; else 404."""
    rows = Generation.objects.in_workspace(member.workspace.pk).visible_to(member.user.pk)
    return get_object_or_404(rows.with_people(), pk=pk)


def changeable(member: Member, pk: int) -> Generation:
    """The generation, if this member sees it and may change it; else 404 or 403."""
    member.require("change_own")
    row = visible(member, pk)
    member.require_change(row.created_by_id)
    return row


def _wanted(payload: TrackIn) -> tuple[dict[str, Wanted], list[str]]:
    """What to track, by task id, and what of the ids is none."""
    wanted: dict[str, Wanted] = {}
    unreadable = []
    for one in payload.ids:
        if found := read(one).found:
            wanted[found[0].task_id] = Wanted(found[0].task_id)
        else:
            unreadable.append(one)
    for item in read(payload.text).found if payload.text else ():
        wanted.setdefault(item.task_id, Wanted(item.task_id, prompt=item.prompt[:10_000]))
    if len(wanted) > MOST_TRACKED:
        raise ApiError(422, fields=[("body.text", f"It holds more than {MOST_TRACKED} ids.")])
    if not wanted and not unreadable:
        raise ApiError(422, fields=[("body.ids", "There is no id here.")])
    return wanted, unreadable


def _known(member: Member, connection: Connection, wanted: dict[str, Wanted]) -> dict[str, int | None]:
    """Those that are here already, without the id where it is a colleague's private one; one query per 500."""
    task_ids = list(wanted)
    found: dict[str, int | None] = {}
    for start in range(0, len(task_ids), 500):
        rows = Generation.objects.filter(connection=connection, task_id__in=task_ids[start : start + 500])
        for pk, task_id, is_private, owner in rows.values_list("pk", "task_id", "is_private", "created_by"):
            found[task_id] = pk if not is_private or owner == member.user.pk else None
    return found
