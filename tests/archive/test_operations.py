from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone
from django_q.models import OrmQ

from lumaboard.archive import jobs
from lumaboard.archive.operations import fetch_again
from lumaboard.audit.models import AuditEvent
from lumaboard.generations.counts import Bucket, counts_of
from lumaboard.generations.models import Asset, AssetRole, Attention, CopyState, Generation
from tests.archive.conftest import MakeCopy, make_due
from tests.archive.media_host import API, MediaHost, Reply


@pytest.fixture
def lost(generation: Generation, wanted: MakeCopy, host: MediaHost) -> Generation:
    """Its link is dead, and asking again has brought the same one."""
    dead = host.serve("/old.mp4", Reply(status=403))
    wanted(dead)
    host.answer_about(generation.task_id, assets={"video": dead})
    jobs.copy_due()
    generation.refresh_from_db()
    assert generation.copy_state == CopyState.LOST
    return generation


def test_fetch_again_asks_for_fresh_links_and_saves_what_was_lost(
    lost: Generation, host: MediaHost, clip: bytes
) -> None:
    host.answer_about(lost.task_id, assets={"video": host.serve("/new.mp4", Reply(body=clip))})
    assert fetch_again(lost, actor_id=lost.created_by_id or 0, now=timezone.now()) == 1
    assert (lost.copy_state, lost.attention, lost.copy_error) == (CopyState.WANTED, "", "")
    assert counts_of(lost.workspace_id)[Bucket.SAVING] == 1
    assert counts_of(lost.workspace_id)[Bucket.ATTENTION] == 0
    jobs.copy_due()
    lost.refresh_from_db()
    assert lost.copy_state == CopyState.ARCHIVED
    assert counts_of(lost.workspace_id)[Bucket.SAFE] == 1
    assert host.count(API + lost.task_id) == 2


def test_fetch_again_is_audited_and_starts_the_copies_at_once(lost: Generation) -> None:
    OrmQ.objects.all().delete()
    fetch_again(lost, actor_id=lost.created_by_id or 0, now=timezone.now())
    event = AuditEvent.objects.get(verb="fetch_again")
    assert (event.actor_id, event.workspace_id, event.target_id) == (
        lost.created_by_id,
        lost.workspace_id,
        str(lost.pk),
    )
    assert [(row.key, row.func()) for row in OrmQ.objects.all()] == [("archive", "lumaboard.archive.jobs.copy_due")]


def test_fetch_again_without_any_change_upstream_is_lost_again_and_no_worse(lost: Generation) -> None:
    fetch_again(lost, actor_id=lost.created_by_id or 0, now=timezone.now())
    jobs.copy_due()
    lost.refresh_from_db()
    assert (lost.copy_state, lost.attention) == (CopyState.LOST, Attention.LOST)


def test_fetch_again_wakes_a_parked_copy(
    generation: Generation, wanted: MakeCopy, host: MediaHost, clip: bytes
) -> None:
    asset = wanted(host.serve("/film.mp4", Reply(body=clip)), attempts=3)
    jobs.copy_due()
    asset.refresh_from_db()
    assert asset.next_copy_at is None
    fetch_again(generation, actor_id=generation.created_by_id or 0, now=timezone.now())
    jobs.copy_due()
    generation.refresh_from_db()
    assert (generation.copy_state, generation.attention) == (CopyState.ARCHIVED, "")


def test_fetch_again_leaves_safe_files_and_copies_under_way_alone(
    generation: Generation, wanted: MakeCopy, host: MediaHost, still: bytes
) -> None:
    wanted(host.serve("/first.jpg", Reply(body=still)), role=AssetRole.THUMBNAIL)
    jobs.copy_due()
    now = timezone.now()
    under_way = wanted(host.url("/film.mp4"))
    Asset.objects.filter(pk=under_way.pk).update(
        copy_state=CopyState.COPYING, lease="a worker's", next_copy_at=now + timedelta(minutes=1)
    )
    assert fetch_again(generation, actor_id=generation.created_by_id or 0, now=now) == 0
    under_way.refresh_from_db()
    assert (under_way.copy_state, under_way.lease) == (CopyState.COPYING, "a worker's")


def test_a_copy_that_comes_due_by_the_clock_is_queued_once(
    generation: Generation, wanted: MakeCopy, host: MediaHost
) -> None:
    asset = wanted(host.serve("/film.mp4", Reply(status=503)))
    jobs.copy_due()
    jobs.wake()
    assert OrmQ.objects.count() == 0
    make_due(asset)
    jobs.wake()
    jobs.wake()
    assert [(row.key, row.func()) for row in OrmQ.objects.all()] == [("archive", "lumaboard.archive.jobs.copy_due")]
