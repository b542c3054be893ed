from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lumaboard.connections.budget import full_jitter
from lumaboard.refresh.backoff import LONGEST, after_error, after_not_found, at_latest, is_parked, pace, spread
from tests.factories import NOW

draws = st.floats(min_value=0, max_value=1, exclude_max=True)
waits = st.timedeltas(min_value=timedelta(seconds=1), max_value=timedelta(days=30))


@pytest.mark.parametrize(
    ("age", "provider", "simulator"),
    [
        (timedelta(0), 4, 2),
        (timedelta(minutes=2), 10, 4),
        (timedelta(minutes=10), 60, 10),
        (timedelta(hours=1), 600, 60),
        (timedelta(days=1), LONGEST.total_seconds(), 600),
        (timedelta(days=6), LONGEST.total_seconds(), 600),
    ],
)
def test_the_pace_falls_with_age(age: timedelta, provider: float, simulator: float) -> None:
    assert pace(age, is_simulated=False) == timedelta(seconds=provider)
    assert pace(age, is_simulated=True) == timedelta(seconds=simulator)


def test_a_connection_can_be_asked_slower_by_a_factor() -> None:
    assert pace(timedelta(0), is_simulated=False, factor=3) == timedelta(seconds=12)


def test_a_generation_is_parked_after_seven_days() -> None:
    assert not is_parked(timedelta(days=7) - timedelta(seconds=1))
    assert is_parked(timedelta(days=7))


@given(draw=draws, wait=waits, failures=st.integers(0, 10_000), factor=st.floats(1, 100))
def test_no_time_lies_as_far_ahead_as_a_clock_set_back_would_put_it(
    draw: float, wait: timedelta, failures: int, factor: float
) -> None:
    slowest = pace(timedelta(days=6), is_simulated=False, factor=factor)
    for wanted in (wait, spread(slowest, draw), after_error(failures, slowest, draw=draw)):
        assert at_latest(NOW, wanted) < NOW + timedelta(hours=2)
    assert after_not_found(wait, slowest, draw=draw) < timedelta(hours=2)


@given(draw=draws, failures=st.integers(0, 10_000))
def test_an_error_never_brings_the_next_asking_forward(draw: float, failures: int) -> None:
    usual = timedelta(minutes=1)
    assert after_error(failures, usual, draw=draw) >= spread(usual, draw)


@given(draw=draws, failures=st.integers(0, 10_000))
def test_full_jitter_stays_between_nothing_and_its_cap(draw: float, failures: int) -> None:
    wait = full_jitter(failures, base=timedelta(seconds=4), cap=timedelta(minutes=5), draw=draw)
    assert timedelta(0) <= wait <= timedelta(minutes=5)


@given(draw=draws)
def test_a_spread_moves_a_wait_by_a_fifth_at_most(draw: float) -> None:
    for seconds in (2, 10, 600):
        assert 0.8 * seconds <= spread(timedelta(seconds=seconds), draw).total_seconds() <= 1.1 * seconds


def test_short_waits_are_never_lengthened_beyond_the_next_tick() -> None:
    assert spread(timedelta(seconds=2), 0.999) <= timedelta(seconds=2)
