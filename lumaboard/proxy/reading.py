"""One generation, for programs that poll: from the record where that knows as much as upstream, else from upstream."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from time import monotonic, sleep
from typing import Final

from django.db import transaction

from lumaboard.accounts.access import Member
from lumaboard.connections.models import Connection
from lumaboard.core.prepared import Prepared, given
from lumaboard.core.transactions import forgettable
from lumaboard.generations.models import Act, Generation, RawAnswer
from lumaboard.outbound import Answer
from lumaboard.proxy.answers import ProxyResponse, Refused, later, passed_on, recorded, unanswered, without_ours
from lumaboard.proxy.calls import Call
from lumaboard.proxy.doors import check_budget, choose, client_through
from lumaboard.proxy.recording import catch, recording
from lumaboard.refresh.claim import LEASE, Claim
from lumaboard.refresh.decide import Heard, digest_of
from lumaboard.refresh.once import claim_one, keep_document, take_up
from lumaboard.submission.slots import slot
from lumaboard.upstream.errors import UpstreamError
from lumaboard.upstream.parse import parse_answer
from lumaboard.upstream.types import Snapshot

Clock = Callable[[], datetime]

_ENGINE_IS_LATE: Final = timedelta(seconds=5)
"""So long after its time an asking is left to the engine; after that the program's own stands in for it."""

_JUST_HEARD: Final = timedelta(seconds=10)
"""A document this young is given although its links are dead: upstream would give the same."""

_LINKS_LIVE: Final = timedelta(minutes=1)
"""For so long the links of a document have to be good yet, so that there is time to follow one."""

_PATIENCE_SECONDS: Final = 5.0
_LOOK_EVERY_SECONDS: Final = 0.1
_ASKING_TAKES: Final = timedelta(seconds=20)
_MOST_TAKE: Final = timedelta(seconds=2)

_named: Final = Prepared(
    lambda: Generation.objects.select_related("connection").filter(
        connection__workspace=given("workspace"), task_id=given("task_id")
    )
)
_documents: Final = Prepared(lambda: RawAnswer.objects.filter(generation=given("generation")))


def row_of(call: Call, member: Member) -> Generation | None:
    """Give the generation that the path names, if it is known and this member may see it.

    Raises `Refused` for one that a colleague keeps private: to others there is no such thing.
    """
    found = _named(workspace=member.workspace.pk, task_id=call.task_id)
    if call.connection:
        chosen = choose(member, call.connection)
        found = [row for row in found if row.connection_id == chosen.pk]
    visible = [row for row in found if row.private_to in (None, member.user.pk)]
    if found and not visible:
        raise not_found()
    return min(visible, key=lambda row: row.connection_id, default=None)


def not_found() -> Refused:
    return Refused(404, "Generation not found")


def read_one(call: Call, member: Member, *, clock: Clock) -> ProxyResponse:
    """Answer `GET /generations/<task id>`."""
    row = row_of(call, member)
    if row is None:
        return _unknown(call, member, clock=clock)
    is_forced = call.is_fresh_wanted or bool(call.query)
    if not is_forced and (known := _from_record(row, now=clock())) is not None:
        return known
    with slot():
        if row.is_settled:
            return _settled(call, row, clock=clock)
        return _pending(call, row, is_forced=is_forced, clock=clock)


def _from_record(row: Generation, *, now: datetime) -> ProxyResponse | None:
    """Give what upstream said last, where asking it again would tell nothing new."""
    document = _document(row)
    if document is None:
        return None
    if row.is_settled:
        is_new = now - document.received_at < _JUST_HEARD
        return _told(row, document, now=now) if is_new or _links_live(document, now=now) else None
    if row.connection.pause_reason:
        return None  # nobody looks after it, so whoever asks is told why
    is_watched = row.next_refresh_at is not None and row.next_refresh_at > now - _ENGINE_IS_LATE
    is_new = row.asked_at is not None and now - row.asked_at < _JUST_HEARD
    return _told(row, document, now=now) if is_watched or is_new else None


def _document(row: Generation) -> RawAnswer | None:
    return next(iter(_documents(generation=row.pk)), None)


def _told(row: Generation, document: RawAnswer, *, now: datetime) -> ProxyResponse:
    """Say it with its age. While an asking is under way, or after one that failed, all that is certain is when it was news."""
    is_current = not (row.is_settled or row.lease or row.error_kind) and row.asked_at is not None
    heard_at = max(document.received_at, row.asked_at) if is_current and row.asked_at else document.received_at
    return recorded(document.body, age=(now - heard_at).total_seconds())


def _links_live(document: RawAnswer, *, now: datetime) -> bool:
    try:
        said = parse_answer(Answer(200, {}, document.body.encode(), 0.0), now=now)
    except UpstreamError:
        return False
    files = said.files if isinstance(said, Snapshot) else ()
    ends = [link.expires_at for file in files for link in file.links if link.expires_at is not None]
    return not ends or min(ends) > now + _LINKS_LIVE


@dataclass(frozen=True, slots=True)
class _Said:
    """What upstream answered: the bytes, and what they mean."""

    answer: Answer | None
    snapshot: Snapshot | None
    error: UpstreamError | None
    heard_at: datetime
    seconds: float

    def response(self) -> ProxyResponse:
        if self.answer is not None:
            return passed_on(self.answer)
        assert self.error is not None
        raise unanswered(self.error)


def _ask(call: Call, connection: Connection, *, clock: Clock) -> _Said:
    started = monotonic()
    client = client_through(connection, now=clock())
    answer, snapshot, error = None, None, None
    try:
        answer = client.exchange("GET", call.path, query=call.query, headers=call.headers)
        answer = without_ours(answer, connection)
        snapshot = client.generation_in(answer, call.task_id)
    except UpstreamError as upstream_error:
        error = upstream_error
    return _Said(answer, snapshot, error, clock(), monotonic() - started)


def _settled(call: Call, row: Generation, *, clock: Clock) -> ProxyResponse:
    check_budget(row.connection, now=clock())
    said = _ask(call, row.connection, clock=clock)
    if said.snapshot is not None:
        snapshot = said.snapshot
        recording(row.task_id, lambda: keep_document(row, snapshot, heard_at=said.heard_at))
    return said.response()


def _pending(call: Call, row: Generation, *, is_forced: bool, clock: Clock) -> ProxyResponse:
    """Ask in the engine's place. Of many who want to at once one does, and the others are given what it heard."""
    waits_until = monotonic() + _PATIENCE_SECONDS
    asked_before = None if _is_being_asked(row, now=clock()) else row.asked_at
    while True:
        now = clock()
        if not _is_being_asked(row, now=now):
            claim = _claim(row, now=now)
            if claim is not None:
                return _claimed(call, claim, asked_at=now, clock=clock)
        if not is_forced and (known := _from_record(row, now=now)) is not None:
            return known
        if monotonic() > waits_until:
            raise later(503, "This generation is being asked about. Try again in a moment.", seconds=2)
        sleep(_LOOK_EVERY_SECONDS)
        row = Generation.objects.select_related("connection").get(pk=row.pk)
        if row.is_settled or (row.asked_at != asked_before and not row.lease):
            return _just_heard(row, now=clock())


def _claim(row: Generation, *, now: datetime) -> Claim | None:
    """Take the row and a call of the budget, or neither."""
    with forgettable():
        check_budget(row.connection, now=now)
        claim = claim_one(row, now=now)
        if claim is None:
            transaction.set_rollback(True)
    return claim


def _is_being_asked(row: Generation, *, now: datetime) -> bool:
    """Say whether an asking is under way, by the lease.

    Of what it asks about seldom the engine keeps the lease when it heard nothing new, which saves a write; such a lease
    tells of an asking for no longer than most take.
    """
    if not row.lease or row.asked_at is None:
        return False
    is_kept = row.next_refresh_at is not None and row.next_refresh_at - row.asked_at > LEASE
    return now - row.asked_at < (_MOST_TAKE if is_kept else _ASKING_TAKES)


def _just_heard(row: Generation, *, now: datetime) -> ProxyResponse:
    """Give what somebody else's asking, for which this program waited, has brought."""
    document = _document(row)
    if document is None or row.error_kind:
        raise later(502, row.error_text or "The provider's answer could not be read.", seconds=2)
    return _told(row, document, now=now)


def _claimed(call: Call, claim: Claim, *, asked_at: datetime, clock: Clock) -> ProxyResponse:
    """Ask, and write down what was heard: before the answer goes out what is news in it, else afterwards.

    So nobody who asks again is told less than the first time, and polling waits for no writing.
    """
    said = _ask(call, claim.connection, clock=clock)

    def write() -> None:
        recording(call.task_id, lambda: take_up(_heard(claim, said, asked_at=asked_at), now=said.heard_at))

    if said.snapshot is not None and digest_of(said.snapshot) == claim.row.answer_digest:
        response = said.response()
        response.leave(write)
        return response
    write()
    return said.response()


def _heard(claim: Claim, said: _Said, *, asked_at: datetime) -> Heard:
    return Heard(
        claim=claim,
        asked_at=asked_at,
        heard_at=said.heard_at,
        seconds=said.seconds,
        snapshot=said.snapshot,
        error=said.error,
    )


def _unknown(call: Call, member: Member, *, clock: Clock) -> ProxyResponse:
    """Ask about a generation that is not tracked, and track it if upstream knows it."""
    connection = choose(member, call.connection)
    with slot():
        asked_at = clock()
        check_budget(connection, now=asked_at)
        said = _ask(call, connection, clock=clock)
    snapshot = said.snapshot
    if snapshot is not None and may_record(member):

        def write() -> None:
            catch(connection, call.task_id, snapshot, member=member, act=Act.TRACKED, now=said.heard_at)
            row = Generation.objects.select_related("connection").get(connection=connection, task_id=call.task_id)
            claim = None if row.is_settled else claim_one(row, now=said.heard_at)
            if claim is not None:  # else the engine was faster, and knows as much
                take_up(_heard(claim, said, asked_at=asked_at), now=said.heard_at)

        recording(call.task_id, write)
    return said.response()


def may_record(member: Member) -> bool:
    """Whether what this member's program sees may be put on the board: a token for reading alone changes nothing."""
    return member.may("track") or member.may("submit")
