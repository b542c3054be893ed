from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection as database
from django.test.utils import CaptureQueriesContext
from django_q.models import OrmQ

from lumaboard.accounts.models import Workspace
from lumaboard.generations.counts import Bucket, counts_of
from lumaboard.generations.models import Asset, Attention, CopyState, Generation, RawAnswer, State, Transition
from lumaboard.generations.operations import check_now, rename, stop_tracking
from lumaboard.refresh.apply import apply
from tests.factories import NOW, make_connection, make_generation, make_member
from tests.refresh.test_decide import RAW, WATERMARKED, heard, snapshot

pytestmark = pytest.mark.django_db


def seq_of(generation: Generation) -> int:
    return Workspace.objects.get(pk=generation.workspace_id).seq


def test_success_leaves_state_transition_counts_document_and_assets_together() -> None:
    generation = make_generation(state=State.RUNNING)

    assert apply([heard(generation, snapshot("succeeded", files=(RAW, WATERMARKED), raw='{"x": 1}'))], now=NOW) == 1

    generation.refresh_from_db()
    assert (generation.state, generation.rev, generation.seq) == (State.SUCCEEDED, 1, seq_of(generation))
    last = Transition.objects.filter(generation=generation).latest("number")
    assert (last.number, last.from_state, last.to_state) == (3, "running", "succeeded")
    counts = counts_of(generation.workspace_id)
    assert (counts[Bucket.RUNNING], counts[Bucket.SAVING]) == (0, 1)
    assert RawAnswer.objects.get(generation=generation).body == '{"x": 1}'
    watermarked = Asset.objects.get(generation=generation, role="watermarked")
    assert watermarked.copy_state == CopyState.WANTED
    assert watermarked.next_copy_at == NOW
    assert watermarked.expires_at == NOW + timedelta(hours=1)
    assert watermarked.links == [{"url": "https://cdn.example/w.mp4", "expires_at": "2026-11-22T13:00:00+00:00"}]


def test_the_archive_is_woken_once_for_a_whole_chunk() -> None:
    connection = make_connection()
    chunk = [heard(make_generation(connection), snapshot("succeeded", files=(RAW,))) for _ in range(5)]

    apply(chunk, now=NOW)

    assert OrmQ.objects.filter(key="archive").count() == 1


def test_applying_twice_is_the_same_as_once() -> None:
    generation = make_generation(state=State.RUNNING)
    chunk = [heard(generation, snapshot("succeeded", files=(RAW,)))]

    assert apply(chunk, now=NOW) == 1
    assert apply(chunk, now=NOW) == 0

    assert Transition.objects.filter(generation=generation).count() == 3
    assert counts_of(generation.workspace_id)[Bucket.SAVING] == 1


def test_an_answer_survives_a_rename_in_between_and_so_does_the_title() -> None:
    alice = make_member()
    generation = make_generation(make_connection(alice.workspace), state=State.RUNNING)
    asked = heard(Generation.objects.get(pk=generation.pk), snapshot("failed", failure_kind="moderation"))
    rename(generation, "The one with the dog", actor_id=alice.user_id, now=NOW)

    assert apply([asked], now=NOW) == 1

    generation.refresh_from_db()
    assert (generation.state, generation.title) == (State.FAILED, "The one with the dog")
    assert generation.rev == 2


def test_a_check_now_in_between_is_not_lost() -> None:
    alice = make_member()
    generation = make_generation(make_connection(alice.workspace), state=State.RUNNING, prompt="")
    generation.next_refresh_at = NOW + timedelta(minutes=1)
    generation.save()
    asked = heard(Generation.objects.get(pk=generation.pk), snapshot(prompt="New to us"))
    wished_at = NOW + timedelta(seconds=1)
    check_now(generation, actor_id=alice.user_id, now=wished_at)

    apply([asked], now=NOW + timedelta(seconds=2))

    generation.refresh_from_db()
    assert generation.prompt == "New to us"
    assert generation.next_refresh_at == wished_at


def test_a_generation_that_somebody_stops_in_between_stays_stopped() -> None:
    alice = make_member()
    generation = make_generation(make_connection(alice.workspace), state=State.RUNNING)
    asked = heard(Generation.objects.get(pk=generation.pk), snapshot(prompt="New to us"))
    stop_tracking(generation, actor_id=alice.user_id, now=NOW)

    apply([asked], now=NOW)

    generation.refresh_from_db()
    assert generation.next_refresh_at is None


def test_a_generation_in_the_trash_is_watched_and_counted_as_trash() -> None:
    alice = make_member()
    generation = make_generation(make_connection(alice.workspace), state=State.RUNNING, trashed_at=NOW)

    apply([heard(generation, snapshot("succeeded", files=(RAW,)))], now=NOW)

    generation.refresh_from_db()
    assert generation.state == State.SUCCEEDED
    assert counts_of(generation.workspace_id)[Bucket.TRASH] == 1
    assert counts_of(generation.workspace_id)[Bucket.SAVING] == 0


def test_a_failed_generation_that_is_checked_again_may_succeed_with_every_step_on_record() -> None:
    alice = make_member()
    generation = make_generation(make_connection(alice.workspace), state=State.FAILED)
    check_now(generation, actor_id=alice.user_id, now=NOW, may_reopen=True)
    generation.refresh_from_db()

    apply([heard(generation, snapshot("succeeded", files=(RAW,)), seconds=1)], now=NOW)

    seen = Transition.objects.filter(generation=generation).order_by("number")
    assert [(step.number, step.to_state) for step in seen] == [
        (1, "queued"),
        (2, "failed"),
        (3, "running"),
        (4, "succeeded"),
    ]


def test_what_nobody_sees_raises_no_counter() -> None:
    generation = make_generation(state=State.RUNNING)
    apply([heard(generation, snapshot(raw="{}"))], now=NOW)
    generation.refresh_from_db()
    rev, seq = generation.rev, seq_of(generation)

    apply([heard(generation, snapshot(raw='{"other": 1}'), seconds=5)], now=NOW)

    generation.refresh_from_db()
    assert (generation.rev, seq_of(generation)) == (rev, seq)
    assert RawAnswer.objects.get(generation=generation).body == '{"other": 1}'


def test_the_number_of_statements_does_not_grow_with_the_chunk() -> None:
    connection = make_connection()

    def statements(size: int) -> int:
        chunk = [heard(make_generation(connection), snapshot("succeeded", files=(RAW,))) for _ in range(size)]
        with CaptureQueriesContext(database) as captured:
            apply(chunk, now=NOW)
        return len([query for query in captured.captured_queries if "SAVEPOINT" not in query["sql"]])

    statements(1)  # makes the rows of the counts
    assert statements(2) == statements(40)


def test_attention_is_counted_and_uncounted() -> None:
    generation = make_generation(state=State.RUNNING, created_at=NOW - timedelta(days=8))
    apply([heard(generation, snapshot())], now=NOW)
    generation.refresh_from_db()

    assert generation.attention == Attention.PARKED
    assert counts_of(generation.workspace_id)[Bucket.ATTENTION] == 1
