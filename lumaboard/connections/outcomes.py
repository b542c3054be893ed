"""What answers and errors say about a key and about its host.

The engine enters every outcome of a round in a `Book`, in the order of arrival; `write` then makes one change per
connection and per host out of it. A generation that upstream does not know says nothing against either.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db import transaction

from lumaboard.audit.operations import record
from lumaboard.connections.budget import (
    CIRCUIT_OPENS_AFTER,
    full_jitter,
    grown,
    halved,
    host_of,
    probe_wait,
)
from lumaboard.connections.models import Connection, Host, PauseReason
from lumaboard.core.bulk import update_rows
from lumaboard.upstream.errors import (
    GenerationNotFound,
    KeyRefused,
    NotAnApi,
    NotUnderstood,
    OutOfCredit,
    RateLimited,
    UpstreamError,
    UpstreamUnavailable,
)

REFUSALS_APART = timedelta(seconds=5)
"""A key is paused by a second refusal this long after the first: one 401 may come from the provider's own side."""

WRONG_ACCOUNT_FROM = 8
"""So many unknown ids at once, and not one known, say more about the key than about the ids."""

_LEAST_BLOCK, _USUAL_BLOCK, _LONGEST_BLOCK = timedelta(seconds=1), timedelta(seconds=15), timedelta(minutes=15)
_CIRCUIT_BASE, _CIRCUIT_CAP, _CIRCUIT_LEAST = timedelta(seconds=8), timedelta(minutes=1), timedelta(seconds=2)
_COUNTS_AGAINST_HOST = (UpstreamUnavailable, NotUnderstood, NotAnApi)


@dataclass(slots=True)
class _KeyTally:
    """What was heard with one key since the last writing."""

    answers: int = 0  # the API spoke, whatever it said
    understood: int = 0
    not_found: int = 0
    retry_after: timedelta | None = None
    refused_at: datetime | None = None  # first refusal since the key was last accepted
    last_refused_at: datetime | None = None
    is_accepted: bool = False
    is_out_of_credit: bool = False
    error: UpstreamError | None = None
    asked_at: datetime | None = None
    heard_at: datetime | None = None
    seconds: float | None = None


@dataclass(slots=True)
class _HostTally:
    failures: int = 0  # in a row, up to now
    has_answered: bool = False
    error: UpstreamError | None = None


@dataclass(slots=True)
class Book:
    """The outcomes since the last writing. Many threads may enter theirs.

    `is_stopped` tells which connections to leave alone for the rest of a round; `begin_round` forgets that.
    """

    draw: Callable[[], float] = random.random
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _keys: dict[int, _KeyTally] = field(default_factory=dict)
    _hosts: dict[str, _HostTally] = field(default_factory=dict)
    _stopped_keys: set[int] = field(default_factory=set)
    _stopped_hosts: set[str] = field(default_factory=set)
    _wrong_accounts: set[int] = field(default_factory=set)

    def begin_round(self) -> None:
        with self._lock:
            self._stopped_keys.clear()
            self._stopped_hosts.clear()
            self._wrong_accounts.clear()

    def add(
        self,
        connection: Connection,
        error: UpstreamError | None,
        *,
        asked_at: datetime,
        heard_at: datetime,
        seconds: float,
        is_young: bool = False,
    ) -> None:
        """Enter one outcome; `error` is None for an answer that was understood, `is_young` of an id just created."""
        with self._lock:
            key = self._keys.setdefault(connection.pk, _KeyTally())
            key.asked_at, key.heard_at, key.seconds = asked_at, heard_at, seconds
            self._add_to_host(host_of(connection.base_url), error)
            self._add_to_key(connection.pk, key, error, heard_at=heard_at, is_young=is_young)

    def _add_to_key(
        self, connection_id: int, key: _KeyTally, error: UpstreamError | None, *, heard_at: datetime, is_young: bool
    ) -> None:
        if isinstance(error, _COUNTS_AGAINST_HOST):
            key.error = error
            return
        key.answers += 1
        if isinstance(error, KeyRefused):
            key.refused_at = key.refused_at or heard_at
            key.last_refused_at = heard_at
            key.error = error
            self._stopped_keys.add(connection_id)
        elif isinstance(error, RateLimited):
            wished = _USUAL_BLOCK if error.retry_after is None else timedelta(seconds=error.retry_after)
            wished = min(max(wished, _LEAST_BLOCK), _LONGEST_BLOCK)
            key.retry_after = max(key.retry_after or wished, wished)
            key.error = error
            self._stopped_keys.add(connection_id)
        elif isinstance(error, OutOfCredit):
            key.is_out_of_credit, key.error = True, error
        else:
            self._add_accepted(connection_id, key, error, is_young=is_young)

    def _add_accepted(self, connection_id: int, key: _KeyTally, error: UpstreamError | None, *, is_young: bool) -> None:
        key.is_accepted, key.refused_at, key.last_refused_at = True, None, None
        key.is_out_of_credit, key.error = False, None
        if error is None:
            key.understood += 1
            self._wrong_accounts.discard(connection_id)
        elif isinstance(error, GenerationNotFound) and not is_young:
            key.not_found += 1
            if key.not_found >= WRONG_ACCOUNT_FROM and not key.understood:
                self._wrong_accounts.add(connection_id)

    def _add_to_host(self, name: str, error: UpstreamError | None) -> None:
        host = self._hosts.setdefault(name, _HostTally())
        if isinstance(error, _COUNTS_AGAINST_HOST):
            host.failures += 1
            host.error = error
            if host.failures >= CIRCUIT_OPENS_AFTER:
                self._stopped_hosts.add(name)
        else:
            host.failures, host.has_answered, host.error = 0, True, None

    def is_stopped(self, connection: Connection) -> bool:
        """Say whether this round should ask no more with this key or at its host."""
        return connection.pk in self._stopped_keys or host_of(connection.base_url) in self._stopped_hosts

    def looks_like_wrong_account(self, connection: Connection) -> bool:
        """Say whether "not found" tells of the account rather than of the id, as far as is known now."""
        with self._lock:
            key = self._keys.get(connection.pk, _KeyTally())
            is_known = connection.looks_like_wrong_account and not key.understood
            return is_known or connection.pk in self._wrong_accounts

    def write(self, *, now: datetime) -> set[int]:
        """Write down what was heard since the last writing; give the workspaces whose people should see a difference."""
        with self._lock:
            keys, self._keys = self._keys, {}
            hosts, self._hosts = self._hosts, {}
        seen: set[int] = set()
        if not keys:
            return seen
        with transaction.atomic():
            rows = list(Connection.objects.select_for_update().filter(pk__in=keys).order_by("pk"))
            seen = {row.workspace_id for row in rows if _change_key(row, keys[row.pk], now=now)}
            update_rows(Connection, _WRITTEN, [(row.pk, *(getattr(row, name) for name in _WRITTEN)) for row in rows])
            _write_hosts(hosts, now=now, draw=self.draw)
        return seen


def note_unreadable_key(connection: Connection, reason: str, *, now: datetime) -> None:
    """Pause a connection whose stored key cannot be decrypted; entering the key again is the only cure."""
    with transaction.atomic():
        row = Connection.objects.select_for_update().get(pk=connection.pk)
        row.error_kind, row.error_text, row.error_at = "key_unreadable", reason[:400], now
        if not row.pause_reason:
            _pause(row, now=now)
        row.save()


def _change_key(row: Connection, heard: _KeyTally, *, now: datetime) -> bool:
    """Change one connection by what was heard, in memory; say whether people should see it."""
    before = _shown(row)
    row.asked_at, row.answer_seconds = heard.asked_at, heard.seconds
    if heard.answers:
        row.answered_at = heard.heard_at
    if heard.is_accepted:
        _accept(row, heard)
    if heard.is_out_of_credit:
        row.is_out_of_credit = True
    if heard.refused_at is not None:
        _refuse(row, heard, now=now)
    if heard.not_found >= WRONG_ACCOUNT_FROM and not heard.understood:
        row.looks_like_wrong_account = True
    if heard.retry_after is not None:
        if row.blocked_until is None or row.blocked_until <= now:  # one halving for all answers of one block
            row.allowance_per_minute = halved(row.allowance_per_minute)
        row.blocked_until = max(row.blocked_until or now, now + heard.retry_after)
    if heard.error is not None:
        row.error_kind, row.error_text, row.error_at = heard.error.kind[:30], str(heard.error)[:400], now
    return _shown(row) != before


_WRITTEN = (
    *("asked_at", "answered_at", "answer_seconds", "error_kind", "error_text", "error_at"),
    *("pause_reason", "paused_at", "refused_count", "refused_at", "next_probe_at"),
    *("blocked_until", "allowance_per_minute", "is_out_of_credit", "looks_like_wrong_account"),
)


def _shown(row: Connection) -> tuple[str, bool, bool, str]:
    return row.pause_reason, row.is_out_of_credit, row.looks_like_wrong_account, row.error_kind


def _accept(row: Connection, heard: _KeyTally) -> None:
    row.refused_count, row.refused_at = 0, None
    row.error_kind = row.error_text = ""
    row.error_at = None
    row.is_out_of_credit = False
    if heard.retry_after is None:
        row.allowance_per_minute = grown(row.allowance_per_minute, kind=row.kind, answers=heard.answers)
    if heard.understood:
        row.looks_like_wrong_account = False
    if row.pause_reason == PauseReason.KEY_REFUSED:
        row.pause_reason, row.paused_at, row.next_probe_at = "", None, None
        record("connection.resumed", workspace_id=row.workspace_id, actor_id=None, target=row, reason="key accepted")


def _refuse(row: Connection, heard: _KeyTally, *, now: datetime) -> None:
    """Count a refusal; of those less than five seconds after the first none counts."""
    assert heard.refused_at is not None
    assert heard.last_refused_at is not None
    first = row.refused_at or heard.refused_at
    if row.refused_count == 0:
        row.refused_count, row.refused_at = 1, first
    if heard.last_refused_at - first >= REFUSALS_APART:
        row.refused_count, row.refused_at = row.refused_count + 1, heard.last_refused_at
        if not row.pause_reason:
            _pause(row, now=now)


def _pause(row: Connection, *, now: datetime) -> None:
    row.pause_reason, row.paused_at = PauseReason.KEY_REFUSED, now
    row.next_probe_at = now + probe_wait(timedelta(0))
    record(
        "connection.paused", workspace_id=row.workspace_id, actor_id=None, target=row, reason=PauseReason.KEY_REFUSED
    )


def _write_hosts(hosts: dict[str, _HostTally], *, now: datetime, draw: Callable[[], float]) -> None:
    rows = {row.name: row for row in Host.objects.select_for_update().filter(name__in=hosts).order_by("pk")}
    for name, heard in sorted(hosts.items()):
        row = rows.get(name)
        if heard.failures:
            row = row or Host.objects.get_or_create(name=name)[0]
            row.failure_count = _failures_now(row, heard)
            row.failed_at, row.error_text = now, str(heard.error)[:400]
            if row.failure_count >= CIRCUIT_OPENS_AFTER:
                openings = row.failure_count - CIRCUIT_OPENS_AFTER
                wait = full_jitter(openings, base=_CIRCUIT_BASE, cap=_CIRCUIT_CAP, draw=draw())
                row.open_until = now + max(wait, _CIRCUIT_LEAST)
            row.save()
        elif row is not None and (row.failure_count or row.open_until):
            row.failure_count, row.open_until, row.error_text = 0, None, ""
            row.save()


def _failures_now(row: Host, heard: _HostTally) -> int:
    """Count failures in a row up to where the circuit opens, and openings from there on.

    Otherwise the 32 askings that are on their way when a host goes down would make its first opening its longest.
    """
    if heard.has_answered or row.failure_count < CIRCUIT_OPENS_AFTER:
        before = 0 if heard.has_answered else row.failure_count
        return min(before + heard.failures, CIRCUIT_OPENS_AFTER)
    return row.failure_count + 1
