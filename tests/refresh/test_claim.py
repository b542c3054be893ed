from __future__ import annotations

import threading
from collections import Counter
from datetime import timedelta

import pytest
from django.db import connection as database
from django.test.utils import CaptureQueriesContext

from lumaboard.connections.models import Connection, Host, PauseReason
from lumaboard.generations.models import Generation, State
from lumaboard.refresh.claim import LEASE, claim_due, give_back
from tests.factories import NOW, make_connection, make_generation, make_workspace


def provider(**fields: object) -> Connection:
    fields.setdefault("calls_left_at", NOW)
    return make_connection(fields.pop("workspace", None), kind="cometapi", **fields)  # type: ignore[arg-type]


def claimed(limit: int = 100, **later: float) -> list[int]:
    return [claim.row.pk for claim in claim_due(now=NOW + timedelta(**later), limit=limit)]


@pytest.mark.django_db
def test_a_claimed_row_is_nobody_elses_until_its_lease_ends_by_itself() -> None:
    generation = make_generation(provider())

    assert claimed() == [generation.pk]
    assert claimed(seconds=LEASE.total_seconds() - 1) == []
    assert claimed(seconds=LEASE.total_seconds() + 1) == [generation.pk]


@pytest.mark.django_db
def test_the_claim_of_an_older_row_sets_the_time_of_its_next_asking() -> None:
    connection = provider()
    make_generation(connection, created_at=NOW - timedelta(hours=3))
    make_generation(connection, created_at=NOW)

    older, young = sorted(claim_due(now=NOW, limit=10), key=lambda claim: claim.row.created_at)

    assert older.is_paced
    assert timedelta(minutes=9) <= older.next_refresh_at - NOW <= timedelta(minutes=11)
    assert not young.is_paced
    assert young.next_refresh_at == NOW + LEASE


@pytest.mark.django_db
def test_settled_undue_parked_and_held_rows_are_left_alone() -> None:
    connection = provider()
    make_generation(connection, state=State.SUCCEEDED)
    make_generation(connection, next_refresh_at=NOW + timedelta(seconds=1))
    make_generation(connection, next_refresh_at=None)
    trashed = make_generation(connection, trashed_at=NOW)

    assert claimed() == [trashed.pk]


@pytest.mark.django_db
def test_a_clock_set_back_freezes_nothing() -> None:
    generation = make_generation(provider(), next_refresh_at=NOW + timedelta(hours=3))

    assert claimed() == [generation.pk]


@pytest.mark.django_db
def test_the_oldest_due_rows_of_a_connection_come_first() -> None:
    connection = provider()
    rows = [make_generation(connection, next_refresh_at=NOW - timedelta(minutes=minutes)) for minutes in range(5)]

    assert claimed(limit=2) == [rows[4].pk, rows[3].pk]


@pytest.mark.django_db
def test_no_connection_and_no_workspace_starves_the_others() -> None:
    crowd, crowded = make_workspace(), []
    for _ in range(2):
        connection = provider(workspace=crowd)
        crowded += [make_generation(connection, next_refresh_at=NOW - timedelta(hours=1)) for _ in range(20)]
    lonely = [make_generation(provider()) for _ in range(2)]

    got = Counter(claim.row.workspace_id for claim in claim_due(now=NOW, limit=12))

    assert got[crowd.pk] == 4
    assert all(got[generation.workspace_id] == 1 for generation in lonely)


@pytest.mark.django_db
def test_a_connection_gives_no_more_rows_than_its_budget_has_calls() -> None:
    connection = provider(allowance_per_minute=60, calls_left=3)
    for _ in range(10):
        make_generation(connection)

    assert len(claimed()) == 3
    assert claimed() == []
    assert len(claimed(seconds=2)) == 2


@pytest.mark.django_db
def test_connections_that_may_not_be_asked_give_no_rows() -> None:
    later = NOW + timedelta(minutes=1)
    for fields in (
        {"pause_reason": PauseReason.PERSON},
        {"pause_reason": PauseReason.KEY_REFUSED, "next_probe_at": later},
        {"blocked_until": later},
    ):
        make_generation(provider(**fields))
    removed = provider()
    make_generation(removed)
    Connection.objects.filter(pk=removed.pk).update(removed_at=NOW, key_box=b"", key_last4="")

    assert claimed() == []


@pytest.mark.django_db
def test_a_refused_key_gets_one_probe_when_its_turn_has_come() -> None:
    connection = provider(pause_reason=PauseReason.KEY_REFUSED, paused_at=NOW, next_probe_at=NOW)
    for _ in range(5):
        make_generation(connection)

    assert len(claimed()) == 1
    assert claimed() == []


@pytest.mark.django_db
def test_a_host_whose_circuit_is_open_gets_one_probe_for_all_its_keys() -> None:
    for _ in range(3):
        make_generation(provider(base_url="http://127.0.0.1:9"))
    host = Host.objects.create(name="127.0.0.1:9", failure_count=5, open_until=NOW + timedelta(seconds=10))

    assert claimed() == []
    assert len(claimed(seconds=10)) == 1
    host.refresh_from_db()
    assert claimed(seconds=11) == []


@pytest.mark.django_db
def test_what_is_given_back_is_due_at_once_and_its_calls_are_not_spent() -> None:
    connection = provider(calls_left=10)
    for _ in range(4):
        make_generation(connection)
    claims = claim_due(now=NOW, limit=10)

    give_back(claims, now=NOW)

    connection.refresh_from_db()
    assert connection.calls_left == 10
    assert len(claimed()) == 4


@pytest.mark.django_db
def test_nothing_is_given_back_that_somebody_else_holds_by_now() -> None:
    make_generation(provider())
    first = claim_due(now=NOW, limit=10)
    later = NOW + LEASE + timedelta(seconds=1)
    [second] = claim_due(now=later, limit=10)

    give_back(first, now=later)

    assert Generation.objects.get().next_refresh_at == second.next_refresh_at


@pytest.mark.django_db
def test_the_number_of_statements_does_not_grow_with_the_rows() -> None:
    connection = provider(allowance_per_minute=60_000, calls_left=6000)

    def statements(rows: int) -> int:
        for _ in range(rows):
            make_generation(connection)
        with CaptureQueriesContext(database) as captured:
            assert len(claimed(limit=rows)) == rows
        return len(captured)

    assert statements(2) == statements(30)


@pytest.mark.django_db(transaction=True)
def test_of_several_claimers_at_once_each_row_goes_to_one() -> None:
    for _ in range(4):
        connection = provider(allowance_per_minute=60_000, calls_left=6000)
        for _ in range(15):
            make_generation(connection)
    got: list[int] = []

    def claimer() -> None:
        try:
            while pks := claimed(limit=8):
                got.extend(pks)
        finally:
            database.close()

    claimers = [threading.Thread(target=claimer) for _ in range(4)]
    for thread in claimers:
        thread.start()
    for thread in claimers:
        thread.join(60)

    assert len(got) == len(set(got))
    assert len(got) + len(claimed()) == 60  # a claimer that met only locked rows may stop early
