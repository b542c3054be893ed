"""Who may be asked, and how often: the budget of a key, its pauses, and the circuit of its host.

A key's budget is a bucket in its row: it refills with the minute, never holds more than a few seconds' worth, and every
call is taken from it before the call is made. So the calls of a key stay below its budget whoever makes them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from django.db import transaction
from django.db.models import Q

from lumaboard.connections.models import Connection, ConnectionQuerySet, Host, Kind, PauseReason
from lumaboard.core.bulk import update_rows

BURST_SECONDS = 6.0
"""How much of the allowance the bucket holds."""

LEAST_ALLOWANCE = 6.0
"""Calls per minute that are left to a key after any number of halvings, so that it can grow back."""

CIRCUIT_OPENS_AFTER = 5
"""Failures in a row after which a host is left alone for a while."""

PROBE_LEASE = timedelta(seconds=45)
"""How long one probe keeps others off a host; longer than any exchange."""

_CLOCKS_DIFFER_BY_SECONDS = 60.0
_NEWS_FOR = timedelta(seconds=5)
_PROBE_SOONEST = timedelta(seconds=30)
_PROBE_LATEST = timedelta(hours=1)

# Calls per minute. Providers do not publish a limit for queries, so theirs is modest; the simulator is our own.
_CEILINGS = {Kind.SIMULATOR: 60_000.0}
_CEILING = 600.0
# By how much of a call per minute an answer raises the allowance.
_GROWTH = {Kind.SIMULATOR: 20.0}
_GROWTH_PER_ANSWER = 0.5


def host_of(base_url: str) -> str:
    """Name the host a connection points to, with its port: what shares one circuit."""
    parts = urlsplit(base_url)
    return f"{parts.hostname}:{parts.port or (443 if parts.scheme == 'https' else 80)}"


def askable(connections: ConnectionQuerySet, now: datetime) -> ConnectionQuerySet:
    """Narrow to those that may be asked now as far as the key goes; whose key is refused only when a probe is due."""
    return connections.present().filter(
        Q(blocked_until=None) | Q(blocked_until__lte=now) | Q(blocked_until__gt=now + timedelta(hours=2)),
        Q(pause_reason="") | Q(pause_reason=PauseReason.KEY_REFUSED, next_probe_at__lte=now),
    )


def answered_just_now(connection: Connection, now: datetime) -> bool:
    """Say whether a good answer came so lately that another tells nothing of key and host, nor their circuit of them."""
    return connection.answered_at is not None and timedelta(0) <= now - connection.answered_at < _NEWS_FOR


def circuits(names: Iterable[str]) -> dict[str, Host]:
    """Read the circuits of these hosts; a host that never failed has none. One query."""
    return {host.name: host for host in Host.objects.filter(name__in=set(names), open_until__isnull=False)}


def take_key_probe(connection_id: int, *, now: datetime) -> bool:
    """Take the one asking that a refused key is given now and then; the longer it is paused, the rarer."""
    rows = Connection.objects.filter(pk=connection_id, pause_reason=PauseReason.KEY_REFUSED, next_probe_at__lte=now)
    paused_at = rows.values_list("paused_at", flat=True).first()
    if paused_at is None:
        return False
    return bool(rows.update(next_probe_at=now + probe_wait(now - paused_at)))


def probe_wait(paused_for: timedelta) -> timedelta:
    """Say how long to wait for the next probe: as long again as the pause has lasted."""
    return min(max(paused_for, _PROBE_SOONEST), _PROBE_LATEST)


def take_host_probe(host: Host, *, now: datetime) -> bool:
    """Take the one asking that is allowed once a circuit has been open for its time; of all callers one gets True."""
    rows = Host.objects.filter(pk=host.pk, open_until=host.open_until, open_until__lte=now)
    return bool(rows.update(open_until=now + PROBE_LEASE))


def take_calls(wanted: Mapping[int, int], *, now: datetime) -> dict[int, int]:
    """Take up to this many calls from each connection's bucket and say how many were granted.

    Call it inside the transaction that hands the calls out: the rows stay locked until it ends.
    """
    rows = Connection.objects.select_for_update().filter(pk__in=wanted).order_by("pk")
    granted, levels = {}, []
    for connection in rows.only("calls_left", "calls_left_at", "allowance_per_minute"):
        level = _level(connection, now)
        granted[connection.pk] = taken = min(wanted[connection.pk], int(level))
        if taken:
            levels.append((connection.pk, level - taken, now))
    update_rows(Connection, ("calls_left", "calls_left_at"), levels)
    return granted


def take_call(connection: Connection, *, now: datetime) -> bool:
    """Take one call from this connection's bucket and say whether one was left; one statement if it has just been read.

    In a transaction of its own, or as a part of the one it is called in.
    """
    level = _level(connection, now)
    bucket = ("calls_left", "calls_left_at")
    row = (connection.pk, level - 1, now, connection.calls_left, connection.calls_left_at)
    with transaction.atomic(savepoint=False):
        if level >= 1 and update_rows(Connection, bucket, [row], guards=bucket):
            return True
        return bool(take_calls({connection.pk: 1}, now=now).get(connection.pk))


def return_calls(unused: Mapping[int, int], *, now: datetime) -> None:
    """Put back calls that were taken and not made."""
    with transaction.atomic():
        rows = Connection.objects.select_for_update().filter(pk__in=unused).order_by("pk")
        levels = [
            (connection.pk, min(_level(connection, now) + unused[connection.pk], capacity(connection)), now)
            for connection in rows.only("calls_left", "calls_left_at", "allowance_per_minute")
        ]
        update_rows(Connection, ("calls_left", "calls_left_at"), levels)


def calls_available(connection: Connection, now: datetime) -> int:
    return int(_level(connection, now))


def capacity(connection: Connection) -> float:
    """How many calls the bucket holds when full; always at least one."""
    return max(connection.allowance_per_minute * BURST_SECONDS / 60, 1.0)


def halved(allowance: float) -> float:
    return max(allowance / 2, LEAST_ALLOWANCE)


def grown(allowance: float, *, kind: str, answers: int) -> float:
    """Say what this many answers make of an allowance; one that an operator set above the ceiling is left alone."""
    ceiling = max(_CEILINGS.get(Kind(kind), _CEILING), allowance)
    return min(allowance + answers * _GROWTH.get(Kind(kind), _GROWTH_PER_ANSWER), ceiling)


def full_jitter(failures: int, *, base: timedelta, cap: timedelta, draw: float) -> timedelta:
    """Draw a wait between nothing and `base` doubled with every failure in a row, at most `cap`.

    Drawing from the whole range, instead of around its end, is what keeps many callers from coming back together.
    """
    doublings = 2.0 ** min(max(failures, 0), 20)
    return min(base * doublings, cap) * draw


def _level(connection: Connection, now: datetime) -> float:
    """Say how full the bucket is. A filling that lies well ahead is left over from a clock since set back: full again."""
    seconds = (now - connection.calls_left_at).total_seconds()
    if seconds < -_CLOCKS_DIFFER_BY_SECONDS:
        return capacity(connection)
    seconds = max(seconds, 0.0)
    return min(connection.calls_left + seconds * connection.allowance_per_minute / 60, capacity(connection))
