"""Requests whose answer was lost are found in upstream's list, or said not to have been made, or shown to choose from."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from lumaboard.accounts.models import Membership, Role
from lumaboard.connections.models import Connection, Kind
from lumaboard.generations.models import Generation
from lumaboard.generations.operations import Wanted, track
from lumaboard.simulator import ClipStyle, Simulator
from lumaboard.submission.models import Intent
from lumaboard.submission.operations import intend, send
from lumaboard.submission.reconcile import look_for_due, settle_stale
from tests.factories import NOW, make_member
from tests.submission.conftest import Serve, Submit, connection_at, hanging_up

pytestmark = pytest.mark.django_db


@pytest.fixture
def simulator(tmp_path: Path) -> Iterator[Simulator]:
    with Simulator(
        data_dir=tmp_path, style=ClipStyle(short_side=64, fps=8, max_seconds=1), slow_seconds=0.1
    ) as running:
        yield running


@pytest.fixture
def connection(alice: Membership, simulator: Simulator) -> Connection:
    return connection_at(alice, simulator.url, kind=Kind.SIMULATOR)


def asking(prompt: str, **fields: Any) -> bytes:
    return json.dumps({"prompt": prompt} | fields).encode()


def look_in(seconds: float = 60) -> None:
    look_for_due(clock=lambda: timezone.now() + timedelta(seconds=seconds))


@pytest.fixture
def lose(submit_at: Submit, connection: Connection) -> Submit:
    """Submit something whose answer gets lost, at this very time."""

    def submit_and_lose(prompt: str, directive: str = "create-lost", **options: Any) -> Any:
        options = {"clock": timezone.now, "request": asking(f"{prompt} [sim:{directive}]")} | options
        return submit_at(connection, **options)

    return submit_and_lose


@pytest.mark.parametrize("directive", ["create-lost", "create-cut", "create-500-made"])
def test_what_was_made_although_its_answer_was_lost_is_found_and_tracked(
    alice: Membership, simulator: Simulator, lose: Submit, directive: str
) -> None:
    assert lose("A quiet harbour", directive).state == "unknown"
    look_in(60)
    generation = Generation.objects.get()
    intent = Intent.objects.get()
    assert list(simulator.requests.made) == [generation.task_id] == [intent.task_id]
    assert (intent.state, intent.generation, intent.error_kind) == ("accepted", generation, "")
    assert (generation.created_by, generation.act) == (alice.user, "submit")
    assert len(simulator.requests.creates) == 1


@pytest.mark.parametrize("directive", ["create-dropped", "create-500"])
def test_what_the_list_does_not_hold_was_not_made(lose: Submit, directive: str) -> None:
    lose("A quiet harbour", directive)
    look_in(60)
    assert Intent.objects.get().state == "unknown"
    look_in(20 * 60)
    intent = Intent.objects.get()
    assert (intent.state, intent.error_kind, intent.is_sendable) == ("refused", "not_made", False)


def test_a_look_that_is_not_due_asks_nothing(simulator: Simulator, lose: Submit) -> None:
    lose("A quiet harbour")
    look_in(0)
    assert ("GET", "/dream-machine/v1/generations") not in simulator.requests.recent


def test_alike_requests_of_one_person_get_one_each(simulator: Simulator, lose: Submit) -> None:
    lose("The same harbour")
    lose("The same harbour")
    look_in(60)
    assert {intent.task_id for intent in Intent.objects.all()} == set(simulator.requests.made)
    assert Generation.objects.count() == 2


def test_what_two_people_could_mean_is_for_them_to_choose(
    alice: Membership, simulator: Simulator, lose: Submit
) -> None:
    dana = make_member("Dana", role=Role.MEMBER, workspace=alice.workspace)
    lose("The same harbour")
    lose("The same harbour", created_by_id=dana.user_id)
    look_in(60)
    assert not Generation.objects.exists()
    for intent in Intent.objects.all():
        assert intent.state == "unknown"
        assert {candidate["task_id"] for candidate in intent.candidates} == set(simulator.requests.made)


def test_more_than_was_asked_for_is_for_a_person_to_choose(simulator: Simulator, lose: Submit) -> None:
    lose("A harbour")
    lose("A harbour")
    Intent.objects.order_by("pk").last().delete()  # type: ignore[union-attr]  # somebody made it elsewhere
    look_in(60)
    assert len(Intent.objects.get().candidates) == 2


def test_what_belongs_to_another_request_is_not_taken(
    connection: Connection, simulator: Simulator, lose: Submit, submit_at: Submit
) -> None:
    kept = submit_at(connection, request=asking("A harbour [sim:create-slow]"), clock=timezone.now)
    intent = Intent.objects.get()
    lost = Intent.objects.create(
        workspace=intent.workspace,
        connection=connection,
        created_by=intent.created_by,
        source="api",
        route=intent.route,
        request=intent.request,
        digest=intent.digest,
        state="unknown",
        is_sendable=False,
        sent_at=intent.sent_at,
        next_look_at=intent.sent_at,
    )
    look_in(60)
    lost.refresh_from_db()
    assert (lost.state, lost.candidates) == ("unknown", [])
    assert Generation.objects.get().task_id == kept.task_id


def test_a_request_on_its_way_keeps_others_from_taking_what_may_be_its_own(lose: Submit) -> None:
    lose("A harbour")
    lose("A harbour")
    last = Intent.objects.order_by("pk").last()
    assert last is not None
    Intent.objects.filter(pk=last.pk).update(state="sending")
    look_in(60)
    assert not Generation.objects.exists()


def test_what_was_pasted_meanwhile_is_matched(
    alice: Membership, connection: Connection, simulator: Simulator, lose: Submit
) -> None:
    lose("A harbour")
    (task_id,) = simulator.requests.made
    track(connection, [Wanted(task_id)], created_by_id=alice.user_id, now=NOW)
    look_in(60)
    assert Intent.objects.get().generation == Generation.objects.get()


def test_another_model_format_or_kind_is_not_taken_for_it(
    connection: Connection, simulator: Simulator, lose: Submit, submit_at: Submit
) -> None:
    prompt = "A harbour [sim:create-dropped,official]"
    lose("", request=asking(prompt, aspect_ratio="9:16"))
    for route, body in (
        ("/generations", {"prompt": prompt.replace("create-dropped,", ""), "aspect_ratio": "9:16"}),
        ("/generations/image", {"prompt": prompt.replace("dropped", "lost"), "aspect_ratio": "9:16"}),
        ("/generations", {"prompt": prompt.replace("dropped", "lost"), "aspect_ratio": "1:1"}),
    ):
        submit_at(connection, route=route, request=json.dumps(body).encode(), clock=timezone.now)
    assert len(simulator.requests.made) == 3
    Intent.objects.exclude(pk=Intent.objects.order_by("pk").values("pk")[:1]).delete()
    look_in(60)
    assert Intent.objects.get().candidates == []


def test_an_upscale_without_any_prompt_is_found_by_its_kind(
    connection: Connection, simulator: Simulator, submit_at: Submit
) -> None:
    source = submit_at(connection, request=asking("A harbour [sim:official]"), clock=timezone.now)
    made = submit_at(
        connection, route=f"/generations/{source.task_id}/upscale", request=b'{"resolution": "4k"}', clock=timezone.now
    )
    Intent.objects.filter(pk=made.intent_id).update(
        state="unknown", task_id="", generation=None, next_look_at=timezone.now()
    )
    Generation.objects.filter(task_id=made.task_id).delete()
    look_in(60)
    intent = Intent.objects.get(pk=made.intent_id)
    assert (intent.state, intent.task_id) == ("accepted", made.task_id)


def test_a_process_that_died_while_sending_leaves_the_outcome_unknown(
    connection: Connection, alice: Membership
) -> None:
    intent = intend(
        connection,
        created_by_id=alice.user_id,
        route="/generations",
        request=asking("A harbour"),
        source="api",
        now=NOW,
    )
    Intent.objects.filter(pk=intent.pk).update(state="sending", is_sendable=False, sent_at=NOW)
    assert settle_stale(now=NOW + timedelta(seconds=100)) == 0
    assert settle_stale(now=NOW + timedelta(seconds=121)) == 1
    assert settle_stale(now=NOW + timedelta(seconds=121)) == 0
    intent.refresh_from_db()
    assert (intent.state, intent.error_kind, bool(intent.next_look_at)) == ("unknown", "interrupted", True)


def test_a_process_that_died_before_sending_leaves_it_to_be_sent(
    connection: Connection, simulator: Simulator, alice: Membership
) -> None:
    intent = intend(
        connection,
        created_by_id=alice.user_id,
        route="/generations",
        request=asking("A harbour"),
        source="api",
        now=NOW,
    )
    later = NOW + timedelta(minutes=3)
    assert settle_stale(now=later) == 0
    assert list(Intent.objects.unsettled(now=later)) == [intent]
    assert send(intent.pk).state == "accepted"
    assert len(simulator.requests.made) == 1


def test_where_upstream_has_no_list_nothing_is_looked_for(alice: Membership, serve: Serve, submit_at: Submit) -> None:
    server = serve(hanging_up)
    submit_at(connection_at(alice, server.url, kind=Kind.COMETAPI))
    assert Intent.objects.get().next_look_at is None
    look_in(60)
    assert len(server.requests) == 1


def test_a_list_that_cannot_be_read_is_looked_at_again_later(
    alice: Membership, serve: Serve, submit_at: Submit
) -> None:
    server = serve(hanging_up)
    submit_at(connection_at(alice, server.url), clock=timezone.now)
    look_in(60)
    intent = Intent.objects.get()
    assert intent.state == "unknown"
    assert intent.next_look_at is not None
    assert intent.next_look_at > timezone.now() + timedelta(seconds=60)
    assert len(server.requests) == 2
