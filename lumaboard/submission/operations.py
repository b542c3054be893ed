"""Intend, send, settle: one way to have something made, for the form, the REST API and the proxy.

An intent is written down before it leaves. Sending it is one attempt, and a second one only where no connection was made.
Who may is asked by the caller before; `submit` does all of it in a row.
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from time import monotonic, sleep
from typing import Any, Final

from django.db import DatabaseError, IntegrityError, close_old_connections, transaction
from django.utils import timezone

from lumaboard.connections.clients import client_for, passing_session
from lumaboard.connections.keys import KeyUnreadable
from lumaboard.connections.models import Connection, PauseReason
from lumaboard.connections.outcomes import Book, note_unreadable_key
from lumaboard.generations.counts import raise_seq
from lumaboard.news.hooks import callbacks, sealed
from lumaboard.news.models import Batch
from lumaboard.outbound import Answer
from lumaboard.submission.hidden import hidden_among, named_in_request
from lumaboard.submission.models import Intent, IntentState
from lumaboard.submission.pricing import Money
from lumaboard.submission.reach import reaches_us
from lumaboard.submission.settling import settle
from lumaboard.submission.slots import slot
from lumaboard.upstream.client import is_path
from lumaboard.upstream.creates import Outcome, is_create, without_answer
from lumaboard.upstream.errors import KeyRefused, OutOfCredit, RateLimited, UpstreamError, UpstreamUnavailable

logger = logging.getLogger(__name__)

KEYS_LIVE: Final = timedelta(hours=24)
"""How long an idempotency key means the same request; afterwards it may be used anew."""

LONGEST_KEY: Final = 255
PATIENCE_SECONDS: Final = 20.0
"""How long a second sender of the same intent waits for the first."""

_LOOK_EVERY_SECONDS = 0.2
_TRIES = 2  # the second only where no connection was made the first time


class NotIntended(Exception):
    """The request cannot be sent at all, and was not. The message is for people."""


class KeyReused(NotIntended):
    """The idempotency key belongs to another request."""

    def __init__(self) -> None:
        super().__init__("This idempotency key was used for a different request.")


class NamesHidden(NotIntended):
    """The request builds on what a colleague keeps private; to whoever asks it is not there."""

    def __init__(self) -> None:
        super().__init__("The request names a generation that is not here.")


class StillSending(Exception):
    """The same request is on its way, and its outcome not known yet."""

    def __init__(self) -> None:
        super().__init__("This request is already on its way. Ask again with the same idempotency key in a moment.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """What came of an intent, for whoever sent it.

    `answer` is what upstream said, to be passed on as it came; None if nothing whole did. `is_replay` says that it was
    said before, to the first sender of the same intent. `generation_id` is None where nothing is tracked (yet).
    """

    intent_id: int
    state: IntentState
    answer: Answer | None
    error_kind: str = ""
    error_text: str = ""
    retry_after: float | None = None
    task_id: str = ""
    generation_id: int | None = None
    is_replay: bool = False


def submit(
    connection: Connection,
    *,
    created_by_id: int,
    route: str,
    request: bytes | Mapping[str, Any],
    source: str,
    idempotency_key: str = "",
    is_private: bool = False,
    clock: Callable[[], datetime] = timezone.now,
) -> Sent:
    """Intend and send, within the bound of calls at once. Raises `Busy`, `NotIntended` and `StillSending`."""
    with slot():
        intent = intend(
            connection,
            created_by_id=created_by_id,
            route=route,
            request=request,
            source=source,
            idempotency_key=idempotency_key,
            is_private=is_private,
            now=clock(),
        )
        return send(intent.pk, clock=clock)


def intend(
    connection: Connection,
    *,
    created_by_id: int,
    route: str,
    request: bytes | Mapping[str, Any],
    source: str,
    idempotency_key: str = "",
    is_private: bool = False,
    made_from: Sequence[tuple[int, str]] = (),
    batch: Batch | None = None,
    estimate: Money | None = None,
    now: datetime,
) -> Intent:
    """Write down what is about to be asked. The same idempotency key and request give the same intent for 24 hours.

    Raises `KeyReused` for the same key and another request, and `NotIntended` for what is no create, cannot be stored or
    goes to a connection that is paused or removed. A key belongs to one person in one workspace. `made_from` names what
    it comes of, by a `Kinship`, where the request itself does not tell; `estimate` says what it is to cost.
    """
    text = _text_of(request)
    if not (is_path(route) and is_create("POST", route)):
        raise NotIntended("That path makes nothing.")
    if len(idempotency_key) > LONGEST_KEY or not idempotency_key.isprintable():
        raise NotIntended(f"An idempotency key has at most {LONGEST_KEY} printable characters.")
    _check_connection(connection)
    if hidden_among(connection.pk, named_in_request(text.encode()), from_user_id=created_by_id):
        raise NamesHidden
    wanted = Intent(
        workspace_id=connection.workspace_id,
        connection=connection,
        created_by_id=created_by_id,
        is_private=is_private,
        source=source,
        route=route,
        request=text,
        digest=hashlib.sha256(f"{connection.pk}\n{route}\n{text}".encode()).hexdigest(),
        idempotency_key=idempotency_key,
        made_from=[list(kin) for kin in made_from],
        batch=batch,
        estimate=estimate.amount if estimate else None,
        estimate_currency=estimate.currency if estimate else "",
        created_at=now,
    )
    known = _known(wanted, now=now)
    if known is not None:
        return known
    called_at = callbacks.wanted_in(text) if reaches_us(connection) else ""
    try:
        with transaction.atomic():
            if called_at:
                wanted.callback = callbacks.begin(
                    connection.workspace_id, called_at, created_by_id=created_by_id, now=now
                )
            wanted.save(force_insert=True)
    except IntegrityError:  # somebody with the same key was faster
        known = _known(wanted, now=now)
        if known is None:
            raise
        return known
    return wanted


def send(
    intent_id: int,
    *,
    patience: float = PATIENCE_SECONDS,
    clock: Callable[[], datetime] = timezone.now,
) -> Sent:
    """Send an intent, and record what came of it.

    Where its maker wants to be called, upstream is given an address of ours, and the answer holds theirs again.

    One attempt, and one more only where no connection was made. Of several senders one sends, and the others wait for
    its outcome, or raise `StillSending` when their patience ends. What was accepted or refused for good is answered from
    the record; what may have made something is never sent again. If the outcome cannot be recorded it is given all the
    same, and found again later. Call it outside of any transaction: it may take 90 s.
    """
    intent = Intent.objects.select_related("connection", "callback").get(pk=intent_id)
    if not intent.is_sendable:
        return _as_recorded(intent, patience=patience)
    _check_connection(intent.connection)
    asked_at, started = clock(), monotonic()
    if not _take(intent, now=asked_at):
        return _as_recorded(intent, patience=patience)
    outcome = _attempt(intent, now=asked_at)
    recorded = _record(intent, outcome, asked_at=asked_at, seconds=monotonic() - started, now=clock())
    return Sent(
        intent_id=intent.pk,
        state=IntentState(_STATES[outcome.verdict]),
        answer=outcome.answer,
        error_kind=outcome.error.kind if outcome.error else "",
        error_text=str(outcome.error or ""),
        retry_after=outcome.error.retry_after if isinstance(outcome.error, RateLimited) else None,
        task_id=outcome.task_id,
        generation_id=recorded,
    )


_STATES: Final = {
    "accepted": IntentState.ACCEPTED,
    "refused": IntentState.REFUSED,
    "unknown": IntentState.UNKNOWN,
    "unsent": IntentState.INTENDED,
}


def _text_of(request: bytes | Mapping[str, Any]) -> str:
    """Give the request as text that every database stores and that encodes to the very same bytes."""
    if not isinstance(request, bytes):
        return json.dumps(request, ensure_ascii=False)
    try:
        text = request.decode()
    except UnicodeDecodeError:
        text = "\0"
    if "\0" in text:
        raise NotIntended("The body is not JSON in UTF-8.")
    return text


def _check_connection(connection: Connection) -> None:
    if connection.removed_at is not None:
        raise NotIntended("The connection was removed.")
    if connection.pause_reason == PauseReason.PERSON:
        raise NotIntended("The connection is paused.")


def _known(wanted: Intent, *, now: datetime) -> Intent | None:
    """Find what this person's key stands for, and let go of a key that has lived long enough."""
    if not wanted.idempotency_key:
        return None
    rows = Intent.objects.filter(
        workspace_id=wanted.workspace_id,
        created_by_id=wanted.created_by_id,
        idempotency_key=wanted.idempotency_key,
    )
    rows.filter(created_at__lte=now - KEYS_LIVE).update(idempotency_key="")
    known = rows.first()
    if known is not None and known.digest != wanted.digest:
        raise KeyReused
    return known


def _take(intent: Intent, *, now: datetime) -> bool:
    """Take the right to send: of several senders one gets True."""
    return bool(
        Intent.objects.filter(pk=intent.pk, is_sendable=True).update(
            is_sendable=False,
            state=IntentState.SENDING,
            sent_at=now,
            answered_at=None,
            answer_status=None,
            answer_headers={},
            answer="",
            error_kind="",
            error_text="",
            dismissed_at=None,
        )
    )


def _attempt(intent: Intent, *, now: datetime) -> Outcome:
    try:
        body = _body_of(intent)
        client = client_for(intent.connection, session=passing_session())
    except sealed.Unreadable as error:
        unreadable = KeyRefused(str(error))
        unreadable.was_sent = False
        return without_answer(unreadable)
    except KeyUnreadable as error:
        note_unreadable_key(intent.connection, str(error), now=now)
        unreadable = KeyRefused("The stored key cannot be read; an admin has to enter it again.")
        unreadable.was_sent = False
        return without_answer(unreadable)
    for _try in range(_TRIES):
        outcome = client.create(intent.route, body)
        if outcome.verdict != "unsent" or not isinstance(outcome.error, UpstreamUnavailable):
            break
    return _without_ours(outcome, workspace_id=intent.workspace_id) if intent.callback else outcome


def _body_of(intent: Intent) -> bytes:
    request = callbacks.with_ours(intent.request, intent.callback) if intent.callback else intent.request
    return request.encode()


def _without_ours(outcome: Outcome, *, workspace_id: int) -> Outcome:
    answer, snapshot = outcome.answer, outcome.snapshot
    if answer is not None:
        answer = replace(answer, body=callbacks.with_theirs(answer.body, workspace_id=workspace_id))
    if snapshot is not None:
        snapshot = callbacks.cleaned(snapshot, workspace_id=workspace_id)
    return replace(outcome, answer=answer, snapshot=snapshot)


def _record(intent: Intent, outcome: Outcome, *, asked_at: datetime, seconds: float, now: datetime) -> int | None:
    """Write the outcome down, once more on a new database connection if the first was lost meanwhile.

    Where that fails too, the intent stays *being sent* until a job calls it unknown, and the log names the id.
    """
    for _try in range(_TRIES):
        try:
            generation_id = settle(intent, outcome, now=now)
            if _tells_of_key(outcome):
                _tell_key(intent.connection, outcome.error, asked_at=asked_at, seconds=seconds, now=now)
        except DatabaseError:
            logger.exception(
                "The outcome of intent %s could not be recorded: %s %s", intent.pk, outcome.verdict, outcome.task_id
            )
            close_old_connections()
        else:
            return generation_id
    return None


def _tells_of_key(outcome: Outcome) -> bool:
    """Say whether the outcome is about the key, and not about what was asked with it.

    A refused model or a request that breaks the provider must neither pause the key nor close the host to everybody else.
    """
    if isinstance(outcome.error, KeyRefused):
        return outcome.answer is not None and outcome.answer.status == 401
    return outcome.verdict == "accepted" or isinstance(outcome.error, RateLimited | OutOfCredit)


def _tell_key(
    connection: Connection, error: UpstreamError | None, *, asked_at: datetime, seconds: float, now: datetime
) -> None:
    """Enter the outcome with the key, so that a 429, a refused key or an empty account is known to the refresh too."""
    book = Book()
    book.add(connection, error, asked_at=asked_at, heard_at=now, seconds=seconds, is_young=True)
    for workspace_id in sorted(book.write(now=now)):
        raise_seq(workspace_id)


def _as_recorded(intent: Intent, *, patience: float) -> Sent:
    """Give what came of an intent that somebody else sent or is sending."""
    waits_until = monotonic() + patience
    intent.refresh_from_db()
    while intent.state == IntentState.SENDING:
        if monotonic() >= waits_until:
            raise StillSending
        sleep(_LOOK_EVERY_SECONDS)
        intent.refresh_from_db()
    answer = None
    if intent.answer_status is not None:
        answer = Answer(intent.answer_status, intent.answer_headers, intent.answer.encode(), 0.0)
    return Sent(
        intent_id=intent.pk,
        state=IntentState(intent.state),
        answer=answer,
        error_kind=intent.error_kind,
        error_text=intent.error_text,
        task_id=intent.task_id,
        generation_id=intent.generation_id,
        is_replay=True,
    )
