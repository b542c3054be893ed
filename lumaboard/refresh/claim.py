"""Take due generations under a lease, fairly, within what each key and host allows."""

from __future__ import annotations

import random
import secrets
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection as database
from django.db.models import Exists, OuterRef, Subquery

from lumaboard.connections.budget import (
    CIRCUIT_OPENS_AFTER,
    askable,
    calls_available,
    circuits,
    host_of,
    return_calls,
    take_calls,
    take_host_probe,
    take_key_probe,
)
from lumaboard.connections.models import Connection
from lumaboard.core.bulk import update_rows
from lumaboard.core.transactions import forgettable
from lumaboard.generations.models import Generation
from lumaboard.generations.querysets import CLOCK_SLACK
from lumaboard.refresh.backoff import at_latest, pace, spread

LEASE = timedelta(seconds=60)
"""Outlasts a tick's budget (15 s), the exchange that began at its end (20 s) and the writing. A row whose worker died
becomes due again by itself when it has run out."""

FIRST_TRIES = 20
MOST_CONNECTIONS = 64  # in one claim; the next claim of the same tick takes up the others


# A query set cannot say this: a union of limited selects with locks. The states stand there literally for the index's sake.
_DUE = """SELECT * FROM (
    SELECT * FROM generations_generation
    WHERE connection_id = %s AND state IN ('queued', 'running') AND next_refresh_at <= %s
    ORDER BY next_refresh_at, id LIMIT %s) AS due"""
_DUE_AND_LOCKED = _DUE.replace("LIMIT %s", "LIMIT %s FOR UPDATE SKIP LOCKED")


@dataclass(frozen=True, slots=True)
class Claim:
    """Our right to ask about one generation for a while, and the row as it was when we took it.

    `is_paced` says that the time the claim set is already the one an unchanged answer asks for, so that such an answer
    costs no second write.
    """

    row: Generation
    connection: Connection
    lease: str
    next_refresh_at: datetime
    is_paced: bool


def claim_due(*, now: datetime, limit: int, draw: Callable[[], float] = random.random) -> list[Claim]:
    """Take up to `limit` due rows of connections that may be asked, each connection's oldest first.

    Cost: a handful of statements, however many rows and connections there are. On PostgreSQL rows that somebody else is
    taking are skipped; SQLite has one writer at a time anyway.
    """
    connections = _with_due_rows(now)
    shares = _shares(connections, now=now, limit=limit)
    if not shares:
        return []
    by_id = {connection.pk: connection for connection in connections}
    with forgettable():
        granted = take_calls(shares, now=now)
        rows = _lock_due({pk: calls for pk, calls in granted.items() if calls}, now=now)
        lease = secrets.token_hex(16)
        claims = [claim_of(row, by_id[row.connection_id], lease, now=now, draw=draw) for row in rows]
        update_rows(
            Generation,
            ("next_refresh_at", "lease", "asked_at"),
            [(claim.row.pk, claim.next_refresh_at, lease, now) for claim in claims],
        )
    taken = Counter(claim.connection.pk for claim in claims)
    unused = {pk: calls - taken[pk] for pk, calls in granted.items() if calls > taken[pk]}
    if unused:
        return_calls(unused, now=now)
    return claims


def give_back(claims: Iterable[Claim], *, now: datetime) -> None:
    """Let go of rows that were not asked about: due again at once, their calls back in the bucket."""
    held: dict[str, list[int]] = {}
    calls: Counter[int] = Counter()
    for claim in claims:
        held.setdefault(claim.lease, []).append(claim.row.pk)
        calls[claim.connection.pk] += 1
    for lease, pks in held.items():
        rows = Generation.objects.pending().filter(pk__in=pks, lease=lease)
        rows.exclude(next_refresh_at=None).update(next_refresh_at=now, lease="")
    if calls:
        return_calls(calls, now=now)


def claim_of(row: Generation, connection: Connection, lease: str, *, now: datetime, draw: Callable[[], float]) -> Claim:
    """Set in this row what a claim writes, and give the claim; it holds once that has been written."""
    age = watched_for(row, now)
    wait = spread(pace(age, is_simulated=connection.is_simulated, factor=connection.pace_factor), draw())
    next_refresh_at = at_latest(now, max(wait, LEASE))
    row.next_refresh_at, row.lease, row.asked_at = next_refresh_at, lease, now
    return Claim(row=row, connection=connection, lease=lease, next_refresh_at=next_refresh_at, is_paced=wait >= LEASE)


def watched_for(row: Generation, now: datetime) -> timedelta:
    """Say how old a generation is to us. One of the past, which bears upstream's date, counts as new for its first tries.

    Else one refused answer would put it off for hours, or park it before it was ever heard of.
    """
    is_new = row.is_of_the_past and row.applied_at is None and row.attempts < FIRST_TRIES
    return timedelta(0) if is_new else now - row.created_at


def _with_due_rows(now: datetime) -> list[Connection]:
    """Give the connections that may be asked and have something to ask, longest waiting first."""
    pending = Generation.objects.pending().filter(connection=OuterRef("pk"))
    first = pending.order_by("next_refresh_at").exclude(next_refresh_at=None).values("next_refresh_at")[:1]
    found = askable(Connection.objects.all(), now).annotate(
        first_due_at=Subquery(first), has_lost_rows=Exists(pending.filter(next_refresh_at__gt=now + CLOCK_SLACK))
    )
    lost = [connection.pk for connection in found.filter(has_lost_rows=True).only("pk")]
    if lost:  # times from a clock that was set back since
        rows = Generation.objects.pending().filter(connection__in=lost)
        rows.filter(next_refresh_at__gt=now + CLOCK_SLACK).update(next_refresh_at=now)
    return list(found.filter(first_due_at__lte=now).order_by("first_due_at", "pk"))


def _shares(connections: Sequence[Connection], *, now: datetime, limit: int) -> dict[int, int]:
    """Say how many rows each connection may give: the same for every workspace, and within it for every connection.

    A host whose circuit has been open for its time gets one probe, whatever the number of keys that point there; a
    refused key gets one when its turn has come.
    """
    hosts = circuits(host_of(connection.base_url) for connection in connections)
    siblings = Counter(connection.workspace_id for connection in connections)
    shares: dict[int, int] = {}
    for connection in connections:
        if len(shares) == MOST_CONNECTIONS:
            break
        share = max(limit // len(siblings) // siblings[connection.workspace_id], 1)
        share = min(share, calls_available(connection, now), limit - sum(shares.values()))
        host = hosts.get(host_of(connection.base_url))
        if share > 0 and host is not None and host.failure_count >= CIRCUIT_OPENS_AFTER:
            share = 1 if take_host_probe(host, now=now) else 0
        if share > 0 and connection.pause_reason:
            share = 1 if take_key_probe(connection.pk, now=now) else 0
        if share > 0:
            shares[connection.pk] = share
    return shares


def _lock_due(shares: Mapping[int, int], *, now: datetime) -> list[Generation]:
    """Read the oldest due rows of each connection in one statement, locked where the database can lock rows."""
    if not shares:
        return []
    arm = _DUE_AND_LOCKED if database.features.has_select_for_update_skip_locked else _DUE
    at = database.ops.adapt_datetimefield_value(now)
    params = [value for connection_id, share in shares.items() for value in (connection_id, at, share)]
    return list(Generation.objects.raw(" UNION ALL ".join([arm] * len(shares)), params))
