"""Every fault of media that the simulator knows, through the real client and the real copy."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.utils import timezone

from lumaboard.accounts.models import Membership
from lumaboard.archive import jobs
from lumaboard.archive.links import as_stored
from lumaboard.archive.verify import verify_files
from lumaboard.connections.clients import client_for
from lumaboard.connections.models import Connection
from lumaboard.generations.models import UPSTREAM_ROLES, Asset, CopyState, Generation, State
from lumaboard.simulator import ClipStyle, Simulator
from lumaboard.upstream.types import Snapshot
from tests.factories import make_asset, make_connection, make_generation

TINY = ClipStyle(short_side=64, fps=12, max_seconds=1)


@pytest.fixture(scope="module")
def simulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulator]:
    simulator = Simulator(data_dir=tmp_path_factory.mktemp("simulator"), pace=0.1, style=TINY, slow_seconds=0.2)
    simulator.start()
    yield simulator
    simulator.stop()


@pytest.fixture
def connection(transactional_db: None, alice: Membership, media_root: Path, simulator: Simulator) -> Connection:
    return make_connection(alice.workspace, base_url=simulator.url, key="sk-good")


def finished(connection: Connection, task_id: str) -> Generation:
    """A generation that upstream has just said to be complete, with its files wanted."""
    snapshot = _last_word(connection, task_id)
    generation = make_generation(connection, task_id=task_id, state=State.SUCCEEDED, settled_at=timezone.now())
    for file in snapshot.files:
        make_asset(
            generation,
            role=file.role,
            links=as_stored(file.links),
            expires_at=file.links[0].expires_at,
            next_copy_at=timezone.now(),
        )
    return generation


def _last_word(connection: Connection, task_id: str) -> Snapshot:
    give_up_at = time.monotonic() + 20
    while time.monotonic() < give_up_at:
        snapshot = client_for(connection).get_generation(task_id)
        if snapshot.state == "succeeded":
            return snapshot
        time.sleep(0.02)
    raise AssertionError("the simulated generation never finished")


@pytest.mark.parametrize("directive", ["official", "legacy", "dead-link", "watermark-only", "slow-media"])
def test_files_are_kept_whatever_shape_they_are_offered_in(directive: str, connection: Connection) -> None:
    generation = finished(connection, f"kept-quick-{directive}")
    jobs.copy_due()
    generation.refresh_from_db()
    assert generation.copy_state == CopyState.ARCHIVED
    assert generation.has_poster
    upstream = Asset.objects.filter(role__in=UPSTREAM_ROLES)
    assert {asset.copy_state for asset in upstream} == {CopyState.ARCHIVED}
    assert (generation.asked_for_fresh_link_at is not None) == (directive == "dead-link")
    assert list(verify_files(now=timezone.now())) == []


@pytest.mark.parametrize(
    ("directive", "state", "sentence"),
    [
        ("dead-link-always", CopyState.LOST, "answered 403"),
        ("cut-file", CopyState.WANTED, "broke off"),
        ("cut-container", CopyState.WANTED, "cut or damaged"),
        ("empty-file", CopyState.WANTED, "something else"),
        ("html-media", CopyState.WANTED, "something else"),
        ("redirect-private", CopyState.WANTED, "may not be contacted"),
        ("oversize", CopyState.WANTED, "larger than the limit"),
        ("media-503", CopyState.WANTED, "busy"),
    ],
)
def test_each_fault_has_its_own_sentence_and_leaves_no_bytes(
    directive: str, state: str, sentence: str, connection: Connection, media_root: Path
) -> None:
    generation = finished(connection, f"spoilt-quick-{directive}")
    jobs.copy_due()
    generation.refresh_from_db()
    assert generation.copy_state == state
    assert sentence in generation.copy_error
    assert generation.state == State.SUCCEEDED
    assert not [path for path in media_root.rglob("*.mp4") if path.is_file()]
    assert not list(media_root.rglob("*.part"))
