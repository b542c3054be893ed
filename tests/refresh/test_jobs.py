from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from django.conf import settings
from django.utils import timezone
from django.utils.module_loading import import_string
from django_q.models import OrmQ
from werkzeug import Request, Response

from lumaboard.connections.models import Connection, PauseReason
from lumaboard.generations.counters import Beat
from lumaboard.generations.models import CopyState, Generation, State
from lumaboard.generations.operations import Wanted, check_now, track
from lumaboard.refresh import jobs
from tests.factories import make_asset, make_generation, make_member
from tests.refresh.conftest import Upstream, answer, completed

pytestmark = pytest.mark.django_db


def test_a_tick_asks_about_what_is_due_and_beats_at_its_end(upstream: Upstream) -> None:
    make_generation(upstream.connection(), next_refresh_at=timezone.now(), created_at=timezone.now())
    before = timezone.now()

    jobs.tick()

    assert Generation.objects.get().state == State.RUNNING
    beaten_at = Beat.objects.get(name="tick").beaten_at
    assert beaten_at is not None
    assert beaten_at >= before


def test_a_tick_wakes_the_archive_for_copies_that_came_due() -> None:
    generation = make_generation(state=State.SUCCEEDED)
    make_asset(generation, copy_state=CopyState.WANTED, next_copy_at=timezone.now() - timedelta(seconds=1))

    jobs.tick()
    jobs.tick()

    assert OrmQ.objects.filter(key="archive").count() == 1


def test_what_somebody_tracks_is_looked_at_by_the_job_it_queues(upstream: Upstream) -> None:
    alice = make_member()
    connection = upstream.connection(alice.workspace)
    upstream.default = lambda request: answer(completed(request.path.rpartition("/")[2]))
    wanted = [Wanted(task_id=f"id-{number}") for number in range(3)]
    track(connection, wanted, created_by_id=alice.user_id, now=timezone.now())
    assert OrmQ.objects.count() == 1

    jobs.refresh_due()
    jobs.refresh_due()

    assert Generation.objects.filter(state=State.SUCCEEDED).count() == 3
    assert upstream.calls.total() == 3


def test_check_now_wakes_a_parked_generation_for_one_asking(upstream: Upstream) -> None:
    alice = make_member()
    long_ago = timezone.now() - timedelta(days=9)
    generation = make_generation(
        upstream.connection(alice.workspace),
        state=State.RUNNING,
        created_at=long_ago,
        attention="parked",
        next_refresh_at=None,
    )
    jobs.refresh_due()
    assert upstream.calls.total() == 0

    check_now(generation, actor_id=alice.user_id, now=timezone.now())
    jobs.refresh_due()
    jobs.refresh_due()

    generation.refresh_from_db()
    assert upstream.calls.total() == 1
    assert (generation.attention, generation.next_refresh_at) == ("parked", None)


def test_balances_are_read_where_upstream_tells_and_kept_where_it_does_not(upstream: Upstream) -> None:
    rich = upstream.connection(kind="luma")
    silent = upstream.connection(kind="luma", key="sk-silent-0000", balance_amount=Decimal(7), balance_unit="USD")
    paused = upstream.connection(kind="luma", pause_reason=PauseReason.PERSON)

    def credits(request: Request) -> Response:
        if "silent" in request.headers["Authorization"]:
            return answer({"detail": "Not found"}, 404)
        return answer({"credit_balance": 1234.0})

    upstream.default = credits
    jobs.read_balances()

    rows = {row.pk: row for row in Connection.objects.all()}
    assert (rows[rich.pk].balance_amount, rows[rich.pk].balance_unit) == (Decimal("12.34"), "USD")
    assert rows[rich.pk].balance_at is not None
    assert rows[silent.pk].balance_amount == 7
    assert rows[silent.pk].balance_at is None
    assert upstream.calls["credits"] == 2
    assert rows[paused.pk].balance_at is None


def test_every_schedule_names_a_job_that_exists() -> None:
    for path, _ in settings.SCHEDULES.values():
        assert callable(import_string(path))
