"""The provider's paths: who may ask, how a generation lives, and in which words."""

import uuid
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

import pytest
import requests

from lumaboard.simulator import Simulator
from tests.simulator.tools import LIFETIME, TINY, Asker, Clock


def test_an_official_generation_walks_through_its_states(asker: Asker, clock: Clock) -> None:
    first = asker.poll("walk-official").json()
    assert (first["state"], first["assets"], first["failure_reason"]) == ("queued", None, None)
    clock.advance(7)
    assert asker.poll("walk-official").json()["state"] == "dreaming"
    clock.advance(LIFETIME)
    last = asker.poll("walk-official").json()
    assert last["state"] == "completed"
    assert last["assets"]["video"].startswith("http://127.0.0.1:")
    assert last["assets"]["image"]
    assert last["model"] in ("ray-2", "ray-flash-2")
    assert last["created_at"] == first["created_at"]


def test_a_legacy_generation_walks_through_its_states(asker: Asker, clock: Clock) -> None:
    first = asker.poll("walk-legacy").json()
    assert first["state"] == "pending"
    assert first["video"] is first["video_raw"] is first["thumbnail"] is first["last_frame"] is None
    clock.advance(7)
    assert asker.poll("walk-legacy").json()["state"] == "processing"
    clock.advance(LIFETIME)
    last = asker.poll("walk-legacy").json()
    assert last["state"] == "completed"
    assert last["video"]["url"] != last["video"]["download_url"] == last["video_raw"]["url"]
    assert last["thumbnail"]["url"]
    assert last["last_frame"]["url"]
    assert {"liked", "queue_state", "estimate_wait_seconds"} <= last.keys()


def test_a_generation_settles_within_the_promised_times(asker: Asker, clock: Clock) -> None:
    ids = [str(uuid.UUID(int=number << 96)) for number in range(1, 40)]
    assert {asker.poll(task_id).json()["state"] for task_id in ids} == {"queued", "pending"}
    clock.advance(1.9)
    assert {asker.poll(task_id).json()["state"] for task_id in ids} == {"queued", "pending"}
    clock.advance(34.2)
    assert {asker.poll(task_id).json()["state"] for task_id in ids} == {"completed"}


def test_the_pace_makes_everything_faster(make_simulator: Callable[..., Simulator], clock: Clock) -> None:
    with Asker(make_simulator(pace=0.1).url, clock) as asker:
        asker.poll("hasty")
        clock.advance(3.7)
        assert asker.poll("hasty").json()["state"] == "completed"


def test_a_restart_goes_on_where_it_was(make_simulator: Callable[..., Simulator], clock: Clock) -> None:
    first = make_simulator()
    with Asker(first.url, clock) as asker:
        seen = asker.poll("surviving-official").json()
        created = asker.ask("/generations", "POST", json={"prompt": "a quiet harbour", "aspect_ratio": "1:1"}).json()
    first.stop()
    clock.advance(LIFETIME)
    with Asker(make_simulator().url, clock) as asker:
        after = asker.poll("surviving-official").json()
        assert (after["state"], after["created_at"]) == ("completed", seen["created_at"])
        assert asker.poll(created["id"]).json()["state"] == "completed"


def test_reserved_and_overlong_ids_are_unknown(asker: Asker) -> None:
    for task_id in (f"00000000{uuid.uuid4()}"[:36], "x" * 192):
        answer = asker.poll(task_id)
        assert (answer.status_code, answer.json()["code"]) == (400, "task_not_exist")
    assert asker.poll("x" * 191).status_code == 200


def test_any_text_is_an_id(asker: Asker) -> None:
    for task_id in ("task_0123456789abcdef", "żółw und 亀", "a.b~c", "100%"):
        assert asker.poll(quote(task_id)).json()["id"] == task_id


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 401),
        ({"Authorization": "Bearer sk-wrong"}, 401),
        ({"Authorization": "Basic abc"}, 401),
        ({"Authorization": "Bearer sk-empty"}, 403),
    ],
)
def test_bad_keys_are_refused_in_the_providers_words(
    simulator: Simulator, headers: dict[str, str], status: int
) -> None:
    for path in ("/generations/some-id", "/credits", "/ping"):
        answer = requests.get(f"{simulator.url}/dream-machine/v1{path}", headers=headers, timeout=5)
        assert answer.status_code == status
        body = answer.json()
        assert body["code"] == "quota_not_enough" if status == 403 else body["error"]["type"] == "comet_api_error"


def test_an_html_key_meets_a_page_and_a_slow_one_waits(simulator: Simulator, clock: Clock) -> None:
    with Asker(simulator.url, clock, key="sk-html") as asker:
        assert asker.ask("/ping").headers["Content-Type"].startswith("text/html")
    with Asker(simulator.url, clock, key="sk-slow") as asker:
        assert asker.ask("/ping").elapsed.total_seconds() >= 0.3


def test_the_small_endpoints_answer(asker: Asker) -> None:
    assert asker.ask("/ping").json() == {"message": "pong"}
    assert asker.ask("/credits").json()["credit_balance"] > 0
    assert "dolly_zoom" in asker.ask("/generations/concepts/list").json()
    assert "camera orbit left" in asker.ask("/generations/camera_motion/list").json()
    assert asker.ask("/nowhere").status_code == 404
    assert "error" in asker.ask("/nowhere").json()
    assert asker.ask("/generations/x", "PUT").status_code == 404


def test_a_created_generation_follows_its_request(asker: Asker, clock: Clock) -> None:
    asked = {"prompt": "A jellyfish at dawn", "aspect_ratio": "9:21", "duration": "9s", "model": "ray-flash-2"}
    answer = asker.ask("/generations/video", "POST", json=asked)
    assert answer.status_code == 201
    created = answer.json()
    assert (created["state"], created["assets"], created["request"]["prompt"]) == ("queued", None, asked["prompt"])
    clock.advance(LIFETIME)
    later = asker.poll(created["id"]).json()
    assert later["state"] == "completed"
    assert asked["prompt"] in (later.get("prompt"), later.get("request", {}).get("prompt"))


def test_a_created_image_has_only_a_still(asker: Asker, clock: Clock) -> None:
    created = asker.ask("/generations/image", "POST", json={"prompt": "red silk"}).json()
    assert (created["generation_type"], created["model"]) == ("image", "photon-1")
    clock.advance(LIFETIME)
    assert list(asker.poll(created["id"]).json()["assets"]) == ["image"]


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b"{}", b'{"prompt": "ab"}', b'{"prompt": "abc", "aspect_ratio": "2:1"}']
)
def test_a_bad_create_call_is_explained(asker: Asker, body: bytes) -> None:
    answer = asker.ask("/generations", "POST", data=body)
    assert answer.status_code == 400
    assert answer.json()["detail"]


def test_the_list_pages_through_what_is_known(asker: Asker, clock: Clock) -> None:
    for number in range(3):
        asker.poll(f"listed-{number}")
        clock.advance(1)
    page = asker.ask("/generations?limit=2&offset=0").json()
    assert [item["id"] for item in page["generations"]] == ["listed-2", "listed-1"]
    assert (page["count"], page["has_more"]) == (3, True)
    assert asker.ask("/generations?limit=2&offset=2").json()["has_more"] is False
    assert asker.ask("/generations?limit=x").status_code == 400


def test_a_deleted_generation_stays_gone(asker: Asker) -> None:
    asker.poll("doomed")
    assert asker.ask("/generations/doomed", "DELETE").status_code == 204
    assert asker.poll("doomed").status_code == 404
    assert asker.ask("/generations").json()["count"] == 0


def test_what_was_asked_is_counted(simulator: Simulator, asker: Asker) -> None:
    for _ in range(3):
        asker.poll("counted")
    assert simulator.requests.count("counted") == 3
    assert simulator.requests.recent[-1] == ("GET", "/dream-machine/v1/generations/counted")


def test_a_stopped_simulator_ends_its_connections(data_dir: Path) -> None:
    simulator = Simulator(data_dir=data_dir, style=TINY)
    with requests.Session() as session:
        with simulator:
            session.get(f"{simulator.url}/dream-machine/v1/ping", timeout=5)
        with pytest.raises(requests.ConnectionError):
            session.get(f"{simulator.url}/dream-machine/v1/ping", timeout=5)


@pytest.mark.parametrize(
    ("path", "asked", "kind", "made"),
    [
        ("/generations/video/modify", {"mode": "flex_1", "prompt": "as a woodcut"}, "modify_video", "video"),
        ("/generations/video/reframe", {"aspect_ratio": "9:16"}, "reframe_video", "video"),
        ("/generations/image/reframe", {"aspect_ratio": "1:1"}, "reframe_image", "image"),
    ],
)
def test_what_exists_can_be_modified_and_reframed(
    asker: Asker, path: str, asked: dict[str, str], kind: str, made: str
) -> None:
    body = {"model": "ray-2", "media": {"url": "https://example.com/film.mp4"}} | asked
    answer = asker.ask(path, "POST", json=body)
    assert (answer.status_code, answer.json()["generation_type"]) == (201, made)
    assert answer.json()["request"]["generation_type"] == kind
    assert asker.ask(path, "POST", json=asked).json() == {"detail": "Media is required"}
    lacking = {"media": body["media"]}
    assert asker.ask(path, "POST", json=lacking).status_code == 400


@pytest.mark.parametrize(("path", "kind"), [("upscale", "upscale_video"), ("audio", "add_audio")])
def test_a_generation_can_be_made_larger_or_given_sound(asker: Asker, path: str, kind: str) -> None:
    first = asker.ask("/generations", "POST", json={"prompt": "a jellyfish", "aspect_ratio": "9:16"}).json()
    answer = asker.ask(f"/generations/{first['id']}/{path}", "POST", json={"resolution": "1080p"})
    made = answer.json()
    assert (answer.status_code, made["request"]["generation_type"]) == (201, kind)
    assert made["id"] != first["id"]
    assert (made["request"]["prompt"], made["request"]["aspect_ratio"]) == ("a jellyfish", "9:16")
    assert asker.ask(f"/generations/{path}-of-nothing/{path}", "POST", json={}).status_code == 404


def test_a_loop_with_an_end_frame_is_refused(asker: Asker) -> None:
    frames = {"frame1": {"type": "image", "url": "https://example.com/end.jpg"}}
    answer = asker.ask("/generations", "POST", json={"prompt": "a lake", "loop": True, "keyframes": frames})
    assert (answer.status_code, answer.json()["detail"]) == (400, "Loop is not supported with an end frame")


def test_what_was_made_twice_is_told(simulator: Simulator, asker: Asker) -> None:
    for prompt in ("a lake", "a hill", "a lake"):
        asker.ask("/generations", "POST", json={"prompt": prompt})
    asker.ask("/generations", "POST", data=b"{")
    assert simulator.requests.made_twice() == ["a lake"]
    assert len(simulator.requests.made) == 3
    assert [path for path, _body in simulator.requests.creates] == ["/generations"] * 4
