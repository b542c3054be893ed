"""Demo rows keep every promise that real rows keep."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from pytest_django import Settings

from lumaboard.accounts.models import Membership
from lumaboard.generations.counts import Bucket, counts_of
from lumaboard.generations.models import Asset, CopyState, Generation, State
from lumaboard.ops.invariants import INVARIANTS
from tests.factories import NOW, record_how_they_came

ASLEEP = (9, 15)  # no worker runs, and the rows are due at the real time


@pytest.fixture
def own_media(settings: Settings, tmp_path: Path) -> None:
    settings.MEDIA_ROOT = tmp_path


def test_seeded_rows_hold_every_invariant_twice_over(alice: Membership, own_media: None) -> None:
    record_how_they_came(alice)
    for _ in range(2):
        call_command("seed_demo", rows=300, workspace=alice.workspace.slug, stdout=io.StringIO())
    rows = Generation.objects.filter(workspace=alice.workspace)
    assert rows.count() == 600
    assert set(rows.values_list("state", flat=True)) == set(State.values)
    assert rows.values("created_by").distinct().count() == 6
    assert rows.values("model").distinct().count() == 4
    assert counts_of(alice.workspace.pk)[Bucket.SAFE] > 400
    kept = Asset.objects.filter(copy_state=CopyState.ARCHIVED)
    alice.workspace.refresh_from_db()
    assert alice.workspace.stored_bytes == sum(dict(kept.values_list("sha256", "size")).values())
    for invariant in INVARIANTS:
        if invariant.number not in ASLEEP:
            assert list(invariant.check(NOW)) == [], invariant.promise


def test_a_workspace_that_is_not_there_is_named(db: None) -> None:
    with pytest.raises(CommandError, match="no such workspace"):
        call_command("seed_demo", rows=1, workspace="nowhere")
