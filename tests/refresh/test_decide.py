from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lumaboard.connections.models import Connection
from lumaboard.generations.counts import counts_of
from lumaboard.generations.models import RANK, Attention, CopyState, Generation, State, Transition
from lumaboard.refresh.apply import apply
from lumaboard.refresh.claim import FIRST_TRIES, Claim
from lumaboard.refresh.decide import Heard, decide
from lumaboard.upstream.errors import (
    GenerationNotFound,
    KeyRefused,
    NotUnderstood,
    OutOfCredit,
    RateLimited,
    RequestRefused,
    UpstreamError,
    UpstreamUnavailable,
)
from lumaboard.upstream.types import Link, RemoteFile, Snapshot
from tests.factories import NOW, make_connection, make_generation

RAW = RemoteFile(
    role="raw", links=(Link(url="https://cdn.example/a.mp4"),), media_kind="video", width=1360, height=752, duration_s=5
)
WATERMARKED = replace(
    RAW,
    role="watermarked",
    links=(Link(url="https://cdn.example/w.mp4", expires_at=NOW + timedelta(hours=1)),),
    width=640,
)


def snapshot(state: str = "running", **fields: object) -> Snapshot:
    fields.setdefault("raw", f'{{"state": "{state}", "n": {len(fields)}}}')
    fields.setdefault("upstream_state", state)
    return Snapshot(task_id="t", state=state, shape="legacy", **fields)  # type: ignore[arg-type]  # any field


def heard(row: Generation, outcome: Snapshot | UpstreamError, *, seconds: float = 0, is_paced: bool = False) -> Heard:
    """What an asking about this row, begun so long after noon, brought."""
    assert row.next_refresh_at is not None
    claim = Claim(
        row=row, connection=row.connection, lease=row.lease, next_refresh_at=row.next_refresh_at, is_paced=is_paced
    )
    at = NOW + timedelta(seconds=seconds)
    said = outcome if isinstance(outcome, Snapshot) else None
    error = outcome if isinstance(outcome, UpstreamError) else None
    return Heard(claim=claim, asked_at=at, heard_at=at, seconds=0.1, snapshot=said, error=error)


def pending(state: str = State.QUEUED, **fields: object) -> Generation:
    """A row that lies in no database."""
    fields.setdefault("created_at", NOW)
    fields.setdefault("next_refresh_at", NOW + timedelta(minutes=1))
    return Generation(state=state, connection=Connection(kind="cometapi"), lease="ours", **fields)


def test_an_unchanged_answer_that_the_claim_has_paced_costs_no_write() -> None:
    row = pending(State.RUNNING)
    answer = snapshot()
    for name, value in decide(row, heard(row, answer), now=NOW, draw=0.5).fields.items():
        setattr(row, name, value)
    row.lease, row.next_refresh_at = "ours", NOW + timedelta(minutes=1)

    assert decide(row, heard(row, answer, seconds=4, is_paced=True), now=NOW, draw=0.5).fields == {}
    young = decide(row, heard(row, answer, seconds=4), now=NOW + timedelta(seconds=4), draw=0.5)
    assert young.fields.keys() == {"lease", "next_refresh_at"}
    assert not young.is_visible


def test_an_asking_that_began_before_the_last_applied_one_counts_for_nothing() -> None:
    row = pending(State.RUNNING, applied_at=NOW + timedelta(seconds=10))

    assert decide(row, heard(row, snapshot("succeeded", files=(RAW,)), seconds=9), now=NOW, draw=0.5).fields == {}


def test_settled_is_final() -> None:
    row = pending(State.FAILED, settled_at=NOW)

    assert decide(row, heard(row, snapshot("succeeded", files=(RAW,))), now=NOW, draw=0.5).fields == {}


def test_an_earlier_state_never_replaces_a_later_one() -> None:
    row = pending(State.RUNNING, upstream_state="dreaming")
    change = decide(row, heard(row, snapshot("queued")), now=NOW, draw=0.5)

    assert not change.moves_state
    assert "upstream_state" not in change.fields


def test_an_empty_value_never_replaces_one_we_have() -> None:
    row = pending(prompt="Golden hour", model="ray-2", duration_s=5.0, request={"prompt": "Golden hour"})
    change = decide(row, heard(row, snapshot(prompt="", model=None, request={})), now=NOW, draw=0.5)

    assert change.fields.keys().isdisjoint({"prompt", "model", "duration_s", "request"})


def test_what_upstream_tells_about_the_request_is_kept_within_the_columns() -> None:
    row = pending()
    said = snapshot(prompt="Rain on glass", model="m" * 300, aspect_ratio="16:9", resolution="720p", duration_s=9.0)
    fields = decide(row, heard(row, said), now=NOW, draw=0.5).fields

    assert fields["prompt"] == "Rain on glass"
    assert fields["model"] == "m" * 80
    assert (fields["aspect_ratio"], fields["resolution"], fields["duration_s"]) == ("16:9", "720p", 9.0)


def test_success_asks_for_the_copies_and_says_how_long_the_link_lives() -> None:
    row = pending()
    change = decide(row, heard(row, snapshot("succeeded", files=(RAW, WATERMARKED))), now=NOW, draw=0.5)

    assert change.fields["state"] == State.SUCCEEDED
    assert change.fields["copy_state"] == CopyState.WANTED
    assert (change.fields["width"], change.fields["height"]) == (1360, 752)
    assert "link_expires_at" not in change.fields  # the raw file's link says nothing of an end
    assert {file.role for file in change.files} == {"raw", "watermarked"}
    assert change.fields["next_refresh_at"] is None


def test_where_only_a_watermarked_file_exists_custody_is_that_files() -> None:
    row = pending()
    change = decide(row, heard(row, snapshot("succeeded", files=(WATERMARKED,))), now=NOW, draw=0.5)

    assert change.fields["copy_state"] == CopyState.WANTED
    assert change.fields["link_expires_at"] == NOW + timedelta(hours=1)
    assert change.fields["width"] == 640


def test_a_moderation_failure_keeps_kind_and_reason() -> None:
    row = pending(State.RUNNING)
    failed = snapshot("failed", failure_kind="moderation", failure_reason="Frame moderation failed")
    fields = decide(row, heard(row, failed), now=NOW, draw=0.5).fields

    assert (fields["failure_kind"], fields["failure_reason"]) == ("moderation", "Frame moderation failed")
    assert fields["settled_at"] == NOW


def test_a_failure_without_a_reason_is_the_providers() -> None:
    row = pending()

    assert decide(row, heard(row, snapshot("failed")), now=NOW, draw=0.5).fields["failure_kind"] == "provider"


def test_a_generation_pending_for_seven_days_is_parked() -> None:
    row = pending(State.RUNNING, created_at=NOW - timedelta(days=7))
    fields = decide(row, heard(row, snapshot()), now=NOW, draw=0.5).fields

    assert (fields["attention"], fields["next_refresh_at"]) == (Attention.PARKED, None)


def test_a_generation_of_the_past_counts_as_new_until_it_was_heard_of_or_asked_for_often() -> None:
    """One refused answer must not put it off for hours, or park it."""
    made = {"created_at": NOW - timedelta(days=30), "upstream_created_at": NOW - timedelta(days=30)}
    outage = UpstreamUnavailable("503")
    for row, is_parked in (
        (pending(**made), False),
        (pending(**made, attempts=FIRST_TRIES), True),
        (pending(State.RUNNING, **made, applied_at=NOW - timedelta(days=1)), True),
    ):
        fields = decide(row, heard(row, outage), now=NOW, draw=0.0).fields
        assert (fields.get("attention") == Attention.PARKED) == is_parked
        assert is_parked or fields["next_refresh_at"] - NOW < timedelta(seconds=10)


def test_the_same_error_again_changes_no_card() -> None:
    row = pending(State.RUNNING, error_kind="transient_error", error_text="502 the first time", attempts=1)
    change = decide(row, heard(row, UpstreamUnavailable("503 this time")), now=NOW, draw=0.5)

    assert not change.is_visible
    assert change.fields["attempts"] == 2


def test_a_time_that_a_person_moved_since_the_claim_stays() -> None:
    row = pending(State.RUNNING)
    outcome = heard(row, snapshot())
    row.next_refresh_at = NOW

    assert "next_refresh_at" not in decide(row, outcome, now=NOW + timedelta(seconds=3), draw=0.5).fields


def test_a_wrong_account_flags_nothing_missing() -> None:
    row = pending(
        State.RUNNING,
        created_at=NOW - timedelta(hours=2),
        not_found_count=20,
        not_found_since=NOW - timedelta(hours=1),
    )
    unknown = heard(row, GenerationNotFound("unknown"))

    assert decide(row, unknown, now=NOW, draw=0.5).fields["attention"] == Attention.MISSING
    fields = decide(row, unknown, now=NOW, draw=0.5, may_flag_missing=False).fields
    assert fields["attention"] == Attention.UNKNOWN_ID


outcomes = st.one_of(
    st.builds(
        snapshot,
        st.sampled_from(["queued", "running", "succeeded", "failed"]),
        files=st.sampled_from([(), (RAW,), (WATERMARKED,), (RAW, WATERMARKED)]),
        is_finalising=st.booleans(),
        prompt=st.sampled_from([None, "", "Golden hour"]),
        raw=st.sampled_from(["{}", '{"a": 1}', '{"b": 2}']),
    ),
    st.sampled_from(
        [
            GenerationNotFound("unknown"),
            KeyRefused("refused"),
            NotUnderstood("what?"),
            OutOfCredit("empty"),
            RateLimited("slow down", retry_after=3),
            RequestRefused("no"),
            UpstreamUnavailable("down"),
        ]
    ),
)


@pytest.mark.django_db
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(story=st.lists(st.tuples(outcomes, st.integers(-30, 4000)), min_size=1, max_size=12))
def test_whatever_upstream_says_rank_never_falls_transitions_have_no_gap_and_counts_fit(
    story: list[tuple[Snapshot | UpstreamError, int]],
) -> None:
    generation = make_generation(make_connection(kind="cometapi"))
    seconds = 0
    for outcome, step in story:
        seconds += step
        row = Generation.objects.get(pk=generation.pk)
        if row.next_refresh_at is None:
            break
        apply([heard(row, outcome, seconds=seconds)], now=NOW + timedelta(seconds=seconds))

    row = Generation.objects.get(pk=generation.pk)
    seen = list(Transition.objects.filter(generation=row).order_by("number"))
    assert [transition.number for transition in seen] == list(range(1, len(seen) + 1))
    assert [transition.from_state for transition in seen[1:]] == [transition.to_state for transition in seen[:-1]]
    ranks = [RANK[State(transition.to_state)] for transition in seen]
    assert ranks == sorted(ranks)
    assert seen[-1].to_state == row.state
    assert sum(counts_of(row.workspace_id).values()) == 1 + bool(row.attention)
    assert row.is_settled or row.next_refresh_at is not None or row.attention == Attention.PARKED
