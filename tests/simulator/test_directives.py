"""What the simulator can be told to do wrong; every directive of the table is obeyed here or in a neighbour of this file."""

import contextlib
import json
import re
import time
import uuid
from collections.abc import Callable
from pathlib import Path

import av
import pytest
import requests

from lumaboard.simulator import Simulator
from lumaboard.simulator.directives import DIRECTIVES, in_id, in_prompt
from tests.simulator.tools import LIFETIME, Asker, Clock, fetch

LOOK = "scene-spheres-format-1x1-seconds-5"
PAGE = Path(__file__).parents[2] / "docs" / "simulator.md"


def test_the_page_tells_what_the_code_does() -> None:
    told = re.findall(r"^\| `([a-z0-9-]+)` \| (.+) \|$", PAGE.read_text(), re.MULTILINE)
    assert dict(told) == dict(DIRECTIVES)


def test_directives_are_read_from_ids_and_prompts() -> None:
    assert in_id("trip-fail-moderation") == {"fail-moderation"}
    assert in_id("dead-link-always_slow.stall") == {"dead-link-always", "slow", "stall"}
    assert in_id("slowly-stalled") == frozenset()
    assert in_prompt("a cat [sim:stall, slow nonsense] on a [sim:html]") == {"stall", "slow", "html"}
    assert not any(in_id(str(uuid.uuid4())) for _ in range(2000))


@pytest.mark.parametrize(
    ("directive", "reason"),
    [
        ("fail-moderation", "Advanced prompt moderation failed"),
        ("fail-frames", "Failed to read user input frames"),
        ("fail-other", "Prompt processing failed"),
        ("fail-silent", None),
    ],
)
def test_a_failure_gives_its_reason_in_both_shapes(asker: Asker, directive: str, reason: str | None) -> None:
    for shape in ("official", "legacy"):
        answer = asker.settled(f"x-{shape}-{directive}")
        assert (answer["state"], answer.get("failure_reason")) == ("failed", reason)


def test_a_directive_in_a_prompt_works_on_what_it_created(asker: Asker, clock: Clock) -> None:
    created = asker.ask("/generations", "POST", json={"prompt": "a fox [sim:fail-moderation]"}).json()
    clock.advance(LIFETIME)
    assert asker.poll(created["id"]).json()["state"] == "failed"


def test_a_stalled_generation_never_settles(asker: Asker, clock: Clock) -> None:
    asker.poll("x-stall-official")
    clock.advance(10**7)
    assert asker.poll("x-stall-official").json()["state"] == "dreaming"


def test_a_quick_generation_settles_within_a_second(asker: Asker, clock: Clock) -> None:
    asker.poll("x-quick")
    clock.advance(0.7)
    assert asker.poll("x-quick").json()["state"] == "completed"


def test_an_unknown_word_stands_for_running(asker: Asker, clock: Clock) -> None:
    asker.poll("x-unknown-state")
    clock.advance(7)
    assert asker.poll("x-unknown-state").json()["state"] == "hallucinating"
    clock.advance(LIFETIME)
    assert asker.poll("x-unknown-state").json()["state"] == "completed"


@pytest.mark.parametrize(
    ("directive", "status", "word"),
    [
        ("rate-limit", 429, "rate_limit"),
        ("error-500", 500, "get_task_failed"),
        ("soft-error", 200, "upstream_error"),
        ("not-yet", 400, "task_not_exist"),
    ],
)
def test_the_first_polls_are_spoiled_and_then_all_is_well(asker: Asker, directive: str, status: int, word: str) -> None:
    for _ in range(3):
        answer = asker.poll(f"x-{directive}")
        assert answer.status_code == status
        assert word in answer.text
        assert ("Retry-After" in answer.headers) == (status == 429)
    assert asker.poll(f"x-{directive}").json()["id"] == f"x-{directive}"


def test_answers_can_be_of_the_wrong_kind(asker: Asker) -> None:
    assert asker.poll("x-gone").status_code == 404
    assert asker.poll("x-gone").json() == {"detail": "Generation not found"}
    assert asker.poll("x-html").headers["Content-Type"].startswith("text/html")
    with pytest.raises(json.JSONDecodeError):
        json.loads(asker.poll("x-cut-json").text)
    assert asker.poll("x-slow").elapsed.total_seconds() >= 0.3
    assert asker.poll("x-wrong-id").json()["id"] != "x-wrong-id"
    assert asker.poll("x-array").json()[0]["id"] == "x-array"
    wrapped = asker.poll("x-envelope").json()
    assert (wrapped["code"], wrapped["data"]["status"]) == ("success", "QUEUED")
    assert wrapped["data"]["data"]["state"] == "pending"


def test_completed_can_come_without_a_link(asker: Asker, clock: Clock) -> None:
    assert asker.settled("x-no-link-official")["assets"] is None
    assert asker.settled("x-no-link-legacy")["video"] is None
    asker.poll("x-late-link-quick-official")
    clock.advance(1)
    early = asker.poll("x-late-link-quick-official").json()
    assert (early["state"], early["assets"]) == ("completed", None)
    clock.advance(10)
    assert asker.poll("x-late-link-quick-official").json()["assets"]["video"]


def test_a_watermarked_file_can_be_all_there_is(asker: Asker) -> None:
    answer = asker.settled("x-watermark-only")
    assert answer["video"]["url"]
    assert "download_url" not in answer["video"]
    assert answer["video_raw"] is None


def video_of(asker: Asker, directive: str) -> str:
    link = asker.settled(f"x-{directive}-official-{LOOK}")["assets"]["video"]
    assert isinstance(link, str)
    return link


def test_a_dead_link_lives_when_asked_again_unless_always(asker: Asker) -> None:
    link = video_of(asker, "dead-link")
    assert fetch(link).status_code == 403
    again = asker.poll(f"x-dead-link-official-{LOOK}").json()["assets"]["video"]
    assert fetch(again).status_code == 200
    video_of(asker, "dead-link-always")
    assert fetch(video_of(asker, "dead-link-always")).status_code == 403


def test_a_cut_file_ends_before_its_announced_length(asker: Asker) -> None:
    with requests.get(video_of(asker, "cut-file"), timeout=20, stream=True) as answer:
        announced = int(answer.headers["Content-Length"])
        with pytest.raises(requests.exceptions.ChunkedEncodingError):
            _ = answer.content
    assert announced == len(fetch(video_of(asker, "official")).content)


def test_a_cut_container_arrives_whole_and_is_broken(asker: Asker, tmp_path: Path) -> None:
    answer = fetch(video_of(asker, "cut-container"))
    assert int(answer.headers["Content-Length"]) == len(answer.content)
    path = tmp_path / "cut.mp4"
    path.write_bytes(answer.content)
    with av.open(str(path)) as container:
        assert container.streams.video[0].frames == 12
        whole: list[object] = []
        with contextlib.suppress(av.FFmpegError):
            whole.extend(container.decode(video=0))
        assert len(whole) < 12


def test_media_can_be_something_else(asker: Asker) -> None:
    assert fetch(video_of(asker, "empty-file")).content == b""
    assert fetch(video_of(asker, "html-media")).headers["Content-Type"].startswith("text/html")
    moved = fetch(video_of(asker, "redirect-private"))
    assert (moved.status_code, moved.headers["Location"]) == (302, "http://169.254.169.254/latest/meta-data/")
    busy = fetch(video_of(asker, "media-503"))
    assert (busy.status_code, busy.headers["Retry-After"]) == (503, "2")
    whole = fetch(video_of(asker, "media-no-ranges"), Range="bytes=0-1")
    assert whole.status_code == 200
    assert len(whole.content) > 2


def test_an_oversize_file_announces_more_than_anybody_keeps(asker: Asker) -> None:
    with requests.get(video_of(asker, "oversize"), timeout=20, stream=True) as answer:
        assert int(answer.headers["Content-Length"]) == 64 * 1024**3
        assert next(answer.iter_content(1000)) == bytes(1000)


def test_slow_media_arrive_whole_in_the_end(asker: Asker) -> None:
    link = video_of(asker, "slow-media")
    whole = fetch(video_of(asker, "official")).content
    began = time.monotonic()
    assert fetch(link).content == whole
    assert time.monotonic() - began >= 0.25


def test_a_scene_can_be_chosen(asker: Asker) -> None:
    make: Callable[[str], str] = lambda scene: asker.poll(f"x-official-scene-{scene}").json()["request"]["prompt"]  # noqa: E731
    assert "jelly" in make("jellyfish").casefold()
    assert "dune" in make("dunes").casefold()


def test_format_and_length_can_be_chosen(asker: Asker) -> None:
    request = asker.poll("x-official-format-21x9-seconds-9").json()["request"]
    assert (request["aspect_ratio"], request["duration"]) == ("21:9", "9s")
    request = asker.poll("x-official-format-9x16-seconds-5").json()["request"]
    assert (request["aspect_ratio"], request["duration"]) == ("9:16", "5s")


def create(asker: Asker, directive: str) -> requests.Response:
    return asker.ask("/generations", "POST", json={"prompt": f"a lake [sim:{directive}]"})


@pytest.mark.parametrize("directive", ["create-lost", "create-dropped", "create-cut"])
def test_a_create_call_can_break_off_with_something_made_or_nothing(
    simulator: Simulator, asker: Asker, directive: str
) -> None:
    with pytest.raises(requests.exceptions.RequestException):
        create(asker, directive)
    assert len(simulator.requests.made) == (directive != "create-dropped")


@pytest.mark.parametrize(
    ("directive", "status", "made"),
    [
        ("create-500-made", 500, 1),
        ("create-500", 500, 0),
        ("create-503", 503, 0),
        ("create-429", 429, 0),
        ("create-html", 200, 0),
        ("create-moderation", 400, 0),
    ],
)
def test_a_create_call_can_be_refused_or_seem_so(
    simulator: Simulator, asker: Asker, directive: str, status: int, made: int
) -> None:
    answer = create(asker, directive)
    assert (answer.status_code, len(simulator.requests.made)) == (status, made)
    assert ("Retry-After" in answer.headers) == (status == 429)
    assert answer.headers["Content-Type"].startswith("text/html") == (directive == "create-html")


def test_a_create_call_can_be_slow(asker: Asker) -> None:
    answer = create(asker, "create-slow")
    assert (answer.status_code, answer.elapsed.total_seconds() >= 0.3) == (201, True)
