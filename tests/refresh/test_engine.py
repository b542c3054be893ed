from __future__ import annotations

import threading
from collections import Counter
from datetime import timedelta
from time import monotonic

import pytest
from django.db import connection as database
from django.utils import timezone
from werkzeug import Request, Response

from lumaboard.connections.models import Connection, PauseReason
from lumaboard.generations.counts import Bucket, counts_of
from lumaboard.generations.models import Generation, State, Transition
from lumaboard.refresh.claim import LEASE
from lumaboard.refresh.engine import Engine
from tests.factories import NOW, make_generation, make_workspace
from tests.refresh.conftest import Clock, Upstream, answer, completed, document


@pytest.mark.django_db
def test_a_round_asks_about_every_due_generation_once(upstream: Upstream, engine: Engine) -> None:
    connection = upstream.connection(allowance_per_minute=6000, calls_left=600)
    generations = [make_generation(connection) for _ in range(50)]

    done = engine.run(seconds=10)

    assert (done.asked, done.applied, done.given_back) == (50, 50, 0)
    assert upstream.calls == Counter(generation.task_id for generation in generations)
    assert counts_of(connection.workspace_id)[Bucket.RUNNING] == 50


@pytest.mark.django_db
def test_an_unchanged_answer_sets_the_time_by_the_pace_and_changes_no_card(
    upstream: Upstream, engine: Engine, clock: Clock
) -> None:
    make_generation(upstream.connection())
    engine.run(seconds=5)
    rev = Generation.objects.get().rev
    clock.forward(seconds=5)
    engine.run(seconds=5)

    generation = Generation.objects.get()
    assert upstream.calls.total() == 2
    assert generation.rev == rev
    assert generation.lease == ""
    assert generation.next_refresh_at is not None
    assert timedelta(seconds=3) <= generation.next_refresh_at - clock.now <= timedelta(seconds=5)


@pytest.mark.django_db
def test_a_slow_upstream_does_not_hold_a_round_beyond_its_budget(
    upstream: Upstream, engine: Engine, clock: Clock
) -> None:
    release = threading.Event()
    connection = upstream.connection()
    for _ in range(10):
        make_generation(connection)

    def slow(request: Request) -> Response:
        release.wait(20)
        return answer(document(request.path.rpartition("/")[2]))

    upstream.default = slow
    started = monotonic()
    done = engine.run(seconds=0.5)

    assert monotonic() - started < 5
    assert (done.asked, done.given_back) == (4, 6)
    assert Generation.objects.filter(next_refresh_at__lte=clock.now).count() == 6

    release.set()
    upstream.default = None
    assert engine.run(seconds=10).applied == 10  # what outlasted the first round is taken up by the next
    assert upstream.calls.most_common(1)[0][1] == 1


@pytest.mark.django_db
def test_one_slow_connection_leaves_threads_to_the_others(upstream: Upstream, engine: Engine) -> None:
    release = threading.Event()
    slow_ones = {make_generation(connection).task_id for connection in [upstream.connection()] for _ in range(8)}
    quick = make_generation(upstream.connection())

    def handler(request: Request) -> Response:
        task_id = request.path.rpartition("/")[2]
        if task_id in slow_ones:
            release.wait(20)
        return answer(completed(task_id))

    upstream.default = handler
    engine.run(seconds=1.5)
    quick.refresh_from_db()
    release.set()

    assert quick.state == State.SUCCEEDED


@pytest.mark.django_db
def test_a_row_whose_worker_died_is_asked_about_again_when_the_lease_ends(
    upstream: Upstream, engine: Engine, clock: Clock
) -> None:
    dead = {"lease": "of-a-dead-worker", "next_refresh_at": NOW + LEASE}
    generation = make_generation(upstream.connection(), **dead)

    assert engine.run(seconds=2).asked == 0
    clock.forward(seconds=LEASE.total_seconds())
    assert engine.run(seconds=2).asked == 1
    generation.refresh_from_db()
    assert generation.state == State.RUNNING


@pytest.mark.django_db
def test_a_key_that_cannot_be_decrypted_pauses_its_connection_and_no_other(upstream: Upstream, engine: Engine) -> None:
    broken, fine = upstream.connection(), upstream.connection()
    make_generation(broken)
    generation = make_generation(fine)
    Connection.objects.filter(pk=broken.pk).update(key_box=b"twelve bytes and nonsense after them")

    engine.run(seconds=5)

    broken.refresh_from_db()
    generation.refresh_from_db()
    assert (broken.pause_reason, broken.error_kind) == (PauseReason.KEY_REFUSED, "key_unreadable")
    assert generation.state == State.RUNNING


@pytest.mark.django_db
def test_an_answer_with_everything_no_database_likes_is_kept(upstream: Upstream, engine: Engine) -> None:
    generation = make_generation(upstream.connection())
    odd = document(generation.task_id, prompt="NUL \u0000, lone \ud800, \U0001f3ac, שלום " + "x" * 5000)
    odd["video"] = {"width": 2**70, "height": -1}
    upstream.answers[generation.task_id] = answer(odd)

    assert engine.run(seconds=5).lost == 0

    generation.refresh_from_db()
    assert "🎬, שלום" in generation.prompt
    assert "\x00" not in generation.prompt


@pytest.mark.django_db(transaction=True)
def test_two_engines_at_once_lose_and_double_nothing(upstream: Upstream) -> None:
    workspaces = [make_workspace() for _ in range(2)]
    budget = {"allowance_per_minute": 60_000, "calls_left": 6000}
    connections = [upstream.connection(workspace, **budget) for workspace in workspaces for _ in range(2)]
    begun = timezone.now()
    for connection in connections:
        for _ in range(15):
            make_generation(connection, next_refresh_at=begun, created_at=begun)
    upstream.default = lambda request: answer(completed(request.path.rpartition("/")[2]))
    errors: list[BaseException] = []

    def work() -> None:
        try:
            Engine(concurrency=4).run(seconds=20)
        except BaseException as error:
            errors.append(error)
            raise
        finally:
            database.close()

    engines = [threading.Thread(target=work) for _ in range(2)]
    for thread in engines:
        thread.start()
    for thread in engines:
        thread.join(60)
    Engine(concurrency=4).run(seconds=20)  # rows that one gave back after the other had gone

    assert not errors
    assert set(upstream.calls.values()) == {1}
    assert Generation.objects.filter(state=State.SUCCEEDED).count() == 60
    assert Transition.objects.filter(number=2, to_state="succeeded").count() == 60
    assert Transition.objects.filter(number__gt=2).count() == 0
    for workspace in workspaces:
        assert counts_of(workspace.pk)[Bucket.SAVING] == 30
        assert counts_of(workspace.pk)[Bucket.QUEUED] == 0
