"""Having generations made by API: what is refused, what is sent, once, and what is told of each take."""

from __future__ import annotations

import json
import threading
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from lumaboard.accounts.models import Membership, Role
from lumaboard.generations.models import Generation, State
from lumaboard.news.models import Batch
from lumaboard.submission.models import Intent, IntentState, Kinship, Lineage, Picture
from lumaboard.submission.takes import send_one
from tests.api.conftest import V1, Program, program_of
from tests.factories import make_connection, make_generation, make_member, make_price
from tests.media.samples import picture_bytes
from tests.submission.conftest import Serve, connection_at, hanging_up, in_turn, making, saying_json
from tests.submission.conftest import serve as serve  # the fixture

pytestmark = pytest.mark.django_db
WISH = {"prompt": "A quiet harbour"}


def make(program: Program, key: str = "", **body: Any) -> Any:
    headers = {"Idempotency-Key": key} if key else {}
    return program.ask("post", "/takes", WISH | body, **headers)


@pytest.mark.django_db(transaction=True)
def test_takes_are_sent_and_each_tells_its_outcome(alice: Membership, serve: Serve) -> None:
    refused = saying_json({"detail": "Advanced prompt moderation failed"}, "400 Bad Request")
    server = serve(in_turn(making(), refused, hanging_up))
    connection_at(alice, server.url)
    answer = make(program_of(alice, "submit"), count=3)
    told = answer.json()
    assert answer.status_code == 201
    assert (told["is_answered"], len(server.requests)) == (True, 3)
    by_state = {one["state"]: one for one in told["takes"]}
    row = Generation.objects.get()
    assert (by_state["accepted"]["generation"], by_state["accepted"]["task_id"]) == (row.pk, row.task_id)
    assert "moderation" in by_state["refused"]["error"]
    assert by_state["unknown"]["generation"] is None
    assert program_of(alice, "submit").get(f"/takes/{told['order']}") == told
    assert {one.source for one in Intent.objects.all()} == {"api"}


@pytest.mark.django_db(transaction=True)
def test_whoever_does_not_wait_is_told_that_it_is_under_way(alice: Membership, serve: Serve) -> None:
    goes_on, makes = threading.Event(), making()

    def slowly(connection: Any, request: bytes) -> None:
        goes_on.wait(30)
        makes(connection, request)

    connection_at(alice, serve(slowly).url)
    program = program_of(alice)
    answer = make(program, wait=0)
    assert answer.status_code == 202
    assert answer.json()["takes"][0]["state"] in ("intended", "sending")
    goes_on.set()
    pause = threading.Event()
    for _look in range(150):
        told = program.get(f"/takes/{answer.json()['order']}")
        if told["is_answered"]:
            break
        pause.wait(0.1)
    assert told["takes"][0]["state"] == "accepted"


@pytest.mark.django_db(transaction=True)
def test_the_same_key_makes_nothing_twice_and_tries_again_what_was_refused_for_the_moment(
    alice: Membership, serve: Serve
) -> None:
    busy = saying_json({"detail": "rate limit"}, "429 Too Many Requests")
    server = serve(in_turn(busy, making()))
    connection_at(alice, server.url)
    program = program_of(alice)
    first, second, third = (make(program, "one and the same").json() for _time in range(3))
    assert [one["takes"][0]["state"] for one in (first, second, third)] == ["refused", "accepted", "accepted"]
    assert first["order"] == second["order"] == third["order"]
    assert len(server.requests) == 2
    other = make(program, "one and the same", prompt="Another harbour")
    assert other.json()["error"]["fields"][0]["where"] == "header.Idempotency-Key"
    assert make(program, "one and the same", count=2).status_code == 422
    assert len(server.requests) == 2


def test_after_a_day_a_key_means_something_new(alice: Membership, program: Program) -> None:
    make_connection(alice.workspace)
    make(program, "one and the same", count=2)
    Intent.objects.update(created_at=timezone.now() - timedelta(hours=25))
    assert make(program, "one and the same", count=3, prompt="Another harbour").status_code == 202
    assert Intent.objects.count() == 5
    assert sorted(Batch.objects.values_list("wanted_count", flat=True)) == [2, 3]


@pytest.mark.parametrize(
    ("body", "where"),
    [
        ({"prompt": "ab"}, "body.prompt"),
        ({"prompt": ""}, "body.prompt"),
        ({"loop": True, "end": {"url": "https://example.com/a.jpg"}}, "body.loop"),
        ({"start": {"url": "ftp://example.com/a.jpg"}}, "body.start"),
        ({"start": {}}, "body.start"),
        ({"start": {"url": "https://example.com/a.jpg", "picture": 1}}, "body.start"),
        ({"start": {"generation": 999_999}}, "body.start.generation"),
        ({"concepts": ["dolly zoom"]}, "body.concepts"),
        ({"others": {"model": "ray-3"}}, "body.others"),
        ({"others": {"note": "a\0b"}}, "body.others"),
        ({"model": "ray-99"}, "body.model"),
        ({"count": 9}, "body.count"),
        ({"connection": 999_999}, "body.connection"),
    ],
)
def test_what_upstream_would_refuse_is_told_by_field_and_nothing_is_written(
    alice: Membership, program: Program, body: dict[str, Any], where: str
) -> None:
    make_connection(alice.workspace)
    answer = make(program, **body)
    assert answer.status_code == 422
    assert [one["where"] for one in answer.json()["error"]["fields"]] == [where]
    assert not Intent.objects.exists()


def test_a_wish_travels_as_from_the_form_and_its_origin_is_kept(alice: Membership, serve: Serve) -> None:
    connection = connection_at(alice, serve(making()).url)
    before = make_generation(connection, state=State.SUCCEEDED, created_by=alice.user)
    body = {
        "aspect_ratio": "9:16",
        "concepts": ["Orbit_Left"],
        "start": {"generation": before.pk},
        "others": {"seed": 7},
    }
    assert make(program_of(alice), is_private=True, **body).status_code == 202  # what a test does is not committed
    intent = Intent.objects.get()
    assert json.loads(intent.request) == {
        "prompt": "A quiet harbour",
        "model": "ray-2",
        "aspect_ratio": "9:16",
        "concepts": [{"key": "orbit_left"}],
        "keyframes": {"frame0": {"type": "generation", "id": before.task_id}},
        "seed": 7,
    }
    send_one(intent.pk)
    made = Generation.objects.exclude(pk=before.pk).get()
    assert (made.is_private, made.created_by) == (True, alice.user)
    assert Lineage.objects.get().kind == Kinship.EXTEND


def test_what_is_made_again_or_varied_says_so(alice: Membership, serve: Serve) -> None:
    connection = connection_at(alice, serve(making()).url)
    before = make_generation(connection, state=State.SUCCEEDED, prompt="A quiet harbour")
    program = program_of(alice, "submit")
    for prompt, kinship in (("A quiet  harbour", Kinship.AGAIN), ("A loud harbour", Kinship.VARY)):
        assert make(program, made_from=before.pk, prompt=prompt).status_code == 202
        assert Intent.objects.latest("pk").made_from == [[before.pk, kinship]]
    dana = make_member("Dana", role=Role.MEMBER, workspace=alice.workspace)
    hidden = make_generation(connection, created_by=dana.user, is_private=True)
    answers = [make(program, made_from=pk) for pk in (hidden.pk, 999_999)]
    assert [answer.status_code for answer in answers] == [422, 422]
    assert answers[0].json() == answers[1].json()


@pytest.fixture
def in_public(settings: Settings, tmp_path: Path) -> None:
    settings.PUBLIC_URL = "https://board.example.org"
    settings.MEDIA_ROOT = tmp_path / "media"


def upload(program: Program, body: bytes) -> Any:
    sent = {"file": SimpleUploadedFile("first.jpg", body)}
    return Client().post(f"{V1}/pictures", sent, headers=program.headers)


def test_a_picture_that_was_uploaded_begins_a_film(alice: Membership, program: Program, in_public: None) -> None:
    make_connection(alice.workspace, kind="luma", base_url="https://api.example.com")
    answers = [upload(program, picture_bytes()) for _time in range(2)]
    told = answers[0].json()
    assert [answer.status_code for answer in answers] == [201, 201]
    assert told == answers[1].json()
    assert (told["content_type"], told["width"], told["height"]) == ("image/jpeg", 64, 36)
    assert make(program, start={"picture": told["id"]}).status_code == 202
    address = json.loads(Intent.objects.get().request)["keyframes"]["frame0"]["url"]
    shown = Client().get(urlsplit(address).path)
    assert b"".join(shown) == picture_bytes()
    assert Picture.objects.get().used_at is not None
    dana = program_of(make_member("Dana", role=Role.MEMBER, workspace=alice.workspace))
    refused = make(dana, start={"picture": told["id"]})
    assert refused.json()["error"]["fields"][0]["where"] == "body.start.picture"


def test_what_is_no_picture_is_refused_and_not_kept(program: Program, in_public: None) -> None:
    answer = upload(program, b"not a picture")
    assert answer.status_code == 422
    assert answer.json()["error"]["fields"][0]["where"] == "body.file"
    assert "JPEG, PNG and WebP" in answer.json()["error"]["fields"][0]["message"]
    assert program.ask("post", "/pictures", {}).status_code in (415, 422)
    assert not Picture.objects.exists()


def test_a_take_tells_what_it_is_estimated_at(alice: Membership, program: Program) -> None:
    make_connection(alice.workspace)
    make_price(alice.workspace, "0.14", model="ray-2")
    told = [make(program, duration=length).json()["takes"][0]["estimate"] for length in ("9s", "")]
    assert told == [{"amount": "1.26", "currency": "USD"}, None]


def test_other_parameters_build_on_nothing_that_a_colleague_keeps_private(alice: Membership, serve: Serve) -> None:
    server = serve(making())
    connection = connection_at(alice, server.url)
    dora = make_member("Dora", role=Role.MEMBER, workspace=alice.workspace)
    hidden = make_generation(connection, created_by=dora.user, is_private=True)
    named = {"character": {"type": "generation", "id": hidden.task_id}}
    answer = make(program_of(alice, "submit"), others=named)
    assert answer.status_code == 422
    assert [one["where"] for one in answer.json()["error"]["fields"]] == ["body.others"]
    assert (server.requests, Intent.objects.count()) == ([], 0)
    assert make(program_of(dora, "submit"), others=named).status_code in (201, 202)  # it is hers


def test_a_colleagues_private_generation_gives_no_frame(alice: Membership, program: Program) -> None:
    dana = make_member("Dana", role=Role.MEMBER, workspace=alice.workspace)
    hidden = make_generation(
        make_connection(alice.workspace), state=State.SUCCEEDED, created_by=dana.user, is_private=True
    )
    told = make(program, start={"generation": hidden.pk}).json()
    assert told == make(program, start={"generation": 999_999}).json()


def test_orders_are_their_makers_alone(alice: Membership, program: Program) -> None:
    make_connection(alice.workspace)
    order = make(program).json()["order"]
    colleague = program_of(make_member("Dana", workspace=alice.workspace))
    assert colleague.ask("get", f"/takes/{order}").status_code == 404
    assert Intent.objects.get().state == IntentState.INTENDED


def test_a_paused_connection_is_a_conflict(alice: Membership, program: Program) -> None:
    make_connection(alice.workspace, pause_reason="person")
    assert make(program).status_code == 409
