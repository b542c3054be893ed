"""What load balancers and monitoring are told."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries, Settings

from lumaboard.generations.counters import Beat
from lumaboard.generations.models import State
from tests.factories import make_asset, make_generation


@pytest.fixture
def living_worker(db: None) -> Beat:
    return Beat.objects.create(name="tick", due_at=timezone.now(), beaten_at=timezone.now())


def test_healthz_asks_nothing_of_the_database(
    client: Client, db: None, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_num_queries(0):
        assert client.get("/healthz").content == b"ok\n"


def test_readyz_is_ready_while_everything_works(client: Client, living_worker: Beat) -> None:
    answer = client.get("/readyz")
    assert answer.status_code == 200
    assert answer.json()["ready"] is True


def test_readyz_says_that_no_worker_ever_ran(client: Client, db: None) -> None:
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert "has not run yet" in answer.json()["checks"]["worker"]["words"]


def test_readyz_says_that_the_worker_has_fallen_silent(client: Client, living_worker: Beat) -> None:
    Beat.objects.update(beaten_at=timezone.now() - timedelta(seconds=31))
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["checks"]["worker"]["ok"] is False


def test_readyz_says_that_the_disk_is_full(client: Client, living_worker: Beat, settings: Settings) -> None:
    settings.DISK_RESERVE = 2**60
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert "full" in answer.json()["checks"]["disk"]["words"]


def test_metrics_do_not_exist_without_a_token(client: Client, db: None) -> None:
    assert client.get("/metrics").status_code == 404


def test_metrics_are_kept_from_those_without_the_token(client: Client, db: None, settings: Settings) -> None:
    settings.METRICS_TOKEN = "a secret"
    assert client.get("/metrics").status_code == 401
    assert client.get("/metrics", headers={"Authorization": "Bearer another"}).status_code == 401


def test_metrics_count_what_waits(
    client: Client,
    living_worker: Beat,
    settings: Settings,
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    settings.METRICS_TOKEN = "a secret"
    now = timezone.now()
    late = make_generation(next_refresh_at=now - timedelta(seconds=90))
    make_generation(late.connection, state=State.RUNNING, next_refresh_at=now + timedelta(minutes=1))
    make_asset(make_generation(late.connection, state=State.SUCCEEDED))
    with django_assert_max_num_queries(6):
        lines = client.get("/metrics", headers={"Authorization": "Bearer a secret"}).content.decode().splitlines()
    figures = dict(line.rsplit(" ", 1) for line in lines if not line.startswith("#"))
    assert figures['lumaboard_pending_generations{state="queued"}'] == "1"
    assert figures['lumaboard_pending_generations{state="running"}'] == "1"
    assert figures["lumaboard_due_generations"] == "1"
    assert 90 <= float(figures["lumaboard_refresh_lateness_seconds"]) < 120
    assert figures['lumaboard_waiting_copies{state="wanted"}'] == "1"
    assert figures['lumaboard_connections{which="all"}'] == "1"
    assert float(figures['lumaboard_beat_age_seconds{beat="tick"}']) < 60
    assert float(figures["lumaboard_disk_free_bytes"]) > 0
