"""Every recorded answer is understood as its index says."""

from __future__ import annotations

from decimal import Decimal

import pytest

from lumaboard.upstream.balances import parse_balance
from lumaboard.upstream.errors import UpstreamError
from lumaboard.upstream.parse import parse_answer, parse_download_link
from lumaboard.upstream.types import Batch, Snapshot
from tests.upstream.recorded import NOW, Vector, all_vectors

# What our four states (and the flag) are called in the index.
STATES = {"finalising": ("running", True), "unknown": ("running", False)}
SHAPES = {"legacy-array": "legacy", "official-callback": "official"}
GENERATIONS = [v for v in all_vectors("luma", "envelope") if v.expected["state"] not in {"batch", "n/a"}]
BATCHES = [v for v in all_vectors("luma", "envelope") if v.expected["state"] == "batch"]
ERRORS = all_vectors("error") + [v for v in all_vectors() if v.name.startswith("storage_")]
BALANCES = {
    "balance_account.json": (Decimal("42.137"), "example-team"),
    "balance_account_daily.json": (Decimal("42.137"), "example-team"),
    "balance_account_old_unlimited.json": (Decimal("2105.234088"), "example-team"),
    "balance_luma_credits.json": (Decimal("42.13"), ""),
}


def named(vector: Vector) -> str:
    return vector.name


@pytest.mark.parametrize("vector", GENERATIONS, ids=named)
def test_a_recorded_generation_is_read_as_expected(vector: Vector) -> None:
    snapshot = parse_answer(vector.answer, now=NOW)
    assert isinstance(snapshot, Snapshot)
    expected = vector.expected
    assert (snapshot.state, snapshot.is_finalising) == STATES.get(expected["state"], (expected["state"], False))
    assert list(snapshot.result_urls) == expected["result_urls"]
    assert snapshot.failure_reason == expected["failure_reason"]
    assert snapshot.progress == expected["progress"]
    assert snapshot.shape == SHAPES.get(vector.shape, vector.shape)
    assert snapshot.task_id
    assert snapshot.is_about(snapshot.task_id)


@pytest.mark.parametrize("vector", BATCHES, ids=named)
def test_a_recorded_list_is_one_snapshot_for_each_entry(vector: Vector) -> None:
    batch = parse_answer(vector.answer, now=NOW)
    assert isinstance(batch, Batch)
    assert batch.unreadable_count == 0
    states = {"luma_official_list.json": ["succeeded", "running"], "luma_envelope_batch_in_progress.json": ["running"]}
    assert [snapshot.state for snapshot in batch.snapshots] == states[vector.name]


@pytest.mark.parametrize("vector", ERRORS, ids=named)
def test_a_recorded_error_gets_its_own_word(vector: Vector) -> None:
    with pytest.raises(UpstreamError) as caught:
        parse_answer(vector.answer, now=NOW)
    assert caught.value.kind == vector.expected["state"]


@pytest.mark.parametrize("vector", all_vectors("balance"), ids=named)
def test_a_recorded_balance_is_in_dollars(vector: Vector) -> None:
    balance = parse_balance(vector.answer, now=NOW)
    assert (balance.amount, balance.unit, balance.label) == (BALANCES[vector.name][0], "USD", BALANCES[vector.name][1])


def test_the_recorded_download_link_is_read_with_its_end() -> None:
    vector = next(v for v in all_vectors("luma") if v.name == "luma_download_video_url.json")
    link = parse_download_link(vector.answer, now=NOW)
    assert [link.url] == vector.expected["result_urls"]
    assert link.expires_at is not None
    assert link.expires_at.isoformat() == "2025-03-01T11:15:34+00:00"


def test_no_recorded_answer_is_left_out() -> None:
    covered = {v.name for v in [*GENERATIONS, *BATCHES, *ERRORS, *all_vectors("balance")]}
    assert covered | {"luma_download_video_url.json"} == {v.name for v in all_vectors()}
    assert len(covered) == 55
