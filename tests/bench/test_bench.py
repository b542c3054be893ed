"""The bench itself: every measurement runs, in a tiny mode. What it finds so small and so quickly is nobody's goal."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tests.bench.figures import MEASUREMENTS, NOT_BUILT, Figure, Goal, Measurement, verdict_of
from tests.bench.table import table
from tests.ops.installation import ROOT


def test_every_measurement_runs_and_stands_in_one_table() -> None:
    url = os.environ.get("LUMABOARD_DATABASE_URL", "")
    label, choice = ("PostgreSQL", "--postgres") if url.startswith("postgres") else ("SQLite", "--sqlite")
    environment = {name: value for name, value in os.environ.items() if not name.startswith("LUMABOARD_")}
    done = subprocess.run(
        [sys.executable, "-m", "tests.bench", "--tiny", choice],
        cwd=ROOT,
        env=environment | ({"LUMABOARD_DATABASE_URL": url} if url else {}),
        capture_output=True,
        text=True,
        check=False,
        timeout=480,
    )
    assert done.returncode == 0, done.stderr
    lines = {line.split("|")[1].strip(): line for line in done.stdout.splitlines() if line.startswith("|")}
    measured = [one for one in MEASUREMENTS if one.is_measured_on(label) and one.key not in NOT_BUILT]
    assert [one.key for one in measured if not any(sign.isdigit() for sign in _figure_in(lines[one.title]))] == []


def _figure_in(line: str) -> str:
    return line.split("|")[3]


@pytest.mark.parametrize(
    ("value", "goal", "is_planned", "verdict"),
    [
        (0.9, Goal(">=", 0.85), False, "met"),
        (0.8, Goal(">=", 0.85), False, "missed"),
        (1.2, Goal("<=", 1.3), False, "met"),
        (40.0, Goal("<=", 10), False, "missed"),
        (40.0, Goal("<=", 10), True, "not yet"),
        (4.0, Goal("<=", 10), True, "met"),
    ],
)
def test_a_miss_is_called_one_unless_what_would_help_is_later_work(
    value: float, goal: Goal, is_planned: bool, verdict: str
) -> None:
    assert verdict_of(Measurement("any", "any", goal, is_planned=is_planned), Figure(value)) == verdict


def test_what_could_not_be_measured_is_not_passed_over() -> None:
    assert table({"SQLite": {}}).count("failed") == len(MEASUREMENTS) - len(NOT_BUILT)
