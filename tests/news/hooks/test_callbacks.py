"""Upstream calls us, which is a hint and nothing more; programs are called by us, with what was heard by asking."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from django.db import connection as database
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import Settings

from lumaboard.accounts.models import Membership, Role, User
from lumaboard.generations.models import Generation, RawAnswer, State
from lumaboard.news.hooks import callbacks, delivering, sealed
from lumaboard.news.hooks.models import Callback, CallbackSecret, Delivery
from lumaboard.submission.models import Intent
from tests.factories import NOW, make_connection, make_generation, make_member
from tests.news.hooks.conftest import Hands, is_signed_with, parted
from tests.outbound.scripted import ScriptedServer, answer, saying
from tests.proxy.conftest import MakeProgram, Program
from tests.proxy.conftest import program as program
from tests.proxy.conftest import program_of as program_of
from tests.refresh.conftest import Clock, Upstream, completed, document
from tests.refresh.conftest import answer as upstream_answer
from tests.refresh.conftest import ask as ask
from tests.refresh.conftest import clock as clock
from tests.refresh.conftest import engine as engine
from tests.refresh.conftest import upstream as upstream
from tests.refresh.conftest import upstream_server as upstream_server
from tests.submission.conftest import Serve, connection_at, hanging_up, making

pytestmark = pytest.mark.django_db

PUBLIC = "https://board.example.org"
THEIRS = "https://their.example/done?key=planted-their-key"


@pytest.fixture
def is_public(settings: Settings) -> None:
    settings.PUBLIC_URL = PUBLIC
    settings.ALLOWED_HOSTS = ["*"]


def begin(generation: Generation, url: str = THEIRS) -> str:
    """A callback for this generation; gives our token."""
    whose = generation.created_by_id
    callback = callbacks.begin(generation.workspace_id, url, created_by_id=whose, now=NOW)
    callbacks.join(callback.pk, generation.pk)
    return sealed.token_of(callback)


# What upstream is given, and what programs see of it


ODD = b'{ "prompt":"caf\xc3\xa9 \\u00e9",\n "callback_url" : "%s",\t"n": [1.0, 1e2], "callback_url2": "x" }' % (
    THEIRS.encode()
)


@pytest.mark.usefixtures("is_public")
def test_upstream_is_given_ours_and_nothing_else_is_changed(alice: Membership, program: Program, serve: Serve) -> None:
    upstream = serve(making())
    connection_at(alice, upstream.url)
    response = program.create(ODD)
    sent = parted(upstream.requests[0])[1]
    token = sealed.token_of(Callback.objects.get())
    assert sent == ODD.replace(THEIRS.encode(), f"{PUBLIC}/hooks/{token}".encode())
    assert json.loads(response.content)["request"]["callback_url"] == THEIRS
    assert token not in response.content.decode()
    row = Generation.objects.get()
    assert row.request["callback_url"] == THEIRS
    assert Callback.objects.get().generation == row
    assert Intent.objects.get().request.encode() == ODD
    assert token not in Intent.objects.get().answer


@pytest.mark.usefixtures("is_public")
def test_the_same_key_gives_the_same_answer_although_upstream_was_told_otherwise(
    alice: Membership, program: Program, serve: Serve
) -> None:
    upstream = serve(making())
    connection_at(alice, upstream.url)
    first = program.create(ODD, Idempotency_Key="harbour-1")
    second = program.create(ODD, Idempotency_Key="harbour-1")
    assert first.content == second.content
    assert second.headers["Idempotent-Replayed"] == "true"
    assert len(upstream.requests) == 1
    assert Callback.objects.count() == 1


def test_where_providers_cannot_reach_us_the_body_goes_on_as_it_is(
    alice: Membership, program: Program, serve: Serve, settings: Settings
) -> None:
    settings.PUBLIC_URL = "http://board.example.org"
    upstream = serve(making())
    connection_at(alice, upstream.url)
    assert program.create(ODD).status_code == 201
    assert parted(upstream.requests[0])[1] == ODD
    assert not Callback.objects.exists()


@pytest.mark.usefixtures("is_public")
@pytest.mark.parametrize(
    "body",
    [
        b'{"prompt": "x", "callback_url": null}',
        b'{"prompt": "x", "callback_url": 7}',
        b'{"callback_url": "ftp://x"}',
        b"[]",
        b'{"a',
    ],
)
def test_what_is_no_address_goes_on_as_it_is(alice: Membership, program: Program, serve: Serve, body: bytes) -> None:
    upstream = serve(saying(answer(b'{"detail": "no"}', status="400 Bad Request")))
    connection_at(alice, upstream.url)
    program.create(body)
    assert parted(upstream.requests[0])[1] == body
    assert not Callback.objects.exists()


@pytest.mark.usefixtures("is_public")
@pytest.mark.parametrize("slash", ["/", "\\/"])
def test_later_looks_and_lists_show_theirs(alice: Membership, program: Program, serve: Serve, slash: str) -> None:
    generation = make_generation(make_connection(alice.workspace), created_by=alice.user, state=State.SUCCEEDED)
    ours = f"{PUBLIC}/hooks/{begin(generation)}".replace("/", slash)
    listed = '{"generations":  [{"id": "x", "request": {"callback_url": "%s"}}], "more": false}'
    upstream = serve(saying(answer((listed % ours).encode())))
    connection = connection_at(alice, upstream.url)
    response = program.ask("/generations?limit=1", headers={"X-Lumaboard-Connection": str(connection.pk)})
    assert response.content.decode() == listed % THEIRS


@pytest.mark.usefixtures("is_public")
def test_somebody_elses_token_is_nothing_to_us(
    charlie: Membership, program_of: MakeProgram, serve: Serve, alice: Membership
) -> None:
    token = begin(make_generation(make_connection(alice.workspace)))
    body = f'{{"callback_url": "{PUBLIC}/hooks/{token}"}}'.encode()
    connection_at(charlie, serve(saying(answer(body))).url)
    assert program_of(charlie).ask("/credits").content == body


@pytest.mark.usefixtures("is_public")
def test_the_record_of_a_refresh_holds_theirs(upstream: Upstream, ask) -> None:
    generation = make_generation(upstream.connection())
    token = begin(generation)
    said = document(generation.task_id)
    said["request"] = {"prompt": "x", "callback_url": f"{PUBLIC}/hooks/{token}"}
    upstream.answers[generation.task_id] = upstream_answer(said)
    ask(generation)
    generation.refresh_from_db()
    assert generation.request["callback_url"] == THEIRS
    assert token not in RawAnswer.objects.get().body
    assert THEIRS in RawAnswer.objects.get().body


# Hints


def pending(alice: Membership, *, asked_ago: float) -> tuple[Generation, str]:
    now = timezone.now()
    generation = make_generation(
        make_connection(alice.workspace),
        state=State.RUNNING,
        next_refresh_at=now + timedelta(minutes=10),
        asked_at=now - timedelta(seconds=asked_ago),
    )
    return generation, begin(generation)


def test_a_hint_has_the_generation_asked_about_at_once(alice: Membership) -> None:
    generation, token = pending(alice, asked_ago=60)
    response = Client(enforce_csrf_checks=True).post(f"/hooks/{token}", b'{"state": "failed"}', "application/json")
    assert (response.status_code, response.content) == (200, b"")
    generation.refresh_from_db()
    assert generation.next_refresh_at <= timezone.now()
    assert generation.state == State.RUNNING


def test_hints_make_us_ask_no_more_often_than_every_two_seconds(alice: Membership) -> None:
    generation, token = pending(alice, asked_ago=0.5)
    now = timezone.now()
    assert callbacks.take_hint(token, now=now)
    for _again in range(20):
        assert not callbacks.take_hint(token, now=now)
    generation.refresh_from_db()
    assert generation.asked_at is not None
    assert generation.next_refresh_at == generation.asked_at + callbacks.APART


def test_forged_repeated_and_hostile_hints_change_nothing(alice: Membership) -> None:
    settled = make_generation(make_connection(alice.workspace), state=State.SUCCEEDED)
    token, before = begin(settled), Generation.objects.values().get(pk=settled.pk)
    browser = Client()
    for where in (token, "A" * 43, "x", "no-such-token"):
        for body, kind in (
            (b"", "text/plain"),
            (b"\xff\x00", "application/json"),
            (b"{", "text/xml; charset=nonsense"),
        ):
            answered = browser.generic("POST", f"/hooks/{where}", body, kind)
            assert (answered.status_code, answered.content) == (200, b"")
    assert Generation.objects.values().get(pk=settled.pk) == before
    assert browser.get(f"/hooks/{token}").status_code == 405
    assert not Delivery.objects.exists()


def test_an_unknown_token_costs_one_look_and_sets_no_cookie(client: Client) -> None:
    with CaptureQueriesContext(database) as queries:
        response = client.post(f"/hooks/{'A' * 43}")
    assert len(queries) == 1
    assert not response.cookies
    assert response.headers["Cache-Control"] == "no-store"


# What programs are told


def test_a_program_is_called_at_each_change_with_what_was_heard_by_asking(
    alice: Membership, upstream: Upstream, ask, clock: Clock, receiver: ScriptedServer, hands: Hands
) -> None:
    generation = make_generation(upstream.connection(alice.workspace), created_by=alice.user)
    begin(generation, f"{receiver.url}/done")
    ask(generation)
    ask(generation)
    hands.deliver()
    running = RawAnswer.objects.get().body
    upstream.answers[generation.task_id] = upstream_answer(completed(generation.task_id))
    hands.now = clock.forward(seconds=10)
    ask(generation)
    hands.deliver()
    (first, second) = receiver.requests
    assert first.startswith(b"POST /done HTTP/1.1\r\n")
    assert [parted(one)[1].decode() for one in (first, second)] == [running, RawAnswer.objects.get().body]
    assert json.loads(parted(second)[1])["state"] == "completed"
    secret = sealed.callback_secret_of(CallbackSecret.objects.get())
    assert is_signed_with(secret, first)
    assert is_signed_with(secret, second)
    assert parted(first)[0]["webhook-id"] != parted(second)[0]["webhook-id"]


def test_a_callback_into_a_private_network_is_recorded_and_never_connected_to(
    alice_client: Client, alice: Membership, receiver: ScriptedServer, hands: Hands, settings: Settings
) -> None:
    settings.ALLOWED_BY_OPERATOR = ()
    delivering.hooks_session.cache_clear()
    generation = make_generation(make_connection(alice.workspace), created_by=alice.user, state=State.RUNNING)
    RawAnswer.objects.create(generation=generation, body="{}", received_at=NOW)
    begin(generation, f"{receiver.url}/done")
    callbacks.note_changes({generation.pk: 2}, now=NOW)
    hands.deliver()
    assert receiver.connections == 0
    page = alice_client.get(f"/w/{alice.workspace.slug}/settings/webhooks/callbacks/").content.decode()
    assert "may not be contacted from here" in page
    assert "Given up" in page


@pytest.mark.parametrize("how", ["removed", "a viewer", "deactivated", "theirs is private"])
def test_who_may_not_see_it_any_more_is_not_called(
    alice: Membership, receiver: ScriptedServer, hands: Hands, how: str
) -> None:
    bob = make_member("Bob", role=Role.MEMBER, workspace=alice.workspace)
    generation = make_generation(make_connection(alice.workspace), created_by=bob.user, state=State.RUNNING)
    RawAnswer.objects.create(generation=generation, body="{}", received_at=NOW)
    begin(generation, f"{receiver.url}/done")
    callbacks.note_changes({generation.pk: 2}, now=NOW)
    match how:
        case "removed":
            bob.delete()
        case "a viewer":
            Membership.objects.filter(pk=bob.pk).update(role=Role.VIEWER)
        case "deactivated":
            User.objects.filter(pk=bob.user_id).update(is_active=False)
        case _:
            Generation.objects.filter(pk=generation.pk).update(created_by=alice.user, is_private=True)
    (result,) = hands.deliver()
    assert "may not see it any more" in result.error
    assert receiver.connections == 0


def test_where_nobody_asked_to_be_called_a_change_costs_one_look(alice: Membership) -> None:
    generation = make_generation(make_connection(alice.workspace))
    with CaptureQueriesContext(database) as queries:
        callbacks.note_changes({generation.pk: 2}, now=NOW)
    assert len(queries) == 1


@pytest.mark.usefixtures("is_public")
def test_a_create_without_an_answer_keeps_its_callback(alice: Membership, program: Program, serve: Serve) -> None:
    connection_at(alice, serve(hanging_up).url)
    assert program.create(ODD).status_code == 502
    assert Callback.objects.get().generation is None
    assert Intent.objects.get().callback == Callback.objects.get()
