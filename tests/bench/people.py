"""A workspace to measure in, and somebody who is signed in to it."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import timedelta
from importlib import import_module

from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.db import connection
from django.utils import timezone

from lumaboard.accounts.models import Membership, Workspace
from lumaboard.connections.models import Connection
from lumaboard.generations.counters import Beat
from lumaboard.generations.counts import Bucket, Cell, add_counts
from lumaboard.generations.models import Generation
from tests.factories import make_connection, make_member

GENEROUS = 600_000.0
"""Calls a minute: no budget should be what is measured."""


_AGE = timedelta(hours=30)
"""Of pending generations: old enough to be asked every ten minutes, so that none comes up twice while it is measured."""


@dataclass(frozen=True, slots=True)
class Place:
    membership: Membership
    connection: Connection
    cookie: str

    @property
    def workspace(self) -> Workspace:
        return self.membership.workspace


def make_place(*, base_url: str = "http://127.0.0.1:1") -> Place:
    membership = make_member("Alice Adams")
    upstream = make_connection(
        membership.workspace, base_url=base_url, allowance_per_minute=GENEROUS, calls_left=GENEROUS / 10
    )
    return Place(membership, upstream, sign_in(membership))


def sign_in(membership: Membership) -> str:
    """Begin a session and return its cookie, without the deliberate slowness of a password."""
    session = import_module(settings.SESSION_ENGINE).SessionStore()
    session[SESSION_KEY] = str(membership.user.pk)
    session[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
    session[HASH_SESSION_KEY] = membership.user.get_session_auth_hash()
    session.create()
    return f"{settings.SESSION_COOKIE_NAME}={session.session_key}"


def pretend_that_the_worker_runs() -> None:
    """Else every page carries the banner that says it does not."""
    now = timezone.now()
    Beat.objects.update_or_create(name="tick", defaults={"due_at": now, "beaten_at": now + timedelta(hours=1)})


def make_pending(place: Place, count: int, *, due_in: timedelta = timedelta(0)) -> list[int]:
    """Add queued generations that are due after so long, and return their keys."""
    now = timezone.now()
    first = Generation.objects.create(
        workspace=place.workspace,
        connection=place.connection,
        task_id=f"bench-{secrets.token_hex(4)}-0",
        created_at=now - _AGE,
        next_refresh_at=now + due_in,
        prompt="A lighthouse above breaking waves",
    )
    _repeat(first, count - 1)
    add_counts(place.workspace.pk, {Cell(None, Bucket.QUEUED): count})
    rows = Generation.objects.filter(connection=place.connection, pk__gte=first.pk)
    return list(rows.order_by("pk").values_list("pk", flat=True))


def _repeat(row: Generation, times: int) -> None:
    """Let the database itself copy this row, each copy with a task id of its own: fast enough for a hundred thousand."""
    quote = connection.ops.quote_name
    columns = [field.column or "" for field in Generation._meta.concrete_fields if not field.primary_key]
    values = [f"{quote(column)} || number" if column == "task_id" else quote(column) for column in columns]
    table = quote(Generation._meta.db_table)
    with connection.cursor() as cursor:
        cursor.execute(
            "WITH RECURSIVE series(number) AS (SELECT 1 UNION ALL SELECT number + 1 FROM series WHERE number < %s) "
            f"INSERT INTO {table} ({', '.join(map(quote, columns))}) SELECT {', '.join(values)} "
            f"FROM {table} CROSS JOIN series WHERE id = %s AND number <= %s",
            [times, row.pk, times],
        )
