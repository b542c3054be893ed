"""Webhooks hear of what happened, once under one id, whatever goes wrong on the way."""

from __future__ import annotations

import threading
from collections import Counter
from datetime import timedelta
from uuid import UUID

import pytest
from django.conf import settings
from django.db import connection as database
from django.db import transaction
from pytest_django import Settings

from lumaboard.accounts.models import Membership
from lumaboard.audit.models import AuditEvent
from lumaboard.generations.models import AssetRole, FailureKind, Generation, State
from lumaboard.news import batches, spreading
from lumaboard.news.hooks import claims, delivering, outcomes, webhooks
from lumaboard.news.hooks.models import Delivery, DeliveryState, Webhook
from lumaboard.news.models import EventKind
from tests.factories import (
    NOW,
    acting,
    make_connection,
    make_generation,
    make_kept_asset,
    make_member,
    make_webhook,
    make_workspace,
)
from tests.news.hooks.conftest import Hands, MakeWebhook, fresh, is_signed_with, parted, said
from tests.outbound.scripted import ScriptedServer, answer, dripping, saying
from tests.submission.conftest import Serve, in_turn, nobody_listening

pytestmark = pytest.mark.django_db


def make_shared(alice: Membership, **fields: object) -> Generation:
    return make_generation(make_connection(alice.workspace), created_by=alice.user, **fields)


@pytest.fixture
def ready(alice: Membership) -> Generation:
    return make_shared(alice, state=State.SUCCEEDED, title="Harbour at dusk", model="ray-2")


def test_it_is_told_what_is_ready_and_signed(
    ready: Generation, webhook_at: MakeWebhook, receiver: ScriptedServer, hands: Hands
) -> None:
    made = webhook_at(receiver.url)
    make_kept_asset(ready)
    event = hands.happen(ready)
    assert [result.error for result in hands.deliver()] == [""]
    (request,) = receiver.requests
    headers, _body = parted(request)
    assert request.startswith(b"POST /services/T000/B000/planted-address-secret HTTP/1.1\r\n")
    assert (headers["webhook-id"], headers["webhook-timestamp"]) == (str(event.uid), str(int(NOW.timestamp())))
    assert is_signed_with(made.secret, request)
    document = said(request)
    assert (document["id"], document["kind"], document["is_test"]) == (str(event.uid), "succeeded", False)
    assert document["workspace"]["slug"] == ready.workspace.slug
    told = document["generation"]
    assert (told["task_id"], told["title"], told["state"]) == (ready.task_id, "Harbour at dusk", "succeeded")
    assert told["page"] == f"{settings.PUBLIC_URL}/w/{ready.workspace.slug}/g/{ready.pk}/"
    assert [file["url"] for file in told["files"]] == [
        f"{settings.PUBLIC_URL}/api/v1/generations/{ready.pk}/assets/{AssetRole.RAW}/file"
    ]
    assert Delivery.objects.get().state == DeliveryState.DELIVERED
    assert fresh(made.webhook).delivered_at == NOW


def test_a_failure_says_why_and_a_batch_how_many(
    alice: Membership, webhook_at: MakeWebhook, receiver: ScriptedServer, hands: Hands
) -> None:
    webhook_at(receiver.url)
    failed = make_shared(
        alice, state=State.FAILED, failure_kind=FailureKind.MODERATION, failure_reason="Frame moderation failed"
    )
    done = make_generation(failed.connection, state=State.SUCCEEDED)
    hands.happen(failed, EventKind.FAILED)
    batches.gather(failed.workspace_id, [failed.pk, done.pk], created_by_id=None, now=NOW)
    spreading.spread(now=NOW)
    hands.deliver()
    about_one, about_all = map(said, receiver.requests)
    assert about_one["generation"]["failure"] == {"kind": "moderation", "reason": "Frame moderation failed"}
    counts = {name: value for name, value in about_all["batch"].items() if name != "id"}
    assert counts == {"generation_count": 2, "succeeded_count": 1, "failed_count": 1}


def test_it_hears_of_the_kinds_it_wants_and_of_its_own_workspace_alone(
    ready: Generation, webhook_at: MakeWebhook, receiver: ScriptedServer, hands: Hands
) -> None:
    webhook_at(receiver.url, kinds=[EventKind.FAILED])
    hands.happen(ready)
    hands.happen(make_generation(state=State.FAILED), EventKind.FAILED)
    assert hands.deliver() == []


def test_private_work_is_never_told(
    alice: Membership, webhook_at: MakeWebhook, receiver: ScriptedServer, hands: Hands
) -> None:
    webhook_at(receiver.url)
    hands.happen(make_shared(alice, state=State.SUCCEEDED, is_private=True))
    assert not Delivery.objects.exists()
    became_private = make_shared(alice, state=State.SUCCEEDED)
    hands.happen(became_private)
    Generation.objects.filter(pk=became_private.pk).update(is_private=True)
    hands.deliver()
    assert receiver.connections == 0
    assert Delivery.objects.get().state == DeliveryState.GIVEN_UP


def test_a_batch_tells_nothing_of_what_became_private(
    ready: Generation, webhook_at: MakeWebhook, receiver: ScriptedServer, hands: Hands
) -> None:
    webhook_at(receiver.url)
    hidden = [
        make_generation(ready.connection, state=State.SUCCEEDED, created_by=ready.created_by).pk for _one in "abc"
    ]
    for films in ([ready.pk, hidden[0]], hidden[1:]):
        batches.gather(ready.workspace_id, films, created_by_id=None, now=NOW)
    spreading.spread(now=NOW)
    Generation.objects.filter(pk__in=hidden).update(is_private=True)
    hands.deliver()
    (document,) = map(said, receiver.requests)
    assert document["batch"]["generation_count"] == document["batch"]["succeeded_count"] == 1


def test_a_receiver_that_is_down_for_a_while_hears_once_under_the_same_id(
    ready: Generation, webhook_at: MakeWebhook, serve: Serve, hands: Hands
) -> None:
    receiver = serve(in_turn(*[saying(answer(b"<html>", status="502 Bad Gateway"))] * 2, saying(answer())))
    webhook_at(receiver.url)
    event = hands.happen(ready)
    for _try in range(3):
        hands.deliver()
        hands.wait(minutes=5)
    assert hands.deliver() == []
    assert [parted(request)[0]["webhook-id"] for request in receiver.requests] == [str(event.uid)] * 3
    row = Delivery.objects.get()
    assert (row.state, row.attempts, row.answer_status, row.error_text) == (DeliveryState.DELIVERED, 3, 200, "")


def test_one_that_stays_down_is_given_up_after_a_day_and_can_be_replayed(
    alice: Membership, ready: Generation, webhook_at: MakeWebhook, hands: Hands
) -> None:
    with nobody_listening() as url:
        webhook = webhook_at(url).webhook
        hands.happen(ready)
        while hands.now < NOW + timedelta(hours=25):
            hands.deliver()
            hands.wait(hours=1)
    row = Delivery.objects.get()
    assert (row.state, row.answer_status) == (DeliveryState.GIVEN_UP, None)
    assert "did not accept a connection" in row.error_text
    assert 12 <= row.attempts <= 26
    assert fresh(webhook).failure_count == row.attempts

    assert webhooks.replay(acting(alice), row, now=hands.now)
    row.refresh_from_db()
    assert (row.state, row.attempts, row.begun_at) == (DeliveryState.WAITING, 0, hands.now)
    assert AuditEvent.objects.filter(verb="webhook.replayed").exists()


@pytest.mark.parametrize(("attempts", "longest"), [(1, 30), (2, 60), (7, 1920), (8, 3600), (60, 3600)])
def test_waits_grow_from_half_a_minute_to_an_hour(attempts: int, longest: int) -> None:
    assert outcomes.wait_after(attempts, retry_after=None, draw=1.0) == timedelta(seconds=longest)
    assert outcomes.wait_after(attempts, retry_after=None, draw=0.0) == timedelta(seconds=1)


def test_a_receiver_that_asks_for_time_is_given_it(
    ready: Generation, webhook_at: MakeWebhook, serve: Serve, hands: Hands
) -> None:
    receiver = serve(saying(answer(status="429 Too Many Requests", headers="Retry-After: 1800\r\n")))
    webhook_at(receiver.url)
    hands.happen(ready)
    hands.deliver()
    assert Delivery.objects.get().next_try_at == NOW + timedelta(minutes=30)


def test_a_redirect_is_not_followed(
    ready: Generation, webhook_at: MakeWebhook, serve: Serve, receiver: ScriptedServer, hands: Hands
) -> None:
    moved = serve(saying(answer(status="307 Temporary Redirect", headers=f"Location: {receiver.url}/\r\n")))
    webhook_at(moved.url)
    hands.happen(ready)
    (result,) = hands.deliver()
    assert "redirects are not followed" in result.error
    assert receiver.connections == 0


def test_an_endless_answer_is_no_arrival(
    ready: Generation, webhook_at: MakeWebhook, serve: Serve, hands: Hands
) -> None:
    webhook_at(serve(saying(answer(b"x" * (delivering.LARGEST_ANSWER + 1)))).url)
    hands.happen(ready)
    (result,) = hands.deliver()
    assert "sends more than" in result.error


def test_a_receiver_that_drips_is_left(
    ready: Generation, webhook_at: MakeWebhook, serve: Serve, hands: Hands, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delivering, "SECONDS", 0.3)
    webhook_at(serve(dripping(head=b"HTTP/1.1 200 OK\r\nContent-Length: 60000\r\n\r\n")).url)
    hands.happen(ready)
    (result,) = hands.deliver()
    assert "did not answer in time" in result.error


def test_what_a_receiver_answers_is_not_kept(
    ready: Generation, webhook_at: MakeWebhook, serve: Serve, hands: Hands
) -> None:
    webhook_at(serve(saying(answer(b"<h1>planted-answer</h1>", status="500 Oops planted-reason"))).url)
    hands.happen(ready)
    hands.deliver()
    row = Delivery.objects.get()
    assert row.answer_status == 500
    assert "planted" not in row.error_text


def test_a_private_address_is_never_connected_to(
    ready: Generation, webhook_at: MakeWebhook, receiver: ScriptedServer, hands: Hands, settings: Settings
) -> None:
    settings.ALLOWED_BY_OPERATOR = ()
    delivering.hooks_session.cache_clear()
    webhook_at(receiver.url)
    hands.happen(ready)
    hands.deliver()
    assert receiver.connections == 0
    row = Delivery.objects.get()
    assert row.state == DeliveryState.GIVEN_UP
    assert "may not be contacted" in row.error_text


def test_one_that_is_gone_is_paused_at_once(
    ready: Generation, webhook_at: MakeWebhook, serve: Serve, hands: Hands
) -> None:
    webhook = webhook_at(serve(saying(answer(status="410 Gone"))).url).webhook
    hands.happen(ready)
    hands.deliver()
    assert fresh(webhook).pause_reason == "gone"
    assert Delivery.objects.get().state == DeliveryState.GIVEN_UP
    assert AuditEvent.objects.get(verb="webhook.paused").is_automatic


def test_one_that_fails_for_days_is_paused_and_what_waits_is_given_up(
    alice: Membership, ready: Generation, webhook_at: MakeWebhook, hands: Hands
) -> None:
    with nobody_listening() as url:
        webhook = webhook_at(url).webhook
        hands.happen(ready)
        hands.deliver()
        hands.wait(days=2, hours=23)
        hands.happen(ready, EventKind.LOST, 0)
        hands.deliver()
        assert fresh(webhook).pause_reason == ""
        hands.wait(hours=2)
        hands.happen(ready, EventKind.AT_RISK, 0)
        hands.deliver()
    assert fresh(webhook).pause_reason == "failing"
    assert not Delivery.objects.filter(state=DeliveryState.WAITING).exists()

    webhooks.resume(acting(alice), fresh(webhook), now=hands.now)
    assert (fresh(webhook).pause_reason, fresh(webhook).failing_since) == ("", None)


def test_a_paused_one_is_not_told_and_what_waited_goes_when_it_is_resumed(
    alice: Membership, ready: Generation, webhook_at: MakeWebhook, receiver: ScriptedServer, hands: Hands
) -> None:
    webhook = webhook_at(receiver.url).webhook
    hands.happen(ready)
    webhooks.pause(acting(alice), webhook, now=NOW)
    hands.happen(ready, EventKind.LOST, 0)
    assert hands.deliver() == []
    webhooks.resume(acting(alice), webhook, now=NOW)
    hands.deliver()
    assert [said(request)["kind"] for request in receiver.requests] == ["succeeded"]


def test_another_address_gets_another_secret_and_what_waits(
    alice: Membership, ready: Generation, webhook_at: MakeWebhook, receiver: ScriptedServer, serve: Serve, hands: Hands
) -> None:
    made, elsewhere = webhook_at(receiver.url), serve(saying(answer()))
    hands.happen(ready)
    changed = webhooks.change(
        acting(alice), made.webhook, name="Moved", kinds=["succeeded"], url=f"{elsewhere.url}/new", now=NOW
    )
    hands.deliver()
    assert receiver.connections == 0
    assert changed.secret != made.secret
    assert is_signed_with(changed.secret, elsewhere.requests[0])
    assert not is_signed_with(made.secret, elsewhere.requests[0])


def test_a_box_copied_to_another_workspace_or_host_is_not_opened(
    ready: Generation, webhook_at: MakeWebhook, receiver: ScriptedServer, hands: Hands
) -> None:
    webhook = webhook_at(receiver.url).webhook
    hands.happen(ready)
    Webhook.objects.filter(pk=webhook.pk).update(url_host="elsewhere.example")
    (result,) = hands.deliver()
    assert result.is_hopeless
    stranger = make_member("Charlie").workspace
    Webhook.objects.filter(pk=webhook.pk).update(workspace=stranger, secret_box=b"")
    Delivery.objects.update(state=DeliveryState.WAITING, next_try_at=NOW, workspace=stranger)
    (result,) = hands.deliver()
    assert result.is_hopeless
    assert receiver.connections == 0


def test_one_line_of_slow_deliveries_takes_two_places_at_most(
    ready: Generation, webhook_at: MakeWebhook, receiver: ScriptedServer, hands: Hands
) -> None:
    webhook_at(receiver.url)
    other = webhook_at("http://elsewhere.example", name="Other").webhook
    for number in range(2, 8):
        hands.happen(ready, EventKind.SUCCEEDED, number)
    first = claims.claim_due(now=NOW, limit=8)
    assert len(first) == 4
    assert sum(claim.line[1] == other.url_host for claim in first) == 2
    assert claims.claim_due(now=NOW, limit=8, busy={claim.line: 2 for claim in first}) == []


def test_a_workspace_whose_receivers_never_answer_keeps_no_other_waiting(
    ready: Generation, webhook_at: MakeWebhook, hands: Hands
) -> None:
    for number in range(6):
        webhook_at(f"http://dead-{number}.example")
    for number in range(2, 6):
        hands.happen(ready, EventKind.SUCCEEDED, number)
    first = claims.claim_due(now=NOW, limit=8)
    hands.wait(seconds=10)
    theirs = make_generation(make_connection(make_workspace("Elsewhere")), state=State.SUCCEEDED)
    make_webhook(theirs.workspace)
    hands.happen(theirs)
    busy = Counter(claim.line for claim in first[1:])
    assert [claim.line[0] for claim in claims.claim_due(now=hands.now, limit=1, busy=busy)] == [theirs.workspace_id]


def test_a_worker_that_was_killed_loses_nothing(
    ready: Generation, webhook_at: MakeWebhook, receiver: ScriptedServer, hands: Hands
) -> None:
    webhook_at(receiver.url)
    hands.happen(ready)
    (claim,) = claims.claim_due(now=NOW, limit=8)
    assert hands.deliver() == []  # it is somebody's
    hands.wait(seconds=61)
    assert len(hands.deliver()) == 1
    assert not outcomes.finish(claim, outcomes.Result(status=200), now=hands.now)
    assert Delivery.objects.get().attempts == 2


@pytest.mark.django_db(transaction=True)
def test_two_who_deliver_at_once_deliver_once(
    ready: Generation, webhook_at: MakeWebhook, receiver: ScriptedServer, hands: Hands
) -> None:
    webhook_at(receiver.url)
    uids = {str(hands.happen(ready, EventKind.SUCCEEDED, number).uid) for number in range(2, 12)}

    def work() -> None:
        delivering.deliver_due(clock=hands)
        database.close()

    both = [threading.Thread(target=work) for _one in range(2)]
    for thread in both:
        thread.start()
    for thread in both:
        thread.join(30)
    delivering.deliver_due(clock=hands)
    ids = [parted(request)[0]["webhook-id"] for request in receiver.requests]
    assert sorted(ids) == sorted(uids)
    assert not Delivery.objects.exclude(state=DeliveryState.DELIVERED).exists()


@pytest.mark.django_db(transaction=True)
def test_a_delivery_that_ends_while_its_webhook_is_changed_waits_its_turn(
    ready: Generation, webhook_at: MakeWebhook, receiver: ScriptedServer, hands: Hands
) -> None:
    webhook = webhook_at(receiver.url).webhook
    hands.happen(ready)
    (claim,) = claims.claim_due(now=NOW, limit=8)
    ended: list[bool] = []

    def end() -> None:
        ended.append(outcomes.finish(claim, outcomes.Result(error="down"), now=NOW))
        database.close()

    thread = threading.Thread(target=end)
    with transaction.atomic():  # as whoever resumes or removes it does: first the webhook, then what waits for it
        Webhook.objects.filter(pk=webhook.pk).update(name="Another name")
        thread.start()
        wait_until_somebody_waits()
        webhook.deliveries.update(host="elsewhere.example")
    thread.join(30)
    assert ended == [True]


def wait_until_somebody_waits() -> None:
    """For a row that this transaction holds. SQLite has one writer, so there is nothing to see."""
    while database.vendor == "postgresql":
        with database.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
            if cursor.fetchone()[0]:
                return


def test_a_test_says_that_it_is_one_and_what_came_of_it(
    alice: Membership, webhook_at: MakeWebhook, receiver: ScriptedServer, hands: Hands
) -> None:
    made = webhook_at(receiver.url)
    webhooks.pause(acting(alice), made.webhook, now=NOW)  # one may try before resuming
    result = webhooks.send_test(acting(alice), made.webhook, clock=hands)
    assert result.is_delivered
    (request,) = receiver.requests
    document = said(request)
    assert (document["kind"], document["is_test"], document["generation"]) == ("test", True, None)
    assert UUID(document["id"]) == Delivery.objects.get().uid
    assert is_signed_with(made.secret, request)
