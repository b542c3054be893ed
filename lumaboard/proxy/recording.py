"""What passes by is written down; where that fails, it passes all the same."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime

from django.db import DatabaseError, close_old_connections

from lumaboard.accounts.access import Member
from lumaboard.connections.models import Connection
from lumaboard.generations.models import Act
from lumaboard.generations.operations import Wanted, track
from lumaboard.upstream.types import Snapshot

logger = logging.getLogger(__name__)


def catch(connection: Connection, task_id: str, snapshot: Snapshot, *, member: Member, act: Act, now: datetime) -> None:
    """Track what a program asked for or had made; twice is once."""
    wanted = Wanted(
        task_id=task_id,
        prompt=snapshot.prompt or "",
        model=snapshot.model or "",
        aspect_ratio=snapshot.aspect_ratio or "",
        resolution=snapshot.resolution or "",
        request=snapshot.request,
    )
    track(connection, [wanted], created_by_id=member.user.pk, act=act, now=now)


def recording(what: str, write: Callable[[], object]) -> None:
    """Write something down. Where the database refuses, the program gets its answer all the same, and the log says so."""
    try:
        write()
    except (DatabaseError, ValueError):  # the second is what drivers raise over text that no column holds
        logger.exception("What the provider said about %s could not be recorded.", what)
        close_old_connections()
