"""From an intent to a generation: written down first, sent once, matched, and honest where nobody knows."""

from __future__ import annotations

import json
import threading
from datetime import timedelta
from typing import Any

import pytest
from django.db import DatabaseError
from django.db import connection as database

from lumaboard.accounts.models import Membership, Role
from lumaboard.audit.models import AuditEvent
from lumaboard.connections.models import Connection, Host
from lumaboard.generations.models import Generation, State
from lumaboard.generations.operations import Wanted, track
from lumaboard.submission import slots
from lumaboard.submission.models import Intent, IntentState
from lumaboard.submission.operations import KeyReused, NotIntended, StillSending, intend, send
from tests.factories import NOW, make_member
from tests.outbound.scripted import Script, ScriptedServer, saying
from tests.submission.conftest import (
    ASKED,
    Serve,
    Submit,
    connection_at,
    created,
    hanging_up,
    in_turn,
    making,
    nobody_listening,
    saying_json,
)

pytestmark = pytest.mark.django_db


def upstream(alice: Membership, serve: Serve, script: Script) -> tuple[Connection, ScriptedServer]:
    server = serve(script)
    return connection_at(alice, server.url), server


def test_an_accepted_create_is_tracked_at_once(alice: Membership, serve: Serve, submit_at: Submit) -> None:
    connection, server = upstream(alice, serve, making())
    sent = submit_at(connection)
    generation = Generation.objects.get()
    assert (sent.state, sent.task_id, sent.generation_id) == (IntentState.ACCEPTED, "made-1", generation.pk)
    assert sent.answer is not None
    assert sent.answer.status == 201
    assert (generation.task_id, generation.state, generation.created_by) == ("made-1", State.QUEUED, alice.user)
    assert (generation.prompt, generation.model) == ("A quiet harbour", "ray-2")
    assert (generation.aspect_ratio, generation.resolution) == ("9:16", "720p")
    assert generation.request == json.loads(ASKED)
    assert generation.next_refresh_at == NOW
    assert (generation.act, generation.acted_by) == ("submit", alice.user)
    assert AuditEvent.objects.get(verb="submit").target_id == str(generation.pk)
    intent = generation.intents.get()
    assert (intent.state, intent.is_sendable, intent.source, intent.answer_status) == ("accepted", False, "proxy", 201)
    assert len(server.requests) == 1


def test_a_private_submission_is_its_owners_alone(alice: Membership, serve: Serve, submit_at: Submit) -> None:
    connection, _server = upstream(alice, serve, making())
    submit_at(connection, is_private=True)
    assert Generation.objects.get().is_private
    assert AuditEvent.objects.get(verb="submit").audience == f"person:{alice.user_id}"


def test_the_intent_is_written_before_the_request_leaves(alice: Membership, serve: Serve) -> None:
    connection, server = upstream(alice, serve, making())
    intent = intended(connection, alice)
    assert (intent.state, intent.sent_at, server.requests) == ("intended", None, [])
    assert intent.request == ASKED.decode()


def intended(connection: Connection, alice: Membership, **options: Any) -> Intent:
    options = {"route": "/generations", "request": ASKED, "source": "form", "now": NOW} | options
    return intend(connection, created_by_id=alice.user_id, **options)


@pytest.mark.parametrize(
    ("script", "kind", "is_sendable"),
    [
        (saying_json({"detail": "Prompt is required"}, "400 Bad Request"), "permanent_error", False),
        (saying_json({"detail": "prompt moderation failed"}, "400 Bad Request"), "moderation_error", False),
        (saying_json({"detail": "slow down"}, "429 Too Many Requests", "Retry-After: 7\r\n"), "rate_limited", True),
        (saying_json({"detail": "Not authenticated"}, "401 Unauthorized"), "auth_error", True),
        (saying_json({"error": {"message": "no channel"}}, "503 Service Unavailable"), "transient_error", True),
    ],
)
def test_a_refusal_is_kept_with_its_reason(
    alice: Membership, serve: Serve, submit_at: Submit, script: Script, kind: str, is_sendable: bool
) -> None:
    connection, server = upstream(alice, serve, script)
    sent = submit_at(connection)
    intent = Intent.objects.get()
    assert (sent.state, sent.error_kind, intent.state) == ("refused", kind, "refused")
    assert intent.is_sendable is is_sendable
    assert not Generation.objects.exists()
    assert len(server.requests) == 1


def test_a_429_makes_the_key_wait(alice: Membership, serve: Serve, submit_at: Submit) -> None:
    connection, _server = upstream(
        alice, serve, saying_json({"detail": "slow"}, "429 Too Many Requests", "Retry-After: 7\r\n")
    )
    sent = submit_at(connection)
    connection.refresh_from_db()
    assert sent.retry_after == 7
    assert connection.blocked_until == NOW + timedelta(seconds=7)


@pytest.mark.parametrize("status", ["403 Forbidden", "500 Internal Server Error"])
def test_what_was_asked_for_says_nothing_about_the_key_or_its_host(
    alice: Membership, serve: Serve, submit_at: Submit, status: str
) -> None:
    connection, _server = upstream(alice, serve, saying_json({"detail": "not with this model"}, status))
    for minute in range(6):
        submit_at(connection, clock=lambda minute=minute: NOW + timedelta(minutes=minute))
    connection.refresh_from_db()
    assert (connection.pause_reason, connection.refused_count, Host.objects.count()) == ("", 0, 0)


def test_an_empty_account_is_noticed(alice: Membership, serve: Serve, submit_at: Submit) -> None:
    connection, _server = upstream(alice, serve, saying_json({"detail": "no credit"}, "402 Payment Required"))
    submit_at(connection)
    connection.refresh_from_db()
    assert connection.is_out_of_credit


def test_a_connection_that_is_refused_may_be_tried_once_more_and_then_waits_for_its_sender(
    alice: Membership, serve: Serve, submit_at: Submit
) -> None:
    with nobody_listening() as url:
        connection = connection_at(alice, url)
    sent = submit_at(connection, idempotency_key="k")
    intent = Intent.objects.get()
    assert (sent.state, sent.answer, intent.state, intent.sent_at) == ("intended", None, "intended", None)
    assert intent.is_sendable

    Connection.objects.filter(pk=connection.pk).update(base_url=(server := serve(making())).url)
    reseal(connection)
    assert submit_at(connection, idempotency_key="k").state == IntentState.ACCEPTED
    assert Intent.objects.count() == len(server.requests) == 1


def reseal(connection: Connection) -> None:
    """Move the key along to the new address, as a person does who enters it again."""
    from lumaboard.connections.keys import seal

    connection.refresh_from_db()
    connection.key_box = seal("sk-test-1234", workspace_id=connection.workspace_id, base_url=connection.base_url)
    connection.save()


@pytest.mark.parametrize(
    "script",
    [
        hanging_up,
        saying(b'HTTP/1.1 201 Created\r\nContent-Length: 99\r\n\r\n{"id":', then_close=True),
        saying_json({"detail": "Internal server error"}, "500 Internal Server Error"),
    ],
)
def test_where_something_may_have_been_made_the_outcome_is_unknown_and_it_is_never_sent_again(
    alice: Membership, serve: Serve, submit_at: Submit, script: Script
) -> None:
    connection, server = upstream(alice, serve, script)
    sent = submit_at(connection, idempotency_key="k")
    again = submit_at(connection, idempotency_key="k")
    assert (sent.state, again.state, again.is_replay) == ("unknown", "unknown", True)
    assert len(server.requests) == 1
    intent = Intent.objects.get()
    assert intent.next_look_at == NOW + timedelta(seconds=20)


def test_the_same_key_and_request_give_the_same_answer_and_one_create(
    alice: Membership, serve: Serve, submit_at: Submit
) -> None:
    connection, server = upstream(alice, serve, making())
    first = submit_at(connection, idempotency_key="once")
    second = submit_at(connection, idempotency_key="once")
    assert first.answer is not None
    assert second.answer is not None
    assert (second.answer.status, second.answer.body) == (first.answer.status, first.answer.body)
    assert second.is_replay
    assert len(server.requests) == Generation.objects.count() == 1


def test_a_refusal_for_good_is_given_again_but_a_429_is_not(alice: Membership, serve: Serve, submit_at: Submit) -> None:
    refusal = saying_json({"detail": "Prompt is required"}, "400 Bad Request")
    connection, server = upstream(
        alice, serve, in_turn(refusal, saying_json({"detail": "slow"}, "429 Too Many Requests"), making())
    )
    assert submit_at(connection, idempotency_key="a").state == "refused"
    replayed = submit_at(connection, idempotency_key="a")
    assert (replayed.is_replay, replayed.answer and replayed.answer.status) == (True, 400)
    assert len(server.requests) == 1
    assert submit_at(connection, idempotency_key="b").state == "refused"
    assert submit_at(connection, idempotency_key="b").state == "accepted"
    assert len(server.requests) == 3


def test_the_same_key_with_another_request_is_refused(alice: Membership, serve: Serve, submit_at: Submit) -> None:
    connection, server = upstream(alice, serve, making())
    submit_at(connection, idempotency_key="once")
    for other in ({"request": b'{"prompt": "Another"}'}, {"route": "/generations/video"}):
        with pytest.raises(KeyReused):
            submit_at(connection, idempotency_key="once", **other)
    assert len(server.requests) == 1


def test_a_key_means_something_new_after_a_day(alice: Membership, serve: Serve, submit_at: Submit) -> None:
    connection, server = upstream(alice, serve, making())
    submit_at(connection, idempotency_key="daily")
    submit_at(connection, idempotency_key="daily", clock=lambda: NOW + timedelta(hours=25))
    assert len(server.requests) == Generation.objects.count() == 2


def test_a_key_belongs_to_one_person(alice: Membership, serve: Serve, submit_at: Submit) -> None:
    dana = make_member("Dana", role=Role.MEMBER, workspace=alice.workspace)
    connection, server = upstream(alice, serve, making())
    submit_at(connection, idempotency_key="1", is_private=True)
    assert not submit_at(connection, idempotency_key="1", created_by_id=dana.user_id).is_replay
    assert len(server.requests) == 2


def test_two_creates_without_a_key_are_two(alice: Membership, serve: Serve, submit_at: Submit) -> None:
    connection, server = upstream(alice, serve, making())
    submit_at(connection)
    submit_at(connection)
    assert len(server.requests) == Generation.objects.count() == 2


def test_what_was_tracked_before_its_answer_came_is_matched_and_not_doubled(
    alice: Membership, serve: Serve, submit_at: Submit
) -> None:
    connection, _server = upstream(alice, serve, making())
    track(connection, [Wanted("made-1")], created_by_id=alice.user_id, now=NOW)
    sent = submit_at(connection)
    generation = Generation.objects.get()
    assert (sent.generation_id, generation.intents.get().state) == (generation.pk, "accepted")


def test_an_id_given_out_twice_is_tracked_once(alice: Membership, serve: Serve, submit_at: Submit) -> None:
    connection, _server = upstream(alice, serve, saying_json(created("the-same"), "201 Created"))
    assert submit_at(connection).generation_id == submit_at(connection).generation_id
    assert Generation.objects.get().intents.count() == 2


@pytest.mark.parametrize(
    "options",
    [
        {"route": "/credits"},
        {"route": "/generations/../credits"},
        {"route": "//evil.example/generations"},
        {"request": b"\xff\xfe"},
        {"request": b'{"prompt": "a\0b"}'},
        {"idempotency_key": "x" * 256},
        {"idempotency_key": "a\nb"},
    ],
)
def test_what_cannot_be_a_create_is_neither_written_nor_sent(
    alice: Membership, serve: Serve, submit_at: Submit, options: dict[str, Any]
) -> None:
    connection, server = upstream(alice, serve, making())
    with pytest.raises(NotIntended):
        submit_at(connection, **options)
    assert (Intent.objects.count(), server.requests) == (0, [])


@pytest.mark.parametrize("changes", [{"pause_reason": "person"}, {"removed_at": NOW, "key_box": b"", "key_last4": ""}])
def test_a_paused_or_removed_connection_sends_nothing(
    alice: Membership, serve: Serve, submit_at: Submit, changes: dict[str, Any]
) -> None:
    connection, server = upstream(alice, serve, making())
    intent = intended(connection, alice)
    Connection.objects.filter(pk=connection.pk).update(**changes)
    connection.refresh_from_db()
    with pytest.raises(NotIntended):
        submit_at(connection)
    with pytest.raises(NotIntended):
        send(intent.pk)
    assert server.requests == []


def test_an_unreadable_key_sends_nothing_and_says_so(alice: Membership, serve: Serve, submit_at: Submit) -> None:
    connection, server = upstream(alice, serve, making())
    Connection.objects.filter(pk=connection.pk).update(key_box=b"x" * 40)
    connection.refresh_from_db()
    sent = submit_at(connection)
    connection.refresh_from_db()
    assert (sent.state, sent.error_kind, server.requests) == ("intended", "auth_error", [])
    assert connection.pause_reason == "key_refused"


def test_somebody_with_the_same_key_waits_and_then_is_told_to_come_back(alice: Membership, serve: Serve) -> None:
    connection, server = upstream(alice, serve, making())
    intent = intended(connection, alice, idempotency_key="k")
    Intent.objects.filter(pk=intent.pk).update(state="sending", is_sendable=False, sent_at=NOW)
    assert intended(connection, alice, idempotency_key="k") == intent
    with pytest.raises(StillSending):
        send(intent.pk, patience=0)
    assert server.requests == []


def test_beyond_the_bound_nothing_is_written_and_the_caller_is_asked_to_come_back(
    alice: Membership, serve: Serve, submit_at: Submit, settings: Any
) -> None:
    settings.CREATES_AT_ONCE = 1
    slots._slots.cache_clear()
    connection, server = upstream(alice, serve, making())
    with slots.slot(), pytest.raises(slots.Busy) as busy:
        submit_at(connection)
    assert busy.value.retry_after > 0
    assert (Intent.objects.count(), server.requests) == (0, [])
    assert submit_at(connection).state == "accepted"
    slots._slots.cache_clear()


@pytest.mark.django_db(transaction=True)
def test_the_answer_is_given_even_if_it_cannot_be_recorded(
    alice: Membership, serve: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    connection, server = upstream(alice, serve, making())
    intent = intended(connection, alice)

    def refuse_tracking(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if "generations_generation" in sql:
            raise DatabaseError("the disk is full")
        return execute(sql, params, many, context)

    with database.execute_wrapper(refuse_tracking):
        sent = send(intent.pk, clock=lambda: NOW)
    assert sent.answer is not None
    assert (sent.answer.status, sent.task_id, sent.generation_id) == (201, "made-1", None)
    intent.refresh_from_db()
    assert (intent.state, intent.is_sendable) == ("sending", False)
    assert "made-1" in caplog.text
    assert len(server.requests) == 1


@pytest.mark.django_db(transaction=True)
def test_of_many_who_press_at_once_with_one_key_one_makes_it(
    alice: Membership, serve: Serve, submit_at: Submit
) -> None:
    connection, server = upstream(alice, serve, making())
    start, states = threading.Barrier(6), []

    def press() -> None:
        start.wait()
        try:
            states.append(submit_at(connection, idempotency_key="pressed").state)
        finally:
            database.close()

    people = [threading.Thread(target=press) for _ in range(6)]
    for person in people:
        person.start()
    for person in people:
        person.join(30)
    assert states == ["accepted"] * 6
    assert len(server.requests) == Intent.objects.count() == Generation.objects.count() == 1


def test_the_key_is_in_no_row(alice: Membership, serve: Serve, submit_at: Submit) -> None:
    server = serve(making())
    connection = connection_at(alice, server.url, key="sk-planted-secret-0001")
    submit_at(connection)
    assert b"sk-planted-secret-0001" in server.requests[0]
    intent = Intent.objects.get()
    assert "sk-planted" not in " ".join(str(value) for value in vars(intent).values())
