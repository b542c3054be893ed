"""Everything that is not a look at one generation: having things made, deleting them, lists, and paths we do not know."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Final

from django.db import transaction

from lumaboard.accounts.access import Member
from lumaboard.audit.operations import record
from lumaboard.connections.models import Connection
from lumaboard.connections.outcomes import Book
from lumaboard.generations.counts import raise_seq
from lumaboard.generations.models import Act, Generation
from lumaboard.generations.operations import stop_tracking, trash
from lumaboard.outbound import Answer
from lumaboard.proxy.answers import ProxyResponse, Refused, later, passed_on, unanswered, without_ours
from lumaboard.proxy.calls import Call
from lumaboard.proxy.doors import check_budget, check_usable, choose, client_through
from lumaboard.proxy.privacy import NotForThem, without_hidden
from lumaboard.proxy.reading import not_found, row_of
from lumaboard.proxy.recording import catch, recording
from lumaboard.submission.hidden import hidden_among, named_in_request
from lumaboard.submission.models import IntentState, Source
from lumaboard.submission.operations import KeyReused, NamesHidden, NotIntended, Sent, StillSending, submit
from lumaboard.submission.slots import slot
from lumaboard.upstream.client import CREATE_SECONDS, LARGEST_LIST
from lumaboard.upstream.errors import NotUnderstood, RateLimited, UpstreamError, UpstreamUnavailable
from lumaboard.upstream.parse import parse_answer, read_answer
from lumaboard.upstream.types import Snapshot

Clock = Callable[[], datetime]

REPLAYED: Final = "Idempotent-Replayed"
_NOT_AGAIN: Final = "X-Should-Retry"
"""The provider's own library repeats by itself what ended in 5xx, unless this says `false`."""

_USUAL_SECONDS: Final = 20.0
_USUAL_READ_SECONDS: Final = 10.0


def create(call: Call, member: Member, *, clock: Clock) -> ProxyResponse:
    """Have something made, by the one way there is: written down before it leaves, sent once, matched."""
    connection = _connection_for(call, member)
    check_usable(connection, now=clock())
    try:
        sent = submit(
            connection,
            created_by_id=member.user.pk,
            route=call.path,
            request=call.body,
            source=Source.PROXY,
            idempotency_key=call.idempotency_key,
            clock=clock,
        )
    except NamesHidden:
        raise not_found() from None
    except KeyReused as error:
        raise Refused(422, str(error)) from None
    except NotIntended as error:
        raise Refused(400, str(error)) from None
    except StillSending as error:
        raise later(409, str(error), seconds=2) from None
    return _answer_of(sent)


def _connection_for(call: Call, member: Member) -> Connection:
    """Give the connection asked for, else that of the generation which the path names, else the usual one."""
    row = row_of(call, member) if call.task_id else None
    return row.connection if row is not None else choose(member, call.connection)


def _check_named(call: Call, member: Member, connection: Connection) -> None:
    """Refuse a body that builds on what a colleague keeps private, as if there were no such thing."""
    if hidden_among(connection.pk, named_in_request(call.body), from_user_id=member.user.pk):
        raise not_found()


def _answer_of(sent: Sent) -> ProxyResponse:
    made = passed_on(sent.answer) if sent.answer is not None else _unanswered(sent).response()
    if sent.is_replay:
        made.headers[REPLAYED] = "true"
    if sent.state == IntentState.UNKNOWN:
        made.headers[_NOT_AGAIN] = "false"
    return made


def _unanswered(sent: Sent) -> Refused:
    if sent.state != IntentState.UNKNOWN:
        return Refused(502, f"The provider could not be asked, and nothing was sent. {sent.error_text}")
    status = 504 if sent.error_kind == UpstreamUnavailable.kind else 502
    advice = (
        "It may have been made all the same, so it is not sent again. The board says so, and shows what comes of it."
    )
    return Refused(status, f"{sent.error_text} {advice}")


def delete(call: Call, member: Member, *, clock: Clock) -> ProxyResponse:
    """Delete upstream; then the record goes to the trash, with our copies, from where it can be brought back."""
    row = row_of(call, member)
    if row is not None and row.created_by_id != member.user.pk:
        member.require("change_all")
    connection = row.connection if row is not None else choose(member, call.connection)
    answer = _exchange(call, connection, clock=clock)
    if 200 <= answer.status < 300:
        now = clock()
        recording(call.task_id, lambda: _note_deleted(call, member, connection, row, now=now))
    return passed_on(answer)


def _note_deleted(call: Call, member: Member, connection: Connection, row: Generation | None, *, now: datetime) -> None:
    actor_id = member.user.pk
    with transaction.atomic():
        record(
            "delete_upstream",
            workspace_id=member.workspace.pk,
            actor_id=actor_id,
            target=row if row is not None else connection,
            task_id=call.task_id,
        )
        if row is None:
            return
        if row.trashed_at is None:
            if row.is_settled:
                trash([row], actor_id=actor_id, now=now)
            else:
                stop_tracking(row, actor_id=actor_id, now=now)


def look(call: Call, member: Member, *, clock: Clock) -> ProxyResponse:
    """Pass on a list, a balance, the concepts, or a path we do not know, without what colleagues keep private."""
    connection = _connection_for(call, member)
    answer = _exchange(call, connection, clock=clock)
    try:
        body = without_hidden(answer.body, member=member, connection=connection)
    except NotForThem:
        raise not_found() from None
    return passed_on(answer, body=body)


def other(call: Call, member: Member, *, clock: Clock) -> ProxyResponse:
    """Pass on a change by a path we do not know; if it made something, that is tracked."""
    connection = _connection_for(call, member)
    _check_named(call, member, connection)
    answer = _exchange(call, connection, clock=clock, seconds=CREATE_SECONDS)
    now = clock()
    snapshot = _snapshot(answer, now=now)
    if snapshot is not None and snapshot.task_id and call.method == "POST":
        task_id = snapshot.task_id
        recording(
            task_id,
            lambda: catch(connection, task_id, snapshot, member=member, act=Act.SUBMITTED, now=now),
        )
    return passed_on(answer)


def _snapshot(answer: Answer, *, now: datetime) -> Snapshot | None:
    try:
        said = parse_answer(answer, now=now)
    except UpstreamError:
        return None
    return said if isinstance(said, Snapshot) else None


def _exchange(call: Call, connection: Connection, *, clock: Clock, seconds: float = _USUAL_SECONDS) -> Answer:
    """Make one attempt, within the key's budget and the number of calls at once."""
    with slot():
        asked_at = clock()
        check_budget(connection, now=asked_at)
        client = client_through(connection, now=asked_at)
        try:
            answer = client.exchange(
                call.method,
                call.path,
                query=call.query,
                body=call.body or None,
                headers=call.headers,
                deadline=seconds,
                read_timeout=max(seconds, _USUAL_READ_SECONDS) if call.method != "GET" else _USUAL_READ_SECONDS,
                max_bytes=LARGEST_LIST,
            )
        except UpstreamError as error:
            refused = unanswered(error)
            if call.method != "GET" and error.was_sent:
                refused.headers = {**refused.headers, _NOT_AGAIN: "false"}
            raise refused from None
    _heed_limit(connection, answer, asked_at=asked_at, now=clock())
    return without_ours(answer, connection)


def _heed_limit(connection: Connection, answer: Answer, *, asked_at: datetime, now: datetime) -> None:
    """Let everybody with this key wait when upstream asks for it.

    Nothing else of such an answer counts for or against key and host: what was asked for is the program's own idea.
    """
    try:
        read_answer(answer, now=now)
    except RateLimited as error:
        limited = error
    except (UpstreamError, NotUnderstood):
        return
    else:
        return
    book = Book()
    book.add(connection, limited, asked_at=asked_at, heard_at=now, seconds=answer.elapsed)

    def write() -> None:
        for workspace_id in sorted(book.write(now=now)):
            raise_seq(workspace_id)

    recording(f"the limit of connection {connection.pk}", write)
