"""Begin a walk, and stop it. Each act is one transaction; who may is asked by the view before."""

from __future__ import annotations

from datetime import datetime

from django.db import IntegrityError, transaction

from lumaboard.audit.operations import record
from lumaboard.connections.models import Connection
from lumaboard.core.queue import enqueue
from lumaboard.past.models import Met, Walk, WalkState


class NotPossible(Exception):
    """The connection is walked through already."""


def look(connection: Connection, *, actor_id: int, now: datetime) -> Walk:
    """Begin to count what the list holds; nothing is brought in. Raises `NotPossible`."""
    return _begin(connection, "past.looked", is_dry=True, is_private=False, actor_id=actor_id, now=now)


def bring_in(connection: Connection, *, is_private: bool, actor_id: int, now: datetime) -> Walk:
    """Begin to track everything the list holds. Raises `NotPossible`.

    What was shown of the list before is forgotten: part of it may be somebody's private work from now on.
    """
    with transaction.atomic():
        walk = _begin(connection, "past.begun", is_dry=False, is_private=is_private, actor_id=actor_id, now=now)
        Walk.objects.filter(connection=connection).update(sample=[])
    return walk


def cancel(connection: Connection, *, actor_id: int, now: datetime) -> bool:
    """Stop the walk through this connection; what it brought in stays. False where none is under way."""
    walk = Walk.objects.filter(connection=connection, state=WalkState.WALKING).first()
    if walk is None:
        return False
    with transaction.atomic():
        if not end(walk, WalkState.CANCELLED, now=now):
            return False
        record("past.cancelled", workspace_id=walk.workspace_id, actor_id=actor_id, target=connection)
    return True


def end(walk: Walk, state: WalkState, *, why: str = "", now: datetime) -> bool:
    """Write down that a walk is over, and forget what it met; of all who would end it, one gets True."""
    with transaction.atomic():
        going = Walk.objects.filter(pk=walk.pk, state=WalkState.WALKING)
        if not going.update(state=state, ended_at=now, error_text=why[:400], lease=""):
            return False
        Met.objects.filter(walk=walk).delete()
    return True


def _begin(connection: Connection, verb: str, *, is_dry: bool, is_private: bool, actor_id: int, now: datetime) -> Walk:
    try:
        with transaction.atomic():
            walk = Walk.objects.create(
                workspace_id=connection.workspace_id,
                connection=connection,
                started_by_id=actor_id,
                is_dry=is_dry,
                is_private=is_private,
                started_at=now,
                next_step_at=now,
            )
            record(verb, workspace_id=connection.workspace_id, actor_id=actor_id, target=connection)
            enqueue("lumaboard.past.jobs.walk")
    except IntegrityError:  # of two who begin at once, one does
        raise NotPossible from None
    return walk
