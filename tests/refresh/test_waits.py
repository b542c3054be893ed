from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lumaboard.generations.counters import Wait
from lumaboard.generations.models import State
from lumaboard.refresh.waits import Usual, learn, rounded, usual_of
from tests.factories import NOW, make_connection, make_generation


def test_the_middle_half_and_the_ninth_tenth_are_rounded_for_people() -> None:
    assert usual_of([float(seconds) for seconds in range(1, 101)]) == Usual(low_s=25, high_s=75, p90_s=90)


def test_a_handful_of_waits_teaches_nothing() -> None:
    assert usual_of([60.0] * 4) is None


@pytest.mark.parametrize(("seconds", "said"), [(0, 5), (41, 40), (97, 90), (130, 135), (1000, 1020), (8000, 7800)])
def test_seconds_are_rounded_as_people_speak(seconds: float, said: int) -> None:
    assert rounded(seconds) == said


@given(st.lists(st.floats(0, 100_000), min_size=5, max_size=50))
def test_the_range_is_always_in_order(waits: list[float]) -> None:
    usual = usual_of(waits)
    assert usual is not None
    assert 0 < usual.low_s <= usual.high_s <= usual.p90_s


@pytest.mark.django_db
def test_a_workspace_learns_from_what_it_saw_itself_for_each_kind() -> None:
    comet = make_connection(kind="cometapi")
    for seconds in (60, 70, 80, 90, 100):
        began = NOW - timedelta(hours=1)
        make_generation(
            comet,
            state=State.SUCCEEDED,
            created_at=began,
            running_at=began,
            settled_at=began + timedelta(seconds=seconds),
        )
    for _ in range(9):  # settled before anybody looked
        make_generation(comet, state=State.SUCCEEDED, created_at=NOW, settled_at=NOW)
    make_generation(make_connection(comet.workspace, kind="luma"), state=State.SUCCEEDED, running_at=NOW)

    learn(now=NOW)
    learn(now=NOW)

    wait = Wait.objects.get()
    assert (wait.connection_kind, wait.low_s, wait.high_s, wait.p90_s) == ("cometapi", 75, 90, 105)


@pytest.mark.django_db
def test_upstreams_own_date_counts_unless_it_contradicts_what_we_saw() -> None:
    connection = make_connection(kind="luma")
    for upstream_created_at in [NOW - timedelta(seconds=50)] * 5 + [NOW + timedelta(hours=1), NOW - timedelta(days=9)]:
        make_generation(
            connection,
            state=State.SUCCEEDED,
            created_at=NOW - timedelta(seconds=20),
            running_at=NOW - timedelta(seconds=10),
            settled_at=NOW,
            upstream_created_at=upstream_created_at,
        )

    learn(now=NOW)

    wait = Wait.objects.get()
    assert (wait.low_s, wait.high_s) == (50, 50)  # five of 50 s, two of 20 s
