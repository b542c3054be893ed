"""What happens is written into the outbox with the change itself, once, and nothing else is."""

from __future__ import annotations

from datetime import timedelta

import pytest

from lumaboard.archive import custody
from lumaboard.archive.claim import claim_copies
from lumaboard.archive.errors import CopyFailed
from lumaboard.generations.models import CopyState, Generation, State
from lumaboard.news import batches, outbox, spreading
from lumaboard.news.hooks import callbacks
from lumaboard.news.hooks.models import Delivery
from lumaboard.news.models import Batch, Event, EventKind
from lumaboard.submission.settling import accept
from tests.factories import NOW, make_asset, make_connection, make_generation, make_intent, make_member

pytestmark = pytest.mark.django_db


def kinds_of(generation: Generation) -> list[str]:
    return list(Event.objects.filter(generation=generation).order_by("pk").values_list("kind", flat=True))


def test_one_generation_alone_is_no_batch():
    generation = make_generation()
    batches.gather(generation.workspace_id, [generation.pk], created_by_id=None, now=NOW)
    assert not Batch.objects.exists()


def test_a_take_that_was_refused_is_waited_for_no_longer():
    done = make_generation(state=State.SUCCEEDED)
    batch = batches.begin(done.workspace_id, created_by_id=None, wanted_count=2, now=NOW)
    assert batch is not None
    batches.join(batch.pk, [done.pk])
    batches.close_done([batch.pk], now=NOW)
    assert not Event.objects.exists()

    batches.expect_one_less(batch.pk, now=NOW)
    assert Event.objects.get().kind == EventKind.BATCH_DONE


def test_a_batch_of_which_nothing_came_is_closed_in_silence():
    workspace = make_connection().workspace
    batch = batches.begin(workspace.pk, created_by_id=None, wanted_count=2, now=NOW)
    assert batch is not None
    for _take in range(2):
        batches.expect_one_less(batch.pk, now=NOW)
    batch.refresh_from_db()
    assert batch.done_at == NOW
    assert not Event.objects.exists()


def test_a_take_that_settled_before_its_answer_was_found_completes_its_batch_and_calls_its_program():
    alice = make_member("Alice")
    found = make_generation(make_connection(alice.workspace), created_by=alice.user, state=State.SUCCEEDED)
    done = make_generation(found.connection, state=State.SUCCEEDED)
    batch = batches.begin(found.workspace_id, created_by_id=alice.user.pk, wanted_count=2, now=NOW)
    assert batch is not None
    batches.join(batch.pk, [done.pk])
    callback = callbacks.begin(found.workspace_id, "https://their.example/done", created_by_id=alice.user.pk, now=NOW)

    intent = make_intent(found.connection, alice.user, batch=batch, callback=callback)
    accept(intent, found.task_id, None, now=NOW)
    assert Event.objects.get().kind == EventKind.BATCH_DONE
    assert Delivery.objects.get().callback == callback


def test_two_people_may_use_the_same_token_and_get_batches_of_their_own():
    alice, bob = make_member("Alice"), make_member("Bob")
    uid = batches.begin(alice.workspace.pk, created_by_id=alice.user.pk, wanted_count=2, now=NOW).uid  # type: ignore[union-attr]
    theirs = [
        batches.begin(one.workspace.pk, created_by_id=one.user.pk, wanted_count=2, uid=uid, now=NOW)
        for one in (alice, bob)
    ]
    assert [batch.workspace_id for batch in theirs if batch] == [alice.workspace.pk, bob.workspace.pk]


def test_a_file_whose_link_ends_soon_is_at_risk_once():
    def waiting(minutes: int) -> Generation:
        return make_generation(
            state=State.SUCCEEDED, copy_state=CopyState.WANTED, link_expires_at=NOW + timedelta(minutes=minutes)
        )

    soon, late = waiting(29), waiting(31)
    outbox.note_risks(now=NOW)
    outbox.note_risks(now=NOW)
    assert kinds_of(soon) == [EventKind.AT_RISK]
    assert kinds_of(late) == []


def test_a_copy_that_keeps_failing_is_at_risk_and_a_lost_one_is_lost():
    generation = make_generation(state=State.SUCCEEDED)
    asset = make_asset(generation)
    now = NOW
    for _try in range(custody.FAILURES_SHOWN + 1):
        asset.refresh_from_db()
        now = max(now, asset.next_copy_at or now)
        (claim,) = claim_copies(now=now, limit=1)
        custody.failed(claim, CopyFailed("The host did not answer."), now=now)
    assert kinds_of(generation) == [EventKind.AT_RISK]

    asset.refresh_from_db()
    now = max(now, asset.next_copy_at or now)
    (claim,) = claim_copies(now=now, limit=1)
    custody.lost(claim, "The link has ended.", now=now)
    assert kinds_of(generation) == [EventKind.AT_RISK, EventKind.LOST]


def test_the_outbox_is_emptied_once():
    generation = make_generation(state=State.SUCCEEDED)
    outbox.note(
        Event(workspace_id=generation.workspace_id, kind=EventKind.SUCCEEDED, generation=generation, number=2, at=NOW)
        for _twice in range(2)
    )
    assert Event.objects.filter(spread_at=None).count() == 1
    assert spreading.spread(now=NOW) is False
    assert not Event.objects.filter(spread_at=None).exists()


def test_what_happened_long_ago_is_forgotten():
    generation = make_generation(state=State.SUCCEEDED)
    batches.begin(generation.workspace_id, created_by_id=None, wanted_count=2, now=NOW)
    outbox.note([Event(workspace_id=generation.workspace_id, kind=EventKind.SUCCEEDED, generation=generation, at=NOW)])
    outbox.forget(now=NOW + outbox.KEPT - timedelta(seconds=1))
    assert Event.objects.exists()
    outbox.forget(now=NOW + outbox.KEPT)
    assert not Event.objects.exists()
    assert not Batch.objects.exists()
