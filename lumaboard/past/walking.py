"""Walk through upstream's list, a page at a time, within the key's budget and behind what is asked for anyway.

A walk is held under a lease while a worker goes on with it. Nothing is asked inside a transaction; what a page brought,
and where to go on, is written in one.
"""

from __future__ import annotations

import random
import secrets
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from time import monotonic, sleep
from typing import Final

from django.db import transaction

from lumaboard.accounts.access import RIGHTS
from lumaboard.accounts.models import Membership
from lumaboard.connections.budget import (
    CIRCUIT_OPENS_AFTER,
    askable,
    circuits,
    full_jitter,
    host_of,
    take_call,
    take_host_probe,
)
from lumaboard.connections.clients import client_for
from lumaboard.connections.keys import KeyUnreadable
from lumaboard.connections.models import Connection
from lumaboard.connections.outcomes import REFUSALS_APART, Book, note_unreadable_key
from lumaboard.generations.counts import raise_seq
from lumaboard.generations.models import Generation
from lumaboard.generations.operations import Wanted, track
from lumaboard.news.hooks.callbacks import cleaned
from lumaboard.past.models import Met, Walk, WalkQuerySet, WalkState
from lumaboard.past.operations import end
from lumaboard.past.pages import MOST_FRUITLESS, PAGE, Place, Step, step_after
from lumaboard.submission.reconcile import may_have_made
from lumaboard.upstream.errors import GenerationNotFound, KeyRefused, RateLimited, RequestRefused, UpstreamError
from lumaboard.upstream.types import Batch, Snapshot

LEASE: Final = timedelta(seconds=60)
"""Outlasts a slice and the exchange that began at its end; a walk whose worker died goes on after it."""

MOST_DUE: Final = 20
"""While more generations than this wait to be asked about, no more are brought in: so nothing that is being made waits
for longer than a page of the past takes."""

MOST_ATTEMPTS: Final = 12
MOST_MET: Final = 200_000
SAMPLE: Final = 6
_LONGEST_PROMPT = 200
_MOMENT = timedelta(seconds=0.5)
_LATER = timedelta(seconds=20)
_LEAST_WAIT, _ERROR_BASE, _ERROR_CAP = timedelta(seconds=2), timedelta(seconds=4), timedelta(minutes=10)
_USUAL_BLOCK_SECONDS = 15.0


def go_on(*, clock: Callable[[], datetime], seconds: float) -> bool:
    """Go on with the walk that has waited longest, for about so long; say whether a walk could go on at once."""
    ends_at = monotonic() + seconds
    walk = _claim(now=clock())
    if walk is None:
        return False
    wait: timedelta | None = timedelta(0)
    while wait is not None and monotonic() + wait.total_seconds() < ends_at:
        sleep(wait.total_seconds())
        wait = _step(walk, clock=clock)
    if wait is not None:
        _held(walk).update(next_step_at=clock() + wait, lease="")
    return Walk.objects.due(clock() + _MOMENT).exists()


class _Lost(Exception):
    """Somebody stopped the walk, or took it over."""


def _claim(*, now: datetime) -> Walk | None:
    lease = secrets.token_hex(16)
    for walk in Walk.objects.due(now).order_by("next_step_at", "pk").select_related("connection")[:5]:
        if Walk.objects.due(now).filter(pk=walk.pk).update(next_step_at=now + LEASE, lease=lease):
            walk.lease = lease
            return walk
    return None


def _held(walk: Walk) -> WalkQuerySet:
    return Walk.objects.filter(pk=walk.pk, lease=walk.lease, state=WalkState.WALKING)


def _step(walk: Walk, *, clock: Callable[[], datetime]) -> timedelta | None:
    """Read one page, if that may be now, and say how long to wait for the next step; None: there is none for us."""
    now = clock()
    if not _held(walk).update(next_step_at=now + LEASE):
        return None
    walk.refresh_from_db()
    connection = Connection.objects.get(pk=walk.connection_id)
    if why := _forbidden(walk, connection):
        end(walk, WalkState.FAILED, why=why, now=now)
        return None
    wait = _obstacle(walk, connection, now=now)
    if wait is not None:
        return wait
    try:
        page = _read(walk, connection, clock=clock)
    except KeyUnreadable as error:
        note_unreadable_key(connection, str(error), now=clock())
        return _LATER
    except UpstreamError as error:
        return _stumble(walk, error, now=clock())
    try:
        return timedelta(0) if _take_up(walk, connection, page, now=clock()) else None
    except _Lost:
        return None


def _forbidden(walk: Walk, connection: Connection) -> str:
    """Say why it may not go on at all; whoever began it has to be somebody who may still."""
    if connection.removed_at is not None:
        return "The connection was removed."
    may = Membership.objects.filter(
        workspace=walk.workspace_id,
        user=walk.started_by_id,
        user__is_active=True,
        workspace__deleted_at=None,
        role__in=RIGHTS["manage_connections"],
    )
    if walk.started_by_id is None or not may.exists():
        return "Whoever began this may not manage connections any more."
    return ""


def _obstacle(walk: Walk, connection: Connection, *, now: datetime) -> timedelta | None:
    """Say how long to wait before anything may be asked; None: a call is ours, to be made now."""
    if not askable(Connection.objects.filter(pk=connection.pk), now).filter(pause_reason="").exists():
        return _LATER
    if not walk.is_dry and Generation.objects.due(now).filter(connection=connection)[: MOST_DUE + 1].count() > MOST_DUE:
        return _MOMENT
    host = circuits([host_of(connection.base_url)]).get(host_of(connection.base_url))
    if host is not None and host.failure_count >= CIRCUIT_OPENS_AFTER and not take_host_probe(host, now=now):
        return _LATER
    return None if take_call(connection, now=now) else _MOMENT


def _read(walk: Walk, connection: Connection, *, clock: Callable[[], datetime]) -> Batch:
    """Ask for the next page, and enter with the key and its host what came of it."""
    client = client_for(connection)
    book, asked_at, started = Book(), clock(), monotonic()
    error: UpstreamError | None = None
    try:
        return client.list_generations(limit=PAGE, offset=walk.offset)
    except UpstreamError as upstream_error:
        error = upstream_error
        raise
    finally:
        heard_at = clock()
        book.add(connection, error, asked_at=asked_at, heard_at=heard_at, seconds=monotonic() - started, is_young=True)
        for workspace_id in sorted(book.write(now=heard_at)):
            raise_seq(workspace_id)


def _stumble(
    walk: Walk, error: UpstreamError, *, now: datetime, draw: Callable[[], float] = random.random
) -> timedelta | None:
    """Say how long to wait after an error; one that will not pass, or comes again and again, ends the walk."""
    if isinstance(error, GenerationNotFound):
        end(walk, WalkState.FAILED, why="This provider has no list of generations.", now=now)
        return None
    attempts = walk.attempts + (0 if isinstance(error, RateLimited) else 1)
    if isinstance(error, RequestRefused) or attempts >= MOST_ATTEMPTS:
        end(walk, WalkState.FAILED, why=str(error), now=now)
        return None
    _held(walk).update(attempts=attempts, error_text=str(error)[:400])
    if isinstance(error, RateLimited):
        return timedelta(seconds=error.retry_after or _USUAL_BLOCK_SECONDS)
    least = REFUSALS_APART + _LEAST_WAIT if isinstance(error, KeyRefused) else _LEAST_WAIT
    return max(least, full_jitter(attempts, base=_ERROR_BASE, cap=_ERROR_CAP, draw=draw()))


def _take_up(walk: Walk, connection: Connection, page: Batch, *, now: datetime) -> bool:
    """Write down what a page brought and where to go on, at once; say whether it goes on. Raises `_Lost`."""
    listed = {one.task_id: cleaned(one, workspace_id=walk.workspace_id) for one in page.snapshots if one.task_id}
    is_awaited = may_have_made(connection)  # before it is seen what is here already
    with transaction.atomic():
        raise_seq(walk.workspace_id)
        row = _held(walk).select_for_update().first()
        if row is None:
            raise _Lost
        met = set(Met.objects.filter(walk=row, task_id__in=listed).values_list("task_id", flat=True))
        place = Place(offset=row.offset, is_closing=row.is_closing, fruitless_count=row.fruitless_count)
        entries = len(page.snapshots) + page.unreadable_count
        step = step_after(place, list(listed), met, entries=entries, has_more=page.has_more)
        if step.is_taken:
            unmet = [one for task_id, one in listed.items() if task_id not in met]
            _bring(row, connection, unmet, is_awaited, now=now)
            if unmet or not listed:  # else the page was counted before
                row.unreadable_count += page.unreadable_count
        if page.total is not None:
            row.total = page.total
        row.offset, row.is_closing, row.fruitless_count = _columns(step.then or place)
        row.attempts, row.error_text = 0, ""
        row.save()
        return not _is_over(row, step, now=now)


def _columns(place: Place) -> tuple[int, bool, int]:
    return place.offset, place.is_closing, place.fruitless_count


def _is_over(row: Walk, step: Step, *, now: datetime) -> bool:
    """End the walk if that was the last page, or if there is no sense in reading on."""
    if step.then is None:
        return end(row, WalkState.DONE, now=now)
    if row.fruitless_count > MOST_FRUITLESS:
        return end(row, WalkState.FAILED, why="The provider's list repeats itself and has no end.", now=now)
    if row.met_count > MOST_MET:
        return end(row, WalkState.FAILED, why=f"The provider's list holds more than {MOST_MET:,} generations.", now=now)
    return False


def _bring(
    row: Walk,
    connection: Connection,
    unmet: Sequence[Snapshot],
    is_awaited: Callable[[Snapshot], bool],
    *,
    now: datetime,
) -> None:
    """Count what was not met before, and track it, unless this only looks. What a request awaits is left to it."""
    ids = [one.task_id for one in unmet if one.task_id]
    known = set(Generation.objects.filter(connection=connection, task_id__in=ids).values_list("task_id", flat=True))
    awaited = {one.task_id for one in unmet if one.task_id not in known and is_awaited(one)}
    new = [one for one in unmet if one.task_id not in known | awaited]
    Met.objects.bulk_create(Met(walk=row, task_id=task_id) for task_id in ids)
    count = len(new)
    if not row.is_dry:
        count = len(_track(row, connection, new, now=now))
    row.new_count += count
    row.awaited_count += len(awaited)
    row.known_count += len(ids) - len(awaited) - count
    moments = [one.created_at for one in new if one.created_at]
    row.oldest_at = min([*moments, *([row.oldest_at] if row.oldest_at else [])], default=None)
    row.newest_at = max([*moments, *([row.newest_at] if row.newest_at else [])], default=None)
    if row.is_dry:
        row.sample = [*row.sample, *map(_shown, new)][:SAMPLE]


def _track(row: Walk, connection: Connection, new: Sequence[Snapshot], *, now: datetime) -> tuple[int, ...]:
    wanted = [
        Wanted(
            task_id=one.task_id or "",
            prompt=one.prompt or "",
            model=one.model or "",
            aspect_ratio=one.aspect_ratio or "",
            resolution=one.resolution or "",
            request=one.request,
            made_at=one.created_at,
        )
        for one in new
    ]
    return track(
        connection,
        wanted,
        created_by_id=row.started_by_id,
        is_private=row.is_private,
        verb="past.brought_in",
        now=now,
    ).created


def _shown(one: Snapshot) -> dict[str, str]:
    made_at = one.created_at.isoformat() if one.created_at else ""
    return {"prompt": (one.prompt or "")[:_LONGEST_PROMPT], "made_at": made_at}
