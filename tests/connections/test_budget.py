from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from django.db import connection as database
from django.db import transaction
from hypothesis import given
from hypothesis import strategies as st

from lumaboard.connections.budget import (
    LEAST_ALLOWANCE,
    askable,
    calls_available,
    capacity,
    grown,
    halved,
    host_of,
    probe_wait,
    return_calls,
    take_calls,
    take_host_probe,
    take_key_probe,
)
from lumaboard.connections.models import Connection, Host, Kind, PauseReason
from tests.factories import NOW, make_connection


def take(connection: Connection, calls: int, *, seconds: float = 0) -> int:
    with transaction.atomic():
        return take_calls({connection.pk: calls}, now=NOW + timedelta(seconds=seconds))[connection.pk]


@pytest.mark.django_db
def test_a_bucket_gives_what_it_holds_and_refills_with_the_minute() -> None:
    connection = make_connection(allowance_per_minute=600, calls_left=60, calls_left_at=NOW)

    assert take(connection, 50) == 50
    assert take(connection, 50) == 10
    assert take(connection, 50) == 0
    assert take(connection, 50, seconds=2) == 20
    assert take(connection, 500, seconds=3600) == 60


@pytest.mark.django_db
def test_many_small_takings_lose_no_fraction_of_a_call() -> None:
    connection = make_connection(allowance_per_minute=60, calls_left=0, calls_left_at=NOW)

    assert sum(take(connection, 5, seconds=tenths / 10) for tenths in range(1, 101)) == 10


@pytest.mark.django_db
def test_calls_that_were_not_made_go_back_but_never_above_the_brim() -> None:
    connection = make_connection(allowance_per_minute=600, calls_left=60, calls_left_at=NOW)
    take(connection, 40)

    return_calls({connection.pk: 30}, now=NOW)
    connection.refresh_from_db()
    assert connection.calls_left == 50

    return_calls({connection.pk: 300}, now=NOW)
    connection.refresh_from_db()
    assert connection.calls_left == 60


@pytest.mark.django_db
def test_a_clock_set_back_does_not_dry_the_bucket_up() -> None:
    connection = make_connection(calls_left=0, calls_left_at=NOW + timedelta(days=1))

    assert calls_available(connection, NOW) == 60


@pytest.mark.django_db(transaction=True)
def test_several_takers_at_once_never_get_more_than_the_bucket_holds() -> None:
    connection = make_connection(allowance_per_minute=600, calls_left=60, calls_left_at=NOW)
    taken: list[int] = []

    def taker() -> None:
        try:
            taken.extend(take(connection, 7) for _ in range(5))
        finally:
            database.close()

    takers = [threading.Thread(target=taker) for _ in range(4)]
    for thread in takers:
        thread.start()
    for thread in takers:
        thread.join(30)

    assert sum(taken) == 60


@given(allowance=st.floats(0.1, 100_000))
def test_a_bucket_always_holds_a_call_however_small_the_allowance(allowance: float) -> None:
    assert capacity(Connection(allowance_per_minute=allowance)) >= 1
    assert halved(allowance) >= LEAST_ALLOWANCE


def test_an_allowance_grows_back_with_answers_up_to_its_ceiling() -> None:
    allowance = halved(600)
    for _ in range(1000):
        allowance = grown(allowance, kind=Kind.COMETAPI, answers=10)
    assert allowance == 600


def test_an_allowance_set_by_hand_above_the_ceiling_stays() -> None:
    assert grown(5000, kind=Kind.COMETAPI, answers=10) == 5000


def test_the_simulators_allowance_grows_much_faster() -> None:
    assert grown(600, kind=Kind.SIMULATOR, answers=100) > 5 * grown(100, kind=Kind.COMETAPI, answers=100)


def test_connections_share_a_circuit_by_host_and_port() -> None:
    assert host_of("https://api.cometapi.com") == host_of("https://API.cometapi.com/prefix") == "api.cometapi.com:443"
    assert host_of("http://127.0.0.1:8787") == "127.0.0.1:8787"


@pytest.mark.django_db
def test_only_connections_that_may_be_asked_are_askable() -> None:
    later, earlier = NOW + timedelta(minutes=1), NOW - timedelta(minutes=1)
    make_connection(pause_reason=PauseReason.PERSON)
    make_connection(blocked_until=later)
    make_connection(pause_reason=PauseReason.KEY_REFUSED, next_probe_at=later)
    removed = make_connection()
    Connection.objects.filter(pk=removed.pk).update(removed_at=NOW, key_box=b"", key_last4="")
    fine = {
        make_connection().pk,
        make_connection(blocked_until=earlier).pk,
        make_connection(pause_reason=PauseReason.KEY_REFUSED, next_probe_at=earlier).pk,
        make_connection(blocked_until=NOW + timedelta(days=1)).pk,  # from a clock that was set back since
    }

    assert set(askable(Connection.objects.all(), NOW).values_list("pk", flat=True)) == fine


@pytest.mark.django_db
def test_of_all_callers_one_gets_the_probe_of_a_key_and_the_next_is_later() -> None:
    connection = make_connection(
        pause_reason=PauseReason.KEY_REFUSED, paused_at=NOW - timedelta(minutes=5), next_probe_at=NOW
    )

    assert take_key_probe(connection.pk, now=NOW)
    assert not take_key_probe(connection.pk, now=NOW)
    connection.refresh_from_db()
    assert connection.next_probe_at == NOW + timedelta(minutes=5)


def test_probes_are_an_hour_apart_at_most() -> None:
    assert probe_wait(timedelta(0)) == timedelta(seconds=30)
    assert probe_wait(timedelta(days=3)) == timedelta(hours=1)


@pytest.mark.django_db
def test_of_all_callers_one_gets_the_probe_of_a_host() -> None:
    host = Host.objects.create(name="api.example:443", failure_count=5, open_until=NOW)

    assert not take_host_probe(host, now=NOW - timedelta(seconds=1))
    assert take_host_probe(host, now=NOW)
    assert not take_host_probe(host, now=NOW)
