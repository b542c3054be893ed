"""The form that has generations made: what it refuses, what it sends, once, and what it tells of each take."""

from __future__ import annotations

import json
import re
import threading
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection as database
from django.test import Client
from django.utils import timezone

from lumaboard.accounts.models import Membership, Role
from lumaboard.audit.models import AuditEvent
from lumaboard.connections.models import Connection
from lumaboard.generations.models import CopyState, Generation, State
from lumaboard.submission.models import Intent, IntentState, Kinship, Lineage
from lumaboard.submission.takes import send_left, send_one
from tests.conftest import client_of
from tests.factories import NOW, make_asset, make_connection, make_generation, make_member
from tests.submission.conftest import Serve, connection_at, hanging_up, in_turn, making, nobody_listening, saying_json
from tests.submission.conftest import serve as serve  # the fixture

pytestmark = pytest.mark.django_db

PROMPT = "Sunlit plaster arches and a yellow sphere"


@pytest.fixture
def path(alice: Membership) -> str:
    return f"/w/{alice.workspace.slug}/new/"


@pytest.fixture
def connection(alice: Membership) -> Connection:
    return make_connection(alice.workspace)


def wish(connection: Connection, **fields: Any) -> dict[str, Any]:
    """What the form sends as it stands, with a prompt."""
    return {
        "token": str(uuid4()),
        "connection": connection.pk,
        "prompt": PROMPT,
        "model": "ray-2",
        "aspect_ratio": "16:9",
        "duration": "5s",
        "resolution": "720p",
        "count": "1",
    } | fields


def send_all() -> None:
    """What the threads of the web process do after the commit, which a test that is rolled back has none of."""
    for intent in Intent.objects.order_by("pk"):
        send_one(intent.pk)


def sent_body() -> Any:
    return json.loads(Intent.objects.get().request)


def words_of(answer: Any) -> str:
    return re.sub(r"\s+", " ", answer.content.decode())


def test_a_wish_is_written_down_and_leads_to_its_takes(
    alice: Membership, alice_client: Client, path: str, connection: Connection
) -> None:
    form = wish(connection, count="3", loop="on", concepts="Dolly_Zoom, orbit_left,", others='{"seed": 7}')
    answer = alice_client.post(path, form)
    assert (answer.status_code, answer["Location"]) == (302, f"{path}{form['token']}/")
    intents = list(Intent.objects.order_by("pk"))
    assert [(one.source, one.state, one.created_by) for one in intents] == [("form", "intended", alice.user)] * 3
    assert json.loads(intents[0].request) == {
        "prompt": PROMPT,
        "model": "ray-2",
        "aspect_ratio": "16:9",
        "duration": "5s",
        "resolution": "720p",
        "loop": True,
        "concepts": [{"key": "dolly_zoom"}, {"key": "orbit_left"}],
        "seed": 7,
    }
    assert words_of(alice_client.get(answer["Location"])).count("Being sent") == 3


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"prompt": ""}, "Say what the film shows."),
        ({"prompt": "ab"}, "takes prompts of 3 to 5000 characters; this one has 2."),
        ({"prompt": "a" * 5001}, "this one has 5001."),
        ({"others": "[1]"}, "This must be one JSON object"),
        ({"others": "{"}, "This is not JSON"),
        ({"others": '{"seed": NaN}'}, "This is not JSON"),
        ({"others": '{"model": "ray-3", "loop": true}', "loop": "on"}, "Set in the form already: loop, model."),
        ({"others": '{"seed": "\\u0000"}'}, "holds characters or numbers that cannot be sent"),
        ({"others": '{"seed": 1e999}'}, "holds characters or numbers that cannot be sent"),
        ({"concepts": "dolly zoom"}, "No concept is called “dolly zoom”."),
        ({"start_kind": "url", "start_url": "ftp://example.com/a.jpg"}, "This must be an address that begins with"),
        ({"end_kind": "url", "end_url": "https://example.com/a.jpg", "loop": "on"}, "A loop ends on its first frame"),
        ({"start_kind": "last"}, "Choose the generation whose frame it is."),
        ({"count": "9"}, "9 is not one of the available choices"),
    ],
)
def test_what_upstream_would_refuse_is_said_beside_the_field_and_nothing_typed_is_lost(
    alice_client: Client, path: str, connection: Connection, fields: dict[str, str], sentence: str
) -> None:
    answer = alice_client.post(path, wish(connection, **{"concepts": "orbit_left"} | fields))
    assert answer.status_code == 422
    assert sentence in answer.context["form"].errors.as_text().replace("* ", "")
    assert not Intent.objects.exists()
    again = answer.context["form"]
    assert all(str(again[name].value()) in (value, "True") for name, value in fields.items())


def test_a_picture_may_stand_for_the_prompt_where_luma_is_asked_and_not_at_cometapi(
    alice: Membership, alice_client: Client, path: str
) -> None:
    frame = {"prompt": "", "start_kind": "url", "start_url": "https://example.com/a.jpg"}
    luma = make_connection(alice.workspace, kind="luma")
    assert alice_client.post(path, wish(luma, **frame)).status_code == 302
    comet = make_connection(alice.workspace, kind="cometapi")
    assert alice_client.post(path, wish(comet, **frame)).status_code == 422
    assert Intent.objects.get().route == "/generations/video"
    assert sent_body()["keyframes"] == {"frame0": {"type": "image", "url": "https://example.com/a.jpg"}}


def test_pressing_twice_makes_one(alice_client: Client, path: str, connection: Connection) -> None:
    form = wish(connection, count="2")
    assert [alice_client.post(path, form).status_code for _time in range(2)] == [302, 302]
    assert Intent.objects.count() == 2


@pytest.mark.parametrize("change", [{"prompt": "Another prompt"}, {"count": "1"}, {"count": "3"}])
def test_a_form_sent_again_with_something_else_in_it_is_asked_about(
    alice_client: Client, path: str, connection: Connection, change: dict[str, str]
) -> None:
    form = wish(connection, count="2")
    alice_client.post(path, form)
    answer = alice_client.post(path, form | change)
    assert answer.status_code == 422
    assert "This form was sent before" in words_of(answer)
    assert Intent.objects.count() == 2
    token = str(answer.context["form"]["token"].value())
    assert alice_client.post(path, form | change | {"token": token}).status_code == 302


@pytest.mark.django_db(transaction=True)
def test_two_presses_at_once_make_one(alice: Membership, path: str, serve: Serve) -> None:
    server = serve(making())
    form = wish(connection_at(alice, server.url), count="3")
    answers: list[int] = []
    clients = [client_of(alice), client_of(alice)]
    together = threading.Barrier(2)

    def press(client: Client) -> None:
        together.wait(10)
        try:
            answers.append(client.post(path, form).status_code)
        finally:
            database.close()

    threads = [threading.Thread(target=press, args=[client]) for client in clients]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert answers == [302, 302]
    wait_until_settled(3)
    assert len(server.requests) == Generation.objects.count() == 3
    assert AuditEvent.objects.filter(verb="submit").count() == 3


def wait_until_settled(count: int) -> None:
    waiting = threading.Event()
    for _look in range(150):
        if Intent.objects.filter(state=IntentState.ACCEPTED).count() == count:
            return
        waiting.wait(0.1)
    raise AssertionError(list(Intent.objects.values_list("state", "error_text")))


def test_each_take_tells_its_own_outcome(alice: Membership, alice_client: Client, path: str, serve: Serve) -> None:
    refused = saying_json({"detail": "Advanced prompt moderation failed"}, "400 Bad Request")
    server = serve(in_turn(making(), refused, hanging_up))
    form = wish(connection_at(alice, server.url), count="3")
    takes = alice_client.post(path, form)["Location"]
    send_all()
    text = words_of(alice_client.get(takes))
    generation = Generation.objects.get()
    for words in (
        f'id="generation-{generation.pk}"',
        "The provider's moderation stopped it.",
        "Advanced prompt moderation failed",
        "Edit and try again",
        "Outcome unknown",
        "It is not sent again.",
    ):
        assert words in text
    assert len(server.requests) == 3
    refusal = Intent.objects.get(state=IntentState.REFUSED)
    again = alice_client.get(f"{path}?take={refusal.pk}").context["form"]
    assert (again["prompt"].value(), again["resolution"].value()) == (PROMPT, "720p")


@pytest.mark.parametrize(
    ("fields", "is_watched"),
    [
        pytest.param({"copy_state": CopyState.WANTED}, True, id="to be copied"),
        pytest.param({"copy_state": CopyState.COPYING}, True, id="being copied"),
        pytest.param({"copy_state": CopyState.ARCHIVED, "has_poster": True}, False, id="copied"),
        pytest.param({"copy_state": CopyState.ARCHIVED}, True, id="no picture yet"),
        pytest.param({"copy_state": CopyState.ARCHIVED, "settled_at": NOW}, False, id="no picture for long"),
        pytest.param({"copy_state": CopyState.LOST}, False, id="lost"),
        pytest.param({"copy_state": CopyState.NONE}, False, id="nothing to copy"),
    ],
)
def test_takes_are_watched_until_their_files_are_kept_and_there_is_something_to_see(
    alice: Membership, alice_client: Client, path: str, serve: Serve, fields: dict[str, Any], is_watched: bool
) -> None:
    server = serve(making())
    takes = alice_client.post(path, wish(connection_at(alice, server.url)))["Location"]
    send_all()
    settled = {
        "state": State.SUCCEEDED,
        "settled_at": timezone.now(),
        "next_refresh_at": None,
        "width": 16,
        "height": 9,
    }
    Generation.objects.update(**settled | fields)
    opening = alice_client.get(takes).content.decode().partition('id="takes"')[2].partition(">")[0]
    assert ("hx-trigger" in opening) is is_watched


def test_a_dead_upstream_leaves_the_form_whole_and_says_that_nothing_was_sent(
    alice: Membership, alice_client: Client, path: str
) -> None:
    with nobody_listening() as url:
        form = wish(connection_at(alice, url))
    assert alice_client.get(path).status_code == 200
    takes = alice_client.post(path, form)["Location"]
    send_all()
    assert "Not sent" in (text := words_of(alice_client.get(takes)))
    assert "Nothing was made." in text
    assert "hx-trigger" not in text.partition('id="takes"')[2].partition(">")[0]


def test_what_a_dead_process_left_unsent_the_worker_sends(alice: Membership, serve: Serve) -> None:
    server = serve(making())
    client_of(alice).post(f"/w/{alice.workspace.slug}/new/", wish(connection_at(alice, server.url), count="2"))
    Intent.objects.update(created_at=NOW)
    send_left(clock=lambda: NOW + timedelta(seconds=10))
    assert server.requests == []
    send_left(clock=lambda: NOW + timedelta(minutes=1))
    send_left(clock=lambda: NOW + timedelta(minutes=2))
    assert Generation.objects.count() == len(server.requests) == 2


def test_what_waits_for_ten_minutes_is_let_go(alice: Membership, serve: Serve) -> None:
    server = serve(making())
    client_of(alice).post(f"/w/{alice.workspace.slug}/new/", wish(connection_at(alice, server.url)))
    Intent.objects.update(created_at=NOW)
    send_left(clock=lambda: NOW + timedelta(minutes=11))
    assert server.requests == []


def test_a_connection_paused_meanwhile_is_said_on_the_take(
    alice: Membership, alice_client: Client, path: str, connection: Connection
) -> None:
    takes = alice_client.post(path, wish(connection))["Location"]
    Connection.objects.update(pause_reason="person")
    send_all()
    assert "The connection is paused." in words_of(alice_client.get(takes))


def test_takes_are_their_makers_alone(
    alice_client: Client, alice: Membership, path: str, connection: Connection
) -> None:
    takes = alice_client.post(path, wish(connection))["Location"]
    colleague = client_of(make_member("Dana", role=Role.OWNER, workspace=alice.workspace))
    assert colleague.get(takes).status_code == 404


def test_who_may_only_look_by_now_sees_what_became_of_their_takes_and_no_way_to_make_more(
    alice: Membership, path: str, serve: Serve
) -> None:
    server = serve(saying_json({"detail": "Advanced prompt moderation failed"}, "400 Bad Request"))
    connection = connection_at(alice, server.url)
    mia = make_member("Mia", role=Role.MEMBER, workspace=alice.workspace)
    takes = client_of(mia).post(path, wish(connection))["Location"]
    send_all()
    Membership.objects.filter(pk=mia.pk).update(role=Role.VIEWER)
    text = words_of(client_of(mia).get(takes))
    assert "Advanced prompt moderation failed" in text
    assert "Edit and try again" not in text
    assert "Make more" not in text


def test_viewers_may_not_and_are_not_led_there(bob_client: Client, alice: Membership, path: str) -> None:
    assert bob_client.get(path).status_code == 403
    assert path not in bob_client.get(f"/w/{alice.workspace.slug}/").content.decode()


# -- made from others --------------------------------------------------------------------------------------------------


def made(connection: Connection, alice: Membership, **fields: Any) -> Generation:
    fields = {"state": State.SUCCEEDED, "prompt": PROMPT, "created_by": alice.user} | fields
    return make_generation(connection, **fields)


def test_again_takes_over_what_was_asked(
    alice: Membership, alice_client: Client, path: str, connection: Connection
) -> None:
    first = made(connection, alice)
    echo = {
        "generation_type": "video",
        "callback_url": "https://example.com/hook",
        "prompt": PROMPT,
        "model": "ray-flash-2",
        "aspect_ratio": "9:16",
        "duration": "9s",
        "resolution": "1080p",
        "loop": True,
        "concepts": [{"key": "orbit_left"}],
        "keyframes": {"frame0": {"type": "generation", "id": first.task_id}},
        "seed": 7,
    }
    row = made(connection, alice, request=echo)
    form = alice_client.get(f"{path}?from={row.pk}").context["form"]
    shown = {
        name: form[name].value() for name in ("model", "aspect_ratio", "duration", "resolution", "loop", "concepts")
    }
    assert shown == {
        "model": "ray-flash-2",
        "aspect_ratio": "9:16",
        "duration": "9s",
        "resolution": "1080p",
        "loop": True,
        "concepts": "orbit_left",
    }
    assert (form["start_kind"].value(), form["start_generation"].value()) == ("last", first.pk)
    assert json.loads(form["others"].value()) == {"seed": 7}
    assert form["made_from"].value() == row.pk


@pytest.mark.parametrize(("prompt", "kind"), [(PROMPT, Kinship.AGAIN), (f"{PROMPT} at dusk", Kinship.VARY)])
def test_lineage_tells_again_from_varied_with_the_words_that_differ(
    alice: Membership, alice_client: Client, path: str, serve: Serve, prompt: str, kind: str
) -> None:
    connection = connection_at(alice, serve(making()).url)
    parent = made(connection, alice)
    alice_client.post(path, wish(connection, prompt=prompt, made_from=parent.pk))
    send_all()
    child = Generation.objects.exclude(pk=parent.pk).get()
    assert Lineage.objects.values_list("parent", "child", "kind").get() == (parent.pk, child.pk, kind)
    pages = f"/w/{alice.workspace.slug}/g"
    for page, other in ((child, parent), (parent, child)):
        text = words_of(alice_client.get(f"{pages}/{page.pk}/"))
        assert f'href="{pages}/{other.pk}/"' in text
        assert ("<ins>at dusk</ins>" in text) is (kind == Kinship.VARY)


def test_films_are_continued_led_into_and_joined_by_their_ids(
    alice: Membership, alice_client: Client, path: str, serve: Serve
) -> None:
    connection = connection_at(alice, serve(making()).url)
    before, after = made(connection, alice), made(connection, alice)
    frames = {
        "start_kind": "last",
        "start_generation": before.pk,
        "end_kind": "first",
        "end_generation": after.pk,
    }
    alice_client.post(path, wish(connection, **frames))
    assert sent_body()["keyframes"] == {
        "frame0": {"type": "generation", "id": before.task_id},
        "frame1": {"type": "generation", "id": after.task_id},
    }
    send_all()
    kin = set(Lineage.objects.values_list("parent", "kind"))
    assert kin == {(before.pk, Kinship.EXTEND), (after.pk, Kinship.REVERSE)}


def test_the_frame_of_another_connections_film_goes_by_the_providers_link(
    alice: Membership, alice_client: Client, path: str, serve: Serve
) -> None:
    elsewhere = made(make_connection(alice.workspace), alice)
    frames = {"start_kind": "last", "start_generation": elsewhere.pk}
    connection = connection_at(alice, serve(making()).url)
    answer = alice_client.post(path, wish(connection, **frames))
    assert answer.status_code == 422
    make_asset(elsewhere, role="last_frame", links=[{"url": "https://cdn.example.com/last.jpg", "expires_at": None}])
    assert alice_client.post(path, wish(connection, **frames)).status_code == 302
    assert sent_body()["keyframes"]["frame0"] == {"type": "image", "url": "https://cdn.example.com/last.jpg"}
    send_all()
    assert Lineage.objects.get().kind == Kinship.START_FRAME


def test_an_unfinished_film_gives_no_frame(
    alice: Membership, alice_client: Client, path: str, connection: Connection
) -> None:
    running = made(connection, alice, state=State.RUNNING)
    answer = alice_client.post(path, wish(connection, start_kind="last", start_generation=running.pk))
    assert "not finished" in words_of(answer)


def test_a_colleagues_private_film_is_no_source_and_stays_unknown(
    alice: Membership, alice_client: Client, path: str, serve: Serve
) -> None:
    connection = connection_at(alice, serve(making()).url)
    dana = make_member("Dana", role=Role.MEMBER, workspace=alice.workspace)
    hidden = made(connection, dana, is_private=True, prompt="hidden-words")
    assert alice_client.get(f"{path}?from={hidden.pk}").status_code == 404
    frames = {"start_kind": "last", "start_generation": hidden.pk}
    assert "Choose the generation" in words_of(alice_client.post(path, wish(connection, **frames)))
    others = json.dumps({"keyframes": {"frame0": {"type": "generation", "id": hidden.task_id}}})
    refused = alice_client.post(path, wish(connection, others=others))
    assert refused.status_code == 422
    assert "names a generation that is not here" in words_of(refused)
    assert not Intent.objects.exists()
    assert alice_client.post(path, wish(connection, made_from=hidden.pk)).status_code == 302
    send_all()
    assert not Lineage.objects.exists()


def test_private_offspring_is_told_to_nobody_else(alice: Membership, connection: Connection) -> None:
    dana = make_member("Dana", role=Role.MEMBER, workspace=alice.workspace)
    parent = made(connection, alice)
    child = made(connection, dana, is_private=True, prompt="hidden-words")
    Lineage.objects.create(parent=parent, child=child, kind=Kinship.VARY)
    page = f"/w/{alice.workspace.slug}/g/{parent.pk}/"
    assert "hidden-words" not in client_of(alice).get(page).content.decode()
    assert "hidden-words" in client_of(dana).get(page).content.decode()


def test_ids_of_another_workspace_lead_nowhere(
    alice_client: Client, charlie: Membership, path: str, connection: Connection
) -> None:
    theirs = make_connection(charlie.workspace)
    film = made(theirs, charlie)
    assert alice_client.get(f"{path}?from={film.pk}").status_code == 404
    assert alice_client.post(path, wish(theirs)).status_code == 422
    frames = {"start_kind": "last", "start_generation": film.pk}
    assert alice_client.post(path, wish(connection, **frames)).status_code == 422
    assert not Intent.objects.exists()


def test_ones_own_recent_prompts_are_offered_each_once(
    alice: Membership, alice_client: Client, path: str, connection: Connection
) -> None:
    dana = make_member("Dana", role=Role.MEMBER, workspace=alice.workspace)
    for owner, prompt in ((alice, "Rain"), (alice, "Rain"), (alice, "Snow"), (dana, "Hail")):
        made(connection, owner, prompt=prompt)
    assert sorted(alice_client.get(path).context["prompts"]) == ["Rain", "Snow"]
