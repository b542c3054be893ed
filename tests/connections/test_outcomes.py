from __future__ import annotations

from datetime import timedelta

import pytest

from lumaboard.audit.models import AuditEvent
from lumaboard.connections.models import Connection, Host, PauseReason
from lumaboard.connections.outcomes import WRONG_ACCOUNT_FROM, Book, note_unreadable_key
from lumaboard.upstream.errors import (
    GenerationNotFound,
    KeyRefused,
    NotAnApi,
    NotUnderstood,
    OutOfCredit,
    RateLimited,
    RequestRefused,
    UpstreamError,
    UpstreamUnavailable,
)
from tests.factories import NOW, make_connection

pytestmark = pytest.mark.django_db


def hear(
    book: Book, connection: Connection, *outcomes: UpstreamError | None, seconds: float = 0, is_young: bool = False
) -> None:
    """Enter these outcomes, all at this many seconds after noon."""
    at = NOW + timedelta(seconds=seconds)
    for outcome in outcomes:
        book.add(connection, outcome, asked_at=at, heard_at=at, seconds=0.25, is_young=is_young)


def written(connection: Connection, *outcomes: UpstreamError | None, seconds: float = 0) -> Connection:
    """Enter and write these outcomes, and read the connection again."""
    book = Book(draw=lambda: 0.5)
    hear(book, connection, *outcomes, seconds=seconds)
    book.write(now=NOW + timedelta(seconds=seconds))
    connection.refresh_from_db()
    return connection


def test_people_see_when_a_connection_was_asked_and_how_long_it_took() -> None:
    connection = written(make_connection(), None)

    assert (connection.asked_at, connection.answered_at, connection.answer_seconds) == (NOW, NOW, 0.25)


def test_an_error_is_kept_in_words_and_forgotten_with_the_next_good_answer() -> None:
    connection = written(make_connection(), UpstreamUnavailable("api.example did not answer in time."))
    assert (connection.error_kind, connection.error_at) == ("transient_error", NOW)
    assert "in time" in connection.error_text
    assert connection.answered_at is None

    written(connection, None, seconds=1)
    assert (connection.error_kind, connection.error_text, connection.error_at) == ("", "", None)


def test_an_unknown_id_or_a_refused_request_says_nothing_against_the_key() -> None:
    connection = written(make_connection(), GenerationNotFound("unknown"), RequestRefused("no"))

    assert connection.error_kind == ""
    assert not connection.looks_like_wrong_account
    assert Host.objects.count() == 0


def test_two_refusals_within_five_seconds_pause_nothing() -> None:
    connection = make_connection()
    for seconds in (0, 2, 4.9):
        written(connection, KeyRefused("no"), seconds=seconds)

    assert connection.pause_reason == ""
    assert connection.refused_count == 1


def test_a_good_answer_between_two_refusals_starts_the_count_anew() -> None:
    connection = written(make_connection(), KeyRefused("no"))
    written(connection, None, seconds=3)
    written(connection, KeyRefused("no"), seconds=6)

    assert (connection.pause_reason, connection.refused_count) == ("", 1)


def test_a_key_paused_by_a_person_is_not_paused_again_nor_resumed() -> None:
    connection = make_connection(pause_reason=PauseReason.PERSON, paused_at=NOW)
    written(connection, KeyRefused("no"))
    written(connection, KeyRefused("no"), seconds=6)
    assert connection.pause_reason == PauseReason.PERSON

    written(connection, None, seconds=7)
    assert connection.pause_reason == PauseReason.PERSON
    assert not AuditEvent.objects.exists()


def test_pausing_and_resuming_leave_audit_rows() -> None:
    connection = written(make_connection(), KeyRefused("no"))
    written(connection, KeyRefused("no"), seconds=6)
    written(connection, None, seconds=60)

    assert list(AuditEvent.objects.order_by("pk").values_list("verb", flat=True)) == [
        "connection.paused",
        "connection.resumed",
    ]
    assert (connection.pause_reason, connection.paused_at, connection.next_probe_at) == ("", None, None)


def test_many_429s_of_one_round_halve_the_allowance_once_and_the_longest_wish_counts() -> None:
    connection = make_connection(allowance_per_minute=600)
    written(connection, *(RateLimited("slow down", retry_after=seconds) for seconds in (5, 30, 10)))

    assert connection.allowance_per_minute == 300
    assert connection.blocked_until == NOW + timedelta(seconds=30)

    written(connection, RateLimited("slow down", retry_after=2), seconds=10)  # an answer that was still on its way
    assert connection.allowance_per_minute == 300
    assert connection.blocked_until == NOW + timedelta(seconds=30)


def test_the_allowance_grows_back_with_answers() -> None:
    connection = make_connection(kind="cometapi", allowance_per_minute=300)
    written(connection, *[None] * 20)

    assert connection.allowance_per_minute == 310


def test_out_of_credit_is_a_flag_that_a_good_answer_takes_back() -> None:
    connection = written(make_connection(), OutOfCredit("nothing left"))
    assert connection.is_out_of_credit
    assert connection.pause_reason == ""

    written(connection, None, seconds=5)
    assert not connection.is_out_of_credit


def test_many_unknown_ids_and_none_known_look_like_a_wrong_account() -> None:
    unknown = [GenerationNotFound("unknown")] * WRONG_ACCOUNT_FROM

    assert written(make_connection(), *unknown).looks_like_wrong_account
    assert not written(make_connection(), *unknown, None).looks_like_wrong_account
    assert not written(make_connection(), *unknown[1:]).looks_like_wrong_account


def test_ids_too_young_to_be_known_accuse_no_account() -> None:
    book, connection = Book(), make_connection()
    hear(book, connection, *[GenerationNotFound("unknown")] * 20, is_young=True)

    assert not book.looks_like_wrong_account(connection)


@pytest.mark.parametrize("error", [UpstreamUnavailable("down"), NotUnderstood("what?"), NotAnApi("a web page")])
def test_failures_of_the_host_open_its_circuit_and_leave_the_key_alone(error: UpstreamError) -> None:
    connection = written(make_connection(base_url="https://api.example"), *[error] * 5)
    host = Host.objects.get(name="api.example:443")

    assert host.failure_count == 5
    assert host.open_until == NOW + timedelta(seconds=4)
    assert host.error_text
    assert connection.pause_reason == ""
    assert connection.blocked_until is None


def test_a_circuit_stays_open_longer_each_time_and_a_minute_at_most() -> None:
    connection = make_connection()
    written(connection, *[UpstreamUnavailable("down")] * 30)
    waits = []
    for _ in range(6):
        host = Host.objects.get()
        assert host.open_until is not None
        seconds = (host.open_until - NOW).total_seconds()
        written(connection, UpstreamUnavailable("down"), seconds=seconds)
        reopened = Host.objects.get().open_until
        assert reopened is not None
        waits.append((reopened - host.open_until).total_seconds())

    assert waits == [8, 16, 30, 30, 30, 30]


def test_one_good_answer_closes_the_circuit_for_all_keys() -> None:
    Host.objects.create(name="127.0.0.1:1", failure_count=9, open_until=NOW, error_text="down")
    written(make_connection(), None)

    host = Host.objects.get()
    assert (host.failure_count, host.open_until, host.error_text) == (0, None, "")


def test_a_round_leaves_a_refused_or_limited_key_and_a_dead_host_alone() -> None:
    book = Book()
    refused, limited, dead, fine = (make_connection(base_url=f"http://127.0.0.1:{port}") for port in range(1, 5))
    hear(book, refused, KeyRefused("no"))
    hear(book, limited, RateLimited("slow down"))
    hear(book, dead, *[UpstreamUnavailable("down")] * 5)
    hear(book, fine, None, GenerationNotFound("unknown"), OutOfCredit("empty"))

    assert [book.is_stopped(connection) for connection in (refused, limited, dead, fine)] == [True, True, True, False]


def test_only_what_people_see_moves_their_pages() -> None:
    connection = make_connection()
    book = Book()
    hear(book, connection, None)
    assert book.write(now=NOW) == set()

    hear(book, connection, OutOfCredit("empty"))
    assert book.write(now=NOW) == {connection.workspace_id}


def test_a_key_that_cannot_be_read_pauses_its_connection_and_says_why() -> None:
    connection = make_connection()
    note_unreadable_key(connection, "The key cannot be read.", now=NOW)

    connection.refresh_from_db()
    assert (connection.pause_reason, connection.error_kind) == (PauseReason.KEY_REFUSED, "key_unreadable")
    assert connection.error_text == "The key cannot be read."
