"""Kill anything at any moment, with -9: nothing is lost, nothing is made up, and it all ends where upstream says.

`CHAOS_KILLS=1000` runs the longer mode. Every run kills the same in the same order, at moments that the machine decides; another
`CHAOS_SEED` kills in another order.
"""

from __future__ import annotations

import json
import os
import random
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests

from tests.chaos.machine import Machine, machine, wait_while
from tests.chaos.person import Person
from tests.ops.installation import Installation, fresh_database

KILLS = int(os.environ.get("CHAOS_KILLS", "60"))
SEED = int(os.environ.get("CHAOS_SEED", "509185"))
GENERATIONS = 500
BATCH = 25
SECONDS_BETWEEN_KILLS = 0.8
PACE = "0.1"
TOKEN = "let-me-see-the-figures"
PATIENCE = 900.0
"""Seconds until all is settled and kept, on a machine that is busy with other things; an idle one needs a tenth."""

CLIP = "format-1x1-seconds-5"
SCENES = ("scene-sea", "scene-dunes", "scene-aurora")

# What becomes of the generations of a batch. Failures are many, because a clip costs much more time than an answer.
FATES: Sequence[tuple[str, int]] = (
    ("", 4),
    ("late-link", 1),
    ("dead-link", 1),
    ("fail-moderation", 6),
    ("fail-other", 6),
    ("quick-fail-silent", 6),
)
# One of these in each batch: troubles that the key or the host has to wait for.
TROUBLES = ("rate-limit-fail-other", "error-500", "soft-error-fail-other", "dead-link-always", "not-yet", "late-link")


@dataclass(frozen=True, slots=True)
class Row:
    """How one generation stands in the end."""

    pk: int
    task_id: str
    state: str
    copy_state: str
    open_files: int
    transitions: list[str]


# What Alice presses when nothing has changed for so many seconds, and on which generations.
ACTS: Mapping[str, tuple[float, Callable[[Row], bool]]] = {
    "check-now": (10, lambda row: row.state in ("queued", "running")),
    "fetch-again": (100, lambda row: row.open_files > 0),  # longer than any lease
}

READ_ROWS = """
import json
from django.db.models import Count, Q
from lumaboard.generations.models import Generation, Transition
states = {}
for pk, state in Transition.objects.order_by("generation", "number").values_list("generation", "to_state"):
    states.setdefault(pk, []).append(state)
rows = Generation.objects.annotate(open_files=Count("assets", filter=Q(assets__copy_state__in=("wanted", "copying"))))
rows = rows.order_by("pk").values_list("pk", "task_id", "state", "copy_state", "open_files")
print(json.dumps([[*row, states.get(row[0], [])] for row in rows]))
"""


@pytest.fixture
def installation(tmp_path: Path) -> Iterator[Installation]:
    with fresh_database() as url:
        installation = Installation(tmp_path / "data", url)
        installation.env |= {"LUMABOARD_METRICS_TOKEN": TOKEN, "LUMABOARD_LOG_LEVEL": "WARNING"}
        installation.bootstrap("--connection-kind", "simulator")
        installation.run("collectstatic", "--noinput", "-v0")
        yield installation


def task_ids() -> list[str]:
    """Ids whose fates are spread evenly over the run."""
    fates = [fate for fate, number in FATES for _ in range(number)]
    ids = []
    for number in range(GENERATIONS):
        batch, place = divmod(number, BATCH)
        fate = fates[place] if place < len(fates) else TROUBLES[batch % len(TROUBLES)]
        ids.append("-".join(filter(None, (f"chaos-{number:04d}", SCENES[number % len(SCENES)], CLIP, fate))))
    return ids


def expected(task_id: str) -> tuple[str, str]:
    """State and copy state that an id's words lead to."""
    if "-fail-" in task_id:
        return "failed", "none"
    return "succeeded", "lost" if task_id.endswith("dead-link-always") else "archived"


def read_rows(installation: Installation) -> list[Row]:
    return [Row(*values) for values in json.loads(installation.read(READ_ROWS))]


def unfinished(installation: Installation) -> float:
    """How many generations are pending and how many copies wait, as monitoring is told; infinite while nobody answers."""
    url = f"http://127.0.0.1:{installation.port}/metrics"
    try:
        answer = requests.get(url, headers={"Authorization": f"Bearer {TOKEN}"}, timeout=10)
    except requests.RequestException:
        return float("inf")
    lines = [line for line in answer.text.splitlines() if line.startswith(("lumaboard_pending", "lumaboard_waiting"))]
    return sum(float(line.rpartition(" ")[2]) for line in lines) if answer.ok else float("inf")


def test_random_kills_lose_nothing(installation: Installation) -> None:
    print(f"CHAOS_SEED={SEED} CHAOS_KILLS={KILLS}")  # noqa: T201  (shown where the test fails)
    dice = random.Random(SEED)
    ids = task_ids()
    batches = [ids[start : start + BATCH] for start in range(0, len(ids), BATCH)]
    with machine(installation, pace=PACE) as everything:
        alice = Person(installation)
        alice.sign_in(email="alice@example.com", password=installation.env["PASSWORD"])
        kill_while_tracking(everything, alice, batches, dice)
        assert everything.killed.total() == KILLS
        assert alice.accepted == set(ids)

        quiet(everything, alice)
        fetch_what_a_forgetful_upstream_lost(everything, alice)
        rows = read_rows(installation)
        assert [row.task_id for row in rows] == sorted(ids)
        assert [(row.task_id, row.state, row.copy_state) for row in rows] == [(i, *expected(i)) for i in sorted(ids)]
        assert_no_transition_twice(rows)
        assert set(alice.seen) <= {row.pk for row in rows}
        assert alice.seen

        broken = installation.manage("verify_invariants", "--ask-upstream")
        assert broken.returncode == 0, broken.stdout + broken.stderr
        assert "0 broken" in broken.stdout


def kill_while_tracking(
    everything: Machine, alice: Person, batches: Sequence[Sequence[str]], dice: random.Random
) -> None:
    """Spread the batches over the kills; twice it is the supervisor's own turn."""
    waiting = list(batches)
    for number in range(KILLS):
        while waiting and len(batches) - len(waiting) <= number * len(batches) // max(1, KILLS * 3 // 4):
            everything.revive()
            alice.track(waiting.pop(0), meanwhile=everything.revive)
        if number in (KILLS // 3, KILLS * 2 // 3):
            everything.kill_supervisor()
        else:
            everything.kill_one(dice)
        alice.look()
        wait_while(everything, SECONDS_BETWEEN_KILLS)
    while waiting:
        alice.track(waiting.pop(0), meanwhile=everything.revive)


def quiet(everything: Machine, alice: Person) -> None:
    """Wait, killing nothing more, until all has settled and every file is kept or lost.

    Alice has no patience for the last few, which are asked about ever more rarely: she presses "check now". A file whose
    copy was killed three times is left alone until a person says "fetch again"; so she does, when no lease can hold it.
    """
    deadline = time.monotonic() + PATIENCE
    open_before, pressed = float("inf"), Counter[str]()
    changed_at = time.monotonic()
    while (still_open := unfinished(everything.installation)) > 0:
        assert time.monotonic() < deadline, f"{still_open} unfinished; killed: {everything.killed}"
        if still_open != open_before:
            open_before, changed_at = still_open, time.monotonic()
            pressed.clear()
        for act, (pause, helps) in ACTS.items():
            if time.monotonic() - changed_at > pause * (pressed[act] + 1):
                pressed[act] += 1
                for row in filter(helps, read_rows(everything.installation)):
                    alice.press(act, row.pk)
        alice.look()
        wait_while(everything, 1)


def fetch_what_a_forgetful_upstream_lost(everything: Machine, alice: Person) -> None:
    """A killed simulator forgets that it has given dead links, and gives them again: such files are lost, as they should be.
    Alice asks for them twice, because the first asking may be the first that the simulator of now has heard."""
    for _time in range(2):
        for row in read_rows(everything.installation):
            if row.copy_state == "lost" and row.task_id.endswith("-dead-link"):
                alice.press("fetch-again", row.pk)
        quiet(everything, alice)


def assert_no_transition_twice(rows: Sequence[Row]) -> None:
    """Each generation was queued, perhaps seen running, and settled: each of it once."""
    for row in rows:
        assert row.transitions[0] == "queued", row
        assert row.transitions[-1] == row.state, row
        assert max(Counter(row.transitions).values()) == 1, row
