"""Fill a workspace with generations that look lived in: for trying things out, and for measuring with a million rows.

Rows are spread over owners, models, connections, states and dates; ids rise with time, as they do in real life. Nothing
is random, so two seeded installations hold the same.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import connection as database
from django.db import models, transaction

from lumaboard.audit.models import AuditEvent
from lumaboard.audit.operations import record
from lumaboard.audit.verbs import AUDIENCES, VERBS
from lumaboard.connections.models import Connection
from lumaboard.generations.counts import Cell, add_counts, buckets_of, cells_of, raise_seq
from lumaboard.generations.models import (
    Asset,
    AssetRole,
    Attention,
    Cause,
    CopyState,
    FailureKind,
    Generation,
    State,
    Transition,
)
from lumaboard.ops.demo_files import Clip
from lumaboard.ops.demo_words import MODELS, prompt

CHUNK = 20_000
SPAN = timedelta(days=400)
MOST_PENDING = 12
MOST_WITH_PICTURES = 20_000
"""The newest so many have poster and card; older ones keep their film, and show their first frame's place."""


Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Cast:
    """Whose generations they are, and where they came from."""

    workspace_id: int
    owner_ids: Sequence[int]
    live: Connection
    former: Connection
    clips: Sequence[Clip]


def seed(cast: Cast, rows: int, *, now: datetime, say: Callable[[int], None]) -> None:
    """Add so many generations, oldest first; each chunk is one transaction with its transitions, files and counts."""
    already = Generation.objects.filter(workspace_id=cast.workspace_id).count()
    for start in range(0, rows, CHUNK):
        numbers = range(start, min(start + CHUNK, rows))
        with transaction.atomic():
            _seed_chunk(cast, [_generation(cast, n, rows, already + n, now) for n in numbers])
        say(numbers.stop)


def _seed_chunk(cast: Cast, generations: list[Row]) -> None:
    seq = raise_seq(cast.workspace_id)  # from here on nobody else adds rows to this workspace
    last = Generation.objects.filter(workspace_id=cast.workspace_id).aggregate(last=models.Max("pk"))["last"] or 0
    changes: Counter[Cell] = Counter()
    for row in generations:
        row["seq"] = seq
        changes.update(_cells(row))
    _insert_generations(generations)
    _insert_transitions(cast.workspace_id, last)
    for clip in cast.clips:
        _insert_assets(cast.workspace_id, last, clip)
    _insert_audit_rows(cast.workspace_id, last)
    add_counts(cast.workspace_id, changes)
    record("track", workspace_id=cast.workspace_id, actor_id=None, generation_count=len(generations), is_demo=True)


def _cells(row: Row) -> frozenset[Cell]:
    buckets = buckets_of(
        state=row["state"],
        copy_state=row.get("copy_state", CopyState.NONE.value),
        attention=row.get("attention", ""),
        is_trashed=row["trashed_at"] is not None,
    )
    return cells_of(buckets, private_to=None)


def _generation(cast: Cast, number: int, rows: int, serial: int, now: datetime) -> Row:
    """Make the row of this number, 0 being the oldest; columns that are not named keep the model's defaults."""
    draw = serial * 2_654_435_761 % 1000  # spreads neighbours apart
    age = (rows - number) / rows
    created_at = now - SPAN * age**2 - timedelta(seconds=rows - number)
    clip = cast.clips[draw % len(cast.clips)]
    row: Row = {
        "workspace_id": cast.workspace_id,
        "connection_id": cast.live.pk if draw % 3 else cast.former.pk,
        "created_by_id": cast.owner_ids[draw % len(cast.owner_ids)],
        "task_id": str(UUID(int=(cast.workspace_id << 64) + serial, version=4)),
        "created_at": created_at,
        "prompt": prompt(serial),
        "model": MODELS[draw % len(MODELS)],
        "aspect_ratio": clip.aspect_ratio,
        "resolution": "720p",
        "upstream_created_at": created_at,
        "trashed_at": created_at + timedelta(hours=1) if draw % 100 == 37 else None,
        "usual_low_s": 40,
        "usual_high_s": 110,
        "usual_p90_s": 100,
    }
    if rows - number <= MOST_PENDING:
        return row | _pending(cast, draw, created_at, now)
    row["running_at"] = created_at + timedelta(seconds=5)
    row["settled_at"] = created_at + timedelta(seconds=40 + draw % 70)
    if draw % 16 == 5:
        return row | _failed(draw)
    return row | _succeeded(clip, draw, has_pictures=rows - number <= MOST_WITH_PICTURES)


def _pending(cast: Cast, draw: int, created_at: datetime, now: datetime) -> Row:
    """The newest are still under way; only the simulator is ever asked about them."""
    row: Row = {"connection_id": cast.live.pk, "next_refresh_at": now, "trashed_at": None}
    if draw % 2:
        return row | {"state": State.RUNNING.value, "upstream_state": "dreaming", "running_at": created_at}
    return row | {"state": State.QUEUED.value}


def _failed(draw: int) -> Row:
    is_moderated = draw % 3 > 0
    return {
        "state": State.FAILED.value,
        "upstream_state": "failed",
        "failure_kind": (FailureKind.MODERATION if is_moderated else FailureKind.PROVIDER).value,
        "failure_reason": "Advanced moderation failed"
        if is_moderated
        else "The model could not finish this generation",
    }


def _succeeded(clip: Clip, draw: int, *, has_pictures: bool) -> Row:
    row: Row = {"state": State.SUCCEEDED.value, "upstream_state": "completed"}
    if draw % 50 == 3:
        reason = "The link had expired before the file could be copied."
        return row | {"copy_state": CopyState.LOST.value, "attention": Attention.LOST.value, "copy_error": reason}
    return row | {
        "copy_state": CopyState.ARCHIVED.value,
        "copied_bytes": clip.film.size,
        "total_bytes": clip.film.size,
        "width": clip.width,
        "height": clip.height,
        "duration_s": clip.duration_s,
        "has_poster": has_pictures,
    }


def _columns(model: type[models.Model]) -> dict[str, models.Field[Any, Any]]:
    return {str(field.column): field for field in model._meta.concrete_fields if not field.primary_key}


def _prepared(row: models.Model) -> Row:
    """What the database is given for this row, by column."""
    return {
        column: field.get_db_prep_save(getattr(row, field.attname), connection=database)
        for column, field in _columns(type(row)).items()
    }


def _insert_generations(rows: Sequence[Row]) -> None:
    """Insert by one prepared statement: many times as fast as `bulk_create`, which makes an object and a long statement."""
    blank = _prepared(Generation())
    quote, adapt = database.ops.quote_name, database.ops.adapt_datetimefield_value
    columns, places = ", ".join(map(quote, blank)), ", ".join(["%s"] * len(blank))
    for row in rows:
        row.update({column: adapt(value) for column, value in row.items() if type(value) is datetime})
    with database.cursor() as cursor:
        cursor.executemany(
            f"INSERT INTO {quote(Generation._meta.db_table)} ({columns}) VALUES ({places})",  # noqa: S608  (our own names)
            [tuple((blank | row).values()) for row in rows],
        )


def _insert_transitions(workspace_id: int, after: int) -> None:
    """Every generation was tracked, most ran, and the settled ones settled: as `track` and `apply` would have noted it."""
    steps: list[tuple[int, object, object, str, str]] = [
        (1, "", State.QUEUED, "created_at", "TRUE"),
        (2, State.QUEUED, State.RUNNING, "running_at", "running_at IS NOT NULL"),
        (3, State.RUNNING, None, "settled_at", "settled_at IS NOT NULL"),
    ]
    for number, from_state, to_state, at, condition in steps:
        cause = Cause.TRACKED if number == 1 else Cause.REFRESH
        values = {"number": number, "from_state": str(from_state), "upstream_state": "", "cause": cause.value}
        copied = {"generation_id": "id", "at": at}
        if to_state is None:
            copied["to_state"] = "state"
        else:
            values["to_state"] = str(to_state)
        _insert_from_generations(Transition, values, copied, workspace_id, after, condition, [])


def _insert_assets(workspace_id: int, after: int, clip: Clip) -> None:
    """The kept films and pictures: equal files are shared, as they are between real copies."""
    kept = "copy_state = %s AND aspect_ratio = %s"
    for role, file in clip.files():
        asset = Asset(
            role=role,
            copy_state=CopyState.ARCHIVED,
            links=[],
            sha256=file.sha256,
            stored_name=file.name,
            content_type=file.content_type,
            size=file.size,
            copied_bytes=file.size,
            total_bytes=file.size,
            width=file.width,
            height=file.height,
            duration_s=clip.duration_s if role == AssetRole.RAW else None,
        )
        copied = {"generation_id": "id", "archived_at": "settled_at"}
        values = {column: value for column, value in _prepared(asset).items() if column not in copied}
        condition = kept if role == AssetRole.RAW else f"{kept} AND has_poster"
        parameters = [CopyState.ARCHIVED.value, clip.aspect_ratio]
        _insert_from_generations(Asset, values, copied, workspace_id, after, condition, parameters)


def _insert_audit_rows(workspace_id: int, after: int) -> None:
    """What lies in the trash was thrown there by its owner."""
    copied = {"target_id": "id", "actor_id": "created_by_id", "at": "trashed_at"}
    kind = VERBS["trash"].kind
    event = AuditEvent(
        workspace_id=workspace_id, verb="trash", kind=kind, audience=AUDIENCES[kind], target_kind="generation"
    )
    values = {column: value for column, value in _prepared(event).items() if column not in copied}
    _insert_from_generations(AuditEvent, values, copied, workspace_id, after, "trashed_at IS NOT NULL", [])


def _insert_from_generations(
    model: type[models.Model],
    values: dict[str, Any],
    copied: dict[str, str],
    workspace_id: int,
    after: int,
    condition: str,
    parameters: list[str],
) -> None:
    """Insert one row for each new generation that meets the condition: fixed values, and columns copied from it."""
    quote = database.ops.quote_name
    columns = ", ".join(quote(column) for column in (*values, *copied))
    chosen = ", ".join([*["%s"] * len(values), *(quote(column) for column in copied.values())])
    with database.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {quote(model._meta.db_table)} ({columns}) SELECT {chosen} "  # noqa: S608  (our own names)
            f"FROM {quote(Generation._meta.db_table)} WHERE workspace_id = %s AND id > %s AND {condition}",
            [*values.values(), workspace_id, after, *parameters],
        )
