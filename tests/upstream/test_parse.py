from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from lumaboard.upstream.errors import NotUnderstood
from lumaboard.upstream.parse import parse_answer
from lumaboard.upstream.types import Batch, Snapshot
from tests.upstream.recorded import NOW, answering, read_vector, saying

ID = "7c1d0f52-3b0e-4c53-9a51-0d6f3a1b2c01"


def snapshot_of(document: Any, *, now: datetime = NOW) -> Snapshot:
    snapshot = parse_answer(saying(document), now=now)
    assert isinstance(snapshot, Snapshot)
    return snapshot


def legacy(**changes: Any) -> dict[str, Any]:
    document: dict[str, Any] = read_vector("luma_legacy_completed.json")
    return document | changes


def official(**changes: Any) -> dict[str, Any]:
    document: dict[str, Any] = read_vector("luma_official_completed.json")
    return document | changes


def test_a_finished_legacy_generation_offers_four_files() -> None:
    snapshot = snapshot_of(legacy())
    assert [(file.role, file.media_kind, len(file.links)) for file in snapshot.files] == [
        ("raw", "video", 2),
        ("watermarked", "video", 1),
        ("thumbnail", "image", 1),
        ("last_frame", "image", 1),
    ]
    assert {(file.width, file.height) for file in snapshot.files} == {(1360, 752)}
    assert snapshot.files[0].links[1].expires_at == datetime(2025, 3, 1, 11, 15, 34, tzinfo=UTC)
    assert snapshot.aspect_ratio == "16:9"
    assert snapshot.created_at == datetime(2025, 3, 1, 10, 15, 0, 325_000, tzinfo=UTC)


def test_the_official_echo_says_what_was_asked() -> None:
    snapshot = snapshot_of(official())
    assert (snapshot.model, snapshot.aspect_ratio, snapshot.resolution) == ("ray-2", "16:9", "720p")
    assert (snapshot.duration_s, snapshot.is_loop) == (5.0, False)
    assert snapshot.prompt == "A paper lighthouse blinking above a calm sea of folded blue card."
    assert snapshot.request is not None
    assert snapshot.request["callback_url"] == "https://hooks.example.invalid/luma"
    assert snapshot_of(read_vector("luma_official_completed_old.json")).is_loop is True
    assert snapshot_of(read_vector("luma_official_completed_old.json")).model == "v1.6"


def test_the_duration_of_the_file_is_preferred_to_the_one_asked_for() -> None:
    assert snapshot_of(read_vector("luma_hybrid_completed.json")).duration_s == pytest.approx(5.041667)


def test_the_still_of_a_video_is_its_thumbnail_and_the_picture_of_an_image_is_the_result() -> None:
    assert [file.role for file in snapshot_of(official()).files] == ["raw", "thumbnail"]
    image = snapshot_of(read_vector("luma_official_completed_image.json"))
    assert [(file.role, file.media_kind) for file in image.files] == [("raw", "image")]


def test_a_preview_is_never_a_result() -> None:
    preview = {"progress_video": "https://media.example/preview.mp4", "video": None}
    snapshot = snapshot_of(official(assets=preview))
    assert (snapshot.state, snapshot.is_finalising, snapshot.files) == ("running", True, ())


def test_an_expired_link_comes_last_but_is_kept() -> None:
    document = legacy(video_raw=None)
    late = snapshot_of(document, now=NOW + timedelta(hours=2))
    assert "watermarked" in late.result_urls[0]
    assert "X-Amz-Expires" in late.result_urls[1]
    assert "X-Amz-Expires" in snapshot_of(document).result_urls[0]


def test_a_generation_whose_only_link_has_died_has_succeeded_all_the_same() -> None:
    snapshot = snapshot_of(read_vector("luma_agents_completed.json"), now=datetime(2026, 6, 1, tzinfo=UTC))
    assert snapshot.state == "succeeded"
    assert len(snapshot.result_urls) == 1


def test_a_lone_unmarked_video_is_not_called_watermarked() -> None:
    video = {"url": "https://media.example/video.mp4", "width": 100, "height": 100}
    assert next(file.role for file in snapshot_of(legacy(video=video, video_raw=None)).files) == "raw"
    video["url"] = "https://media.example/a_watermarked_video.mp4"
    assert next(file.role for file in snapshot_of(legacy(video=video, video_raw=None)).files) == "watermarked"


@pytest.mark.parametrize("word", ["hallucinating", "UNKNOWN", "", None, 1, ["completed"], "complete d"])
def test_a_word_nobody_knows_keeps_the_generation_running(word: object) -> None:
    assert snapshot_of(official(state=word)).state == "running"


@pytest.mark.parametrize(("word", "state"), [(" COMPLETED ", "succeeded"), ("Queued", "queued"), ("FAILED", "failed")])
def test_words_are_compared_without_case_and_blanks(word: str, state: str) -> None:
    assert snapshot_of(official(state=word)).state == state


@pytest.mark.parametrize(
    ("reason", "kind"),
    [
        ("Advanced prompt moderation failed", "moderation"),
        ("Frame moderation failed", "moderation"),
        ("Contains blacklisted words", "moderation"),
        ("400: failed to moderate image", "moderation"),
        ("Failed to read user input frames", "input"),
        ("Prompt processing failed", "provider"),
        ("任务超时（1440分钟）", "timeout"),
        ("generation timed out", "timeout"),
        (None, None),
    ],
)
def test_a_failure_has_a_kind(reason: str | None, kind: str | None) -> None:
    snapshot = snapshot_of(official(state="failed", failure_reason=reason))
    assert (snapshot.failure_kind, snapshot.failure_reason) == (kind, reason)


def test_a_failure_code_says_the_kind_too() -> None:
    assert snapshot_of(read_vector("luma_agents_failed.json")).failure_kind == "moderation"


def test_a_reason_loses_its_secrets() -> None:
    reason = "Failed to read user input frames: https://img.example/a.png?sig=verysecret"
    assert "verysecret" not in (snapshot_of(official(state="failed", failure_reason=reason)).failure_reason or "")


def test_the_zero_date_is_no_date() -> None:
    assert snapshot_of(official(created_at="0001-01-01T00:00:00Z")).created_at is None


def test_a_naive_date_is_taken_as_utc() -> None:
    assert snapshot_of(official(created_at="2025-03-01T10:15:00")).created_at == datetime(
        2025, 3, 1, 10, 15, tzinfo=UTC
    )


def test_an_envelope_reports_both_ids() -> None:
    document = read_vector("luma_envelope_success.json")
    document["data"]["task_id"] = "task_0123"
    snapshot = snapshot_of(document)
    assert snapshot.reported_ids == ("task_0123", ID)
    assert snapshot.is_about(ID.upper())
    assert not snapshot.is_about("task_9999")


def test_an_unknown_status_outside_leaves_the_word_to_the_provider_inside() -> None:
    document = read_vector("luma_envelope_success.json")
    document["data"]["status"] = "UNKNOWN"
    assert snapshot_of(document).state == "succeeded"


def test_a_relay_may_wrap_the_providers_object_directly() -> None:
    assert snapshot_of({"code": "success", "message": "", "data": legacy()}).state == "succeeded"


def test_a_result_outside_the_providers_object_counts() -> None:
    task = {"task_id": "task_1", "status": "SUCCESS", "result_url": "https://media.example/r.mp4", "progress": "100%"}
    assert snapshot_of({"code": "success", "data": task}).result_urls == ("https://media.example/r.mp4",)


def test_a_reason_in_the_place_of_a_result_is_a_reason() -> None:
    task = {"task_id": "task_1", "status": "FAILURE", "fail_reason": "", "result_url": "out of memory"}
    assert snapshot_of({"code": "success", "data": task}).failure_reason == "out of memory"


def test_a_bad_entry_does_not_hide_the_others_of_a_list() -> None:
    batch = parse_answer(saying([official(), 7, {"nothing": True}, legacy()]), now=NOW)
    assert isinstance(batch, Batch)
    assert [snapshot.state for snapshot in batch.snapshots] == ["succeeded", "succeeded"]
    assert batch.unreadable_count == 2


def test_each_entry_of_a_list_carries_its_own_document() -> None:
    batch = parse_answer(saying([official(), legacy()]), now=NOW)
    assert isinstance(batch, Batch)
    assert "generation_type" in batch.snapshots[0].raw
    assert "generation_type" not in batch.snapshots[1].raw


@pytest.mark.parametrize(
    "address",
    ["javascript:alert(1)", "/relative.mp4", "https://", "http://[::1/x", "https://a b/", "", 7, None, ["https://a/"]],
)
def test_what_is_no_web_address_is_no_link(address: object) -> None:
    snapshot = snapshot_of(official(assets={"video": address}))
    assert (snapshot.state, snapshot.is_finalising) == ("running", True)


@pytest.mark.parametrize("key", sorted(legacy()))
@pytest.mark.parametrize("wrong", [None, 7, "text", [], {}, [[]], True])
def test_a_field_of_another_type_is_survived(key: str, wrong: object) -> None:
    try:
        snapshot_of(legacy(**{key: wrong}))
    except NotUnderstood:
        assert key == "id"


@pytest.mark.parametrize("document", [None, 7, "text", {}, [], {"id": ID}, {"state": "completed"}, {"data": {}}])
def test_a_document_about_nothing_is_not_understood_or_an_empty_list(document: object) -> None:
    if document == []:
        assert parse_answer(saying(document), now=NOW) == Batch(snapshots=())
        return
    with pytest.raises(NotUnderstood):
        parse_answer(saying(document), now=NOW)


def test_a_second_document_behind_the_first_is_ignored() -> None:
    body = answering(saying(official()).body + b'{"detail": "unexpected end of JSON input"}')
    snapshot = parse_answer(body, now=NOW)
    assert isinstance(snapshot, Snapshot)
    assert "detail" not in snapshot.raw
