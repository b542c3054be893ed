"""One round: claim what is due, ask upstream from many threads, write the answers from one."""

from __future__ import annotations

import logging
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from queue import Empty, SimpleQueue
from time import monotonic

from django.db import DataError, IntegrityError
from django.utils import timezone

from lumaboard.connections.clients import client_for
from lumaboard.connections.keys import KeyUnreadable
from lumaboard.connections.models import Connection
from lumaboard.connections.outcomes import Book, note_unreadable_key
from lumaboard.generations.counts import raise_seq
from lumaboard.refresh.apply import apply
from lumaboard.refresh.claim import Claim, claim_due, give_back
from lumaboard.refresh.decide import TOO_YOUNG, Heard
from lumaboard.refresh.line import Ask, Line
from lumaboard.upstream.client import Client
from lumaboard.upstream.errors import GenerationNotFound, NotUnderstood, UpstreamError

logger = logging.getLogger(__name__)

CLAIM_SIZE = 1000
CHUNK_SIZE = 200
CHUNK_SECONDS = 0.5
"""An answer waits no longer than this for its chunk to fill."""

CLAIM_FRACTION = 1 / 3
"""Rows are claimed in this part of the budget only: what is taken later could hardly be asked before it ends."""

SWITCH_SECONDS = 0.0005
"""How long a thread may hold the interpreter while others wait. With Python's 5 ms the one writer stands behind dozens of
reading threads after each of its statements, and a round takes up to twice as long."""

_REFILL_AT = 4  # claims waiting per thread below which more are claimed: the threads must not run dry meanwhile
_PAUSE_BETWEEN_CLAIMS = 0.1
_POISON = (DataError, IntegrityError, ValueError, TypeError, OverflowError)


@dataclass(slots=True)
class Round:
    """What one round did."""

    asked: int = 0
    applied: int = 0
    given_back: int = 0
    lost: int = 0


@dataclass(slots=True)
class _Work:
    """The state of a round while it runs."""

    ends_at: float
    claims_until: float
    clients: dict[int, Client | None] = field(default_factory=dict)
    chunk: list[Heard] = field(default_factory=list)
    unknown: list[Heard] = field(default_factory=list)
    flushed_at: float = field(default_factory=monotonic)
    may_claim: bool = True
    next_claim_at: float = 0.0
    done: Round = field(default_factory=Round)

    def has_time(self) -> bool:
        return monotonic() < self.ends_at


class Engine:
    """Threads that live as long as the process, and the one writer that feeds them. One round at a time.

    The threads never touch the database. An exchange that outlasts its round goes on, and the next round takes up what
    came of it; if there is none, the row's lease runs out and it is asked about again.
    """

    def __init__(self, *, concurrency: int, clock: Callable[[], datetime] = timezone.now) -> None:
        self._concurrency = concurrency
        self._clock = clock
        self._book = Book()
        self._line = Line(concurrency, self._book.is_stopped)
        self._heard: SimpleQueue[Heard] = SimpleQueue()
        self._threads: list[threading.Thread] = []

    def run(self, *, seconds: float) -> Round:
        """Work until nothing is due or the time is up, then give back what was not begun."""
        now = monotonic()
        work = _Work(ends_at=now + seconds, claims_until=now + seconds * CLAIM_FRACTION)
        self._book.begin_round()
        usual = sys.getswitchinterval()
        sys.setswitchinterval(SWITCH_SECONDS)
        try:
            while self._step(work):
                self._listen(work)
        finally:
            self._give_back(work, self._line.drop(everything=True))
            self._take_up(work)
            self._flush(work, is_last=True)
            sys.setswitchinterval(usual)
        return work.done

    def _step(self, work: _Work) -> bool:
        """Claim when the line runs short; say whether there is anything to wait for."""
        if self._wants_claims(work):
            self._flush(work)  # so that the claim sees blocked keys and open circuits
            claims = claim_due(now=self._clock(), limit=CLAIM_SIZE)
            work.may_claim = bool(claims)
            work.next_claim_at = monotonic() + _PAUSE_BETWEEN_CLAIMS
            self._line_up(work, claims)
        self._give_back(work, self._line.drop())
        return work.has_time() and (self._line.busy > 0 or len(self._line) > 0 or self._wants_claims(work))

    def _wants_claims(self, work: _Work) -> bool:
        waiting = len(self._line)
        if not work.may_claim or monotonic() >= work.claims_until or waiting >= self._concurrency * _REFILL_AT:
            return False
        return monotonic() >= work.next_claim_at or (waiting == 0 and self._line.busy == 0)

    def _line_up(self, work: _Work, claims: list[Claim]) -> None:
        asks, unreadable = [], []
        for claim in claims:
            client = self._client(work, claim.connection)
            if client is None:
                unreadable.append(claim)
            else:
                asks.append(Ask(claim, client))
        work.done.asked += len(claims)
        self._line.add(asks)
        self._give_back(work, unreadable)
        wanted = min(self._concurrency, len(self._line) + self._line.busy)
        for number in range(len(self._threads), wanted):
            thread = threading.Thread(target=self._ask_for_ever, name=f"ask-{number}", daemon=True)
            self._threads.append(thread)
            thread.start()

    def _client(self, work: _Work, connection: Connection) -> Client | None:
        """Make the client of a connection once in a round: its key is decrypted once."""
        if connection.pk not in work.clients:
            try:
                work.clients[connection.pk] = client_for(connection)
            except KeyUnreadable as error:
                note_unreadable_key(connection, str(error), now=self._clock())
                work.clients[connection.pk] = None
        return work.clients[connection.pk]

    def _listen(self, work: _Work) -> None:
        """Wait a moment for an answer, take up all that have arrived, and write them when there are enough."""
        try:
            work.chunk.append(self._heard.get(timeout=0.05))
        except Empty:
            return self._flush_if_due(work)
        self._take_up(work)
        return self._flush_if_due(work)

    def _take_up(self, work: _Work) -> None:
        while True:
            try:
                work.chunk.append(self._heard.get_nowait())
            except Empty:
                return

    def _flush_if_due(self, work: _Work) -> None:
        if len(work.chunk) >= CHUNK_SIZE or monotonic() - work.flushed_at >= CHUNK_SECONDS:
            self._flush(work)

    def _flush(self, work: _Work, *, is_last: bool = False) -> None:
        """Write everything heard, in chunks, then what it says about keys and hosts.

        What upstream does not know is written when the round ends: only then is it known whether it was much at once, which
        says something about the account and nothing about the generations.
        """
        heard, work.chunk = work.chunk, []
        work.flushed_at = monotonic()
        work.unknown += [one for one in heard if isinstance(one.error, GenerationNotFound)]
        heard = [one for one in heard if not isinstance(one.error, GenerationNotFound)]
        if is_last:
            heard += work.unknown
        for start in range(0, len(heard), CHUNK_SIZE):
            self._apply(work, heard[start : start + CHUNK_SIZE])
        for workspace_id in sorted(self._book.write(now=self._clock())):
            raise_seq(workspace_id)

    def _apply(self, work: _Work, chunk: list[Heard]) -> None:
        """Write a chunk; one answer that no database takes must not hold back the others."""
        try:
            work.done.applied += apply(chunk, now=self._clock(), may_flag_missing=self._may_flag_missing)
        except _POISON:
            if len(chunk) == 1:
                work.done.lost += 1  # its row has been given its next time by the claim
                logger.exception("The answer about generation %s could not be written.", chunk[0].claim.row.pk)
                return
            logger.exception("A chunk of answers could not be written; trying them one by one.")
            for heard in chunk:
                self._apply(work, [heard])

    def _may_flag_missing(self, connection: Connection) -> bool:
        return not self._book.looks_like_wrong_account(connection)

    def _give_back(self, work: _Work, claims: list[Claim]) -> None:
        if claims:
            work.done.asked -= len(claims)
            work.done.given_back += len(claims)
            give_back(claims, now=self._clock())

    def _ask_for_ever(self) -> None:
        while True:
            ask = self._line.take()
            heard = self._ask(ask)
            self._book.add(
                ask.claim.connection,
                heard.error,
                asked_at=heard.asked_at,
                heard_at=heard.heard_at,
                seconds=heard.seconds,
                is_young=heard.heard_at - ask.claim.row.created_at < TOO_YOUNG,
            )
            self._heard.put(heard)
            self._line.finish(ask)

    def _ask(self, ask: Ask) -> Heard:
        asked_at, started = self._clock(), monotonic()
        snapshot, error = None, None
        try:
            snapshot = ask.client.get_generation(ask.claim.row.task_id)
        except UpstreamError as upstream_error:
            error = upstream_error
        except Exception:  # a thread that died would hold its place for ever
            logger.exception("Asking about generation %s failed here.", ask.claim.row.pk)
            error = NotUnderstood("Reading the answer failed here; the worker's log says why.")
        return Heard(
            claim=ask.claim,
            asked_at=asked_at,
            heard_at=self._clock(),
            seconds=monotonic() - started,
            snapshot=snapshot,
            error=error,
        )
