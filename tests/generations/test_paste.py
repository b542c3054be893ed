import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lumaboard.generations.paste import MOST_IDS, mask_keys, read

A = "ed0c1edd-29a7-41b8-9a8b-1d6f3a5c0d36"
B = "7f1f5a0c-93cb-4b57-b6f1-0a2c3d9b1e77"


@pytest.mark.parametrize(
    ("text", "ids", "kind"),
    [
        (A, [A], "id"),
        (A.upper(), [A], "id"),
        (f"{A}, {B}", [A, B], "log"),
        (
            f'curl https://api.cometapi.com/dream-machine/v1/generations/{A} -H "Authorization: Bearer sk-abc"',
            [A],
            "curl",
        ),
        (f"https://api.lumalabs.ai/dream-machine/v1/generations/{A}?x=1", [A], "link"),
        (f"2026-11-21T17:12:04Z INFO submitted id={A} request_id={B} took=212ms", [A], "log"),
        (f"https://storage.cdn-luma.com/dream_machine/{A}/watermarked_video.mp4", [A], "link"),
        (json.dumps({"id": A, "state": "pending", "prompt": "", "assets": {"id": B}}), [A], "JSON"),
        (json.dumps([{"task_id": A}, {"task_id": B}], indent=2), [A, B], "JSON"),
        (json.dumps({"code": "success", "data": {"task_id": A, "data": {"id": B}}}), [A], "JSON"),
        (f'{{"id":"{A}"}}\n{{"id":"{B}"}}', [A, B], "JSON"),
        (f"id,prompt,model\n{A},sea,ray-2\n{B},dunes,ray-2", [A, B], "CSV"),
        ("task_0123456789abcdefABCDEF0123456789", ["task_0123456789abcdefABCDEF0123456789"], "id"),
        ("demo-fail-moderation-1", ["demo-fail-moderation-1"], "id"),
    ],
)
def test_an_id_is_found_wherever_it_stands(text: str, ids: list[str], kind: str) -> None:
    reading = read(text)
    assert [item.task_id for item in reading.found] == ids
    assert {item.kind for item in reading.found} == {kind}
    assert reading.unreadable == []


def test_a_json_answer_brings_its_prompt_along() -> None:
    assert read(json.dumps({"id": A, "request": {"prompt": "a\u0000 sea"}})).found[0].prompt == "a sea"


def test_the_same_id_counts_once_and_is_said_to_repeat() -> None:
    reading = read(f"{A}\n{A.upper()}\n{B}")
    assert [item.task_id for item in reading.found] == [A, B]
    assert reading.repeated_count == 1


def test_ten_thousand_lines_of_noise_are_unreadable_and_quick() -> None:
    started = time.process_time()
    reading = read("\n".join(f"lorem ipsum dolor {n} sit amet" for n in range(10_000)))
    assert reading.found == []
    assert len(reading.unreadable) == 10_000
    assert time.process_time() - started < 20  # a guard against quadratic reading, not a measure of speed


def test_ids_beyond_the_ten_thousandth_are_left_out_and_counted() -> None:
    reading = read("\n".join(f"generation-number-{n}" for n in range(MOST_IDS + 3)))
    assert len(reading.found) == MOST_IDS
    assert reading.left_out_count == 3


@pytest.mark.parametrize(
    "text",
    [
        '-H "Authorization: Bearer sk-very-secret-1234"',
        "key: luma-1234567890abcdef",
        "https://q.example/user/quota?key=abcdef123",
    ],
)
def test_a_key_in_the_text_is_masked(text: str) -> None:
    masked, count = mask_keys(text)
    assert count == 1
    assert "••••" in masked
    assert not any(secret in masked for secret in ("secret", "1234567890", "abcdef123"))


@given(st.text())
def test_reading_never_fails(text: str) -> None:
    for item in read(text).found:
        assert 0 < len(item.task_id) <= 191
        assert "\x00" not in item.task_id
        item.task_id.encode()
    mask_keys(text)


def test_a_line_of_many_links_is_read_in_one_go() -> None:
    line = " ".join(f"http://a/task_{number:016d}" for number in range(40_000))
    assert len(read(line).found) == 10_000
