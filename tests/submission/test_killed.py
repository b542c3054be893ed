"""Senders that are killed while they submit, again and again: nothing is made twice, and nothing that was made is lost."""

from __future__ import annotations

import os
import random
import signal
import time
from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from django.db.models import Q
from django.utils import timezone

from lumaboard.accounts.models import Membership
from lumaboard.connections.models import Kind
from lumaboard.generations.models import Generation
from lumaboard.ops.invariants import creates_are_sent_once, creates_are_tracked
from lumaboard.simulator import ClipStyle, Simulator
from lumaboard.submission.models import Intent
from lumaboard.submission.reconcile import look_for_due, settle_stale
from tests.archive.test_killed import database_url
from tests.submission.conftest import connection_at
from tests.submission.sender import Senders

KILLS = int(os.environ.get("CHAOS_KILLS", "30"))
SEED = int(os.environ.get("CHAOS_SEED", "0")) or random.SystemRandom().randrange(1, 10**9)
"""When it is killed is left to chance: what has to hold does not depend on it."""

WAYS = (
    "",
    "create-slow",
    "create-slow",
    "create-lost",
    "create-cut",
    "create-500-made",
    "create-dropped",
    "create-429",
)
PROMPTS = [f"Take {number} of the harbour [sim:official,{WAYS[number % len(WAYS)]}]" for number in range(4 * KILLS)]


@pytest.fixture
def simulator(tmp_path: Path) -> Iterator[Simulator]:
    with Simulator(
        data_dir=tmp_path, style=ClipStyle(short_side=64, fps=8, max_seconds=1), slow_seconds=0.2
    ) as running:
        yield running


def after(**passed: float) -> datetime:
    return timezone.now() + timedelta(**passed)


@pytest.mark.django_db(transaction=True)
def test_random_kills_while_submitting_make_nothing_twice_and_lose_nothing(
    alice: Membership, simulator: Simulator
) -> None:
    print(f"CHAOS_SEED={SEED} CHAOS_KILLS={KILLS}")  # noqa: T201  (shown where the test fails)
    dice = random.Random(SEED)
    connection = connection_at(alice, simulator.url, kind=Kind.SIMULATOR, allowance_per_minute=60_000)
    killed = 0
    with Senders(database_url(), connection.pk, alice.user_id, PROMPTS) as senders:
        while killed < KILLS:
            sender = senders.start()
            time.sleep(dice.uniform(0.05, 0.4))  # the chance of it, not a wait for anything
            os.kill(sender, signal.SIGKILL)  # ended or not, it is there until it was waited for
            assert senders.wait(sender) in (0, -signal.SIGKILL)
            killed += 1
        assert senders.wait(senders.start()) == 0

        settle_stale(now=after(minutes=3))
        look_for_due(clock=lambda: after(minutes=4))
        look_for_due(clock=lambda: after(minutes=30))
        assert senders.wait(senders.start()) == 0

    made = simulator.requests.made
    assert simulator.requests.made_twice() == []
    assert sorted(Generation.objects.values_list("task_id", flat=True)) == sorted(made)
    assert Intent.objects.count() == len(PROMPTS)
    states = Counter(Intent.objects.values_list("state", flat=True))
    assert set(states) <= {"accepted", "refused"}, states
    assert states["accepted"] == len(made)
    expected = [prompt for prompt in PROMPTS if "dropped" not in prompt and "429" not in prompt]
    interrupted = Intent.objects.filter(state="refused", error_kind="not_made")
    lost = {prompt for prompt in expected if prompt in set(interrupted.values_list("idempotency_key", flat=True))}
    assert {str(request["prompt"]) for request in made.values()} == set(expected) - lost
    assert not Intent.objects.filter(Q(state="accepted", generation=None)).exists()
    assert [*creates_are_tracked(timezone.now()), *creates_are_sent_once(timezone.now())] == []
