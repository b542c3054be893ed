"""Files made for outsiders: asked for by a person, made by the worker, and no burden on what they are made of."""

from __future__ import annotations

import os
import signal
import time
from datetime import timedelta
from io import BytesIO
from pathlib import Path

import pytest
from django.utils import timezone
from PIL import Image
from pytest_django import Settings

from lumaboard.accounts.models import Workspace
from lumaboard.archive import engine, jobs, renditions, room
from lumaboard.archive.claim import LEASE, MOST_STARTS, claim_copies, claim_preview
from lumaboard.archive.operations import fetch_again, want_preview, want_social
from lumaboard.archive.storage import path_of
from lumaboard.archive.sweeping import sweep
from lumaboard.archive.verify import verify_files
from lumaboard.archive.viewing import files_of, preview_source, viewing_file
from lumaboard.generations.models import Asset, AssetRole, CopyState, Generation, State
from lumaboard.media.social import SIZE
from lumaboard.media.worker import probe
from tests.archive.conftest import MakeCopy, make_due
from tests.archive.media_host import MediaHost, Reply
from tests.archive.test_killed import worker_on
from tests.factories import make_generation, make_kept_asset
from tests.media.samples import make_video, moving


def preview_of(generation: Generation) -> Asset:
    return Asset.objects.get(generation=generation, role=AssetRole.PREVIEW)


def viewed(generation: Generation) -> Asset | None:
    return viewing_file(files_of([generation.pk]).get(generation.pk, {}))


@pytest.fixture
def film(generation: Generation, clip: bytes) -> Generation:
    """A generation whose raw film is safe."""
    make_kept_asset(generation, clip)
    Generation.objects.filter(pk=generation.pk).update(copy_state=CopyState.ARCHIVED, media_kind="video")
    Workspace.objects.filter(pk=generation.workspace_id).update(stored_bytes=len(clip))
    generation.refresh_from_db()
    return generation


def test_a_preview_is_made_of_a_film_that_has_no_marked_twin(film: Generation) -> None:
    assert viewed(film) is None
    want_preview([film.pk], now=timezone.now())
    jobs.copy_due()
    preview = preview_of(film)
    assert viewed(film) == preview
    assert (preview.copy_state, preview.content_type, preview.attempts) == (CopyState.ARCHIVED, "video/mp4", 0)
    assert (preview.width, preview.height) == (64, 48)
    assert preview.duration_s == pytest.approx(1.0, abs=1 / 24)
    assert probe(path_of(preview.stored_name)).codec == "h264"
    assert list(verify_files(now=timezone.now() + timedelta(days=2))) == []
    stored = sum(asset.size or 0 for asset in Asset.objects.all())
    assert Workspace.objects.get(pk=film.workspace_id).stored_bytes == stored


def test_a_preview_leaves_custody_of_its_film_as_it_is(film: Generation, settings: Settings) -> None:
    def custody() -> tuple[object, ...]:
        film.refresh_from_db()
        return film.copy_state, film.copy_error, film.attention, film.total_bytes, film.copied_bytes

    before = custody()
    want_preview([film.pk], now=timezone.now())
    assert custody() == before
    settings.QUOTA_BYTES = 1
    jobs.copy_due()
    assert preview_of(film).error_text == room.QUOTA_USED_UP
    assert custody() == before
    settings.QUOTA_BYTES = None
    make_due(preview_of(film))
    jobs.copy_due()
    assert viewed(film) is not None
    assert custody() == before


def test_upstreams_marked_film_needs_no_preview(film: Generation, other_clip: bytes) -> None:
    marked = make_kept_asset(film, other_clip, role=AssetRole.WATERMARKED)
    want_preview([film.pk], now=timezone.now())
    jobs.copy_due()
    assert viewed(film) == marked
    assert not Asset.objects.filter(role=AssetRole.PREVIEW).exists()


def test_a_marked_film_equal_to_the_raw_one_is_not_believed(film: Generation, clip: bytes) -> None:
    make_kept_asset(film, clip, role=AssetRole.WATERMARKED)
    assert viewed(film) is None
    want_preview([film.pk], now=timezone.now())
    jobs.copy_due()
    assert viewed(film) == preview_of(film)


def test_the_raw_film_alone_is_never_what_outsiders_watch(film: Generation, clip: bytes) -> None:
    for state in (CopyState.WANTED, CopyState.LOST):
        Asset.objects.update_or_create(
            generation=film, role=AssetRole.PREVIEW, defaults={"copy_state": state, "next_copy_at": None}
        )
        assert viewed(film) is None


def test_a_marked_film_is_not_believed_before_it_can_be_held_against_the_raw_one(
    generation: Generation, wanted: MakeCopy, clip: bytes
) -> None:
    marked = make_kept_asset(generation, clip, role=AssetRole.WATERMARKED)
    raw = wanted("http://127.0.0.1:1/film.mp4")
    assert viewed(generation) is None
    Asset.objects.filter(pk=raw.pk).update(copy_state=CopyState.LOST, next_copy_at=None)
    assert viewed(generation) is None
    assert preview_source(files_of([generation.pk])[generation.pk]) == marked
    Asset.objects.filter(pk=raw.pk).delete()
    assert viewed(generation) == marked


def test_a_preview_asked_for_early_is_made_once_the_film_is_safe(
    generation: Generation, wanted: MakeCopy, host: MediaHost, clip: bytes
) -> None:
    want_preview([generation.pk], now=timezone.now())
    jobs.copy_due()
    assert preview_of(generation).next_copy_at is None
    wanted(host.serve("/film.mp4", Reply(body=clip)))
    jobs.copy_due()
    assert viewed(generation) == preview_of(generation)


def test_a_preview_waits_for_a_marked_film_that_may_come_and_is_not_made_when_it_comes(
    generation: Generation, wanted: MakeCopy, host: MediaHost, clip: bytes, other_clip: bytes
) -> None:
    wanted(host.serve("/film.mp4", Reply(body=clip)))
    wanted(host.serve("/marked.mp4", Reply(body=other_clip)), role=AssetRole.WATERMARKED)
    want_preview([generation.pk], now=timezone.now())
    jobs.copy_due()
    watched = viewed(generation)
    assert watched is not None
    assert watched.role == AssetRole.WATERMARKED
    preview = preview_of(generation)
    assert (preview.copy_state, preview.next_copy_at) == (CopyState.WANTED, None)
    fetch_again(generation, actor_id=generation.created_by_id or 0, now=timezone.now())
    jobs.copy_due()
    preview.refresh_from_db()
    assert (preview.copy_state, preview.next_copy_at, preview.attempts) == (CopyState.WANTED, None, 0)


@pytest.mark.parametrize("status", [503, 410])
def test_a_marked_film_that_does_not_come_is_not_waited_for(
    status: int, generation: Generation, wanted: MakeCopy, host: MediaHost, clip: bytes
) -> None:
    dead = host.serve("/marked.mp4", Reply(status=status))
    host.answer_about(generation.task_id, video={"url": dead})
    wanted(host.serve("/film.mp4", Reply(body=clip)))
    wanted(dead, role=AssetRole.WATERMARKED)
    want_preview([generation.pk], now=timezone.now())
    jobs.copy_due()
    assert viewed(generation) == preview_of(generation)


def test_asking_twice_makes_one_preview_and_leaves_one_that_is_made_alone(film: Generation) -> None:
    for _ in range(2):
        want_preview([film.pk, film.pk], now=timezone.now())
    jobs.copy_due()
    made = preview_of(film)
    want_preview([film.pk], now=timezone.now())
    jobs.copy_due()
    again = preview_of(film)
    assert (again.pk, again.archived_at, again.copy_state) == (made.pk, made.archived_at, CopyState.ARCHIVED)


def test_what_failed_upstream_gets_no_preview(generation: Generation) -> None:
    failed = make_generation(generation.connection, state=State.FAILED)
    want_preview([failed.pk], now=timezone.now())
    assert not Asset.objects.exists()


def test_a_picture_gets_a_marked_picture(generation: Generation, still: bytes) -> None:
    make_kept_asset(generation, still, extension="jpg")
    want_preview([generation.pk], now=timezone.now())
    jobs.copy_due()
    preview = preview_of(generation)
    assert (preview.copy_state, preview.content_type) == (CopyState.ARCHIVED, "image/jpeg")
    assert path_of(preview.stored_name).read_bytes() != still


def test_equal_films_share_one_preview_file(film: Generation, clip: bytes) -> None:
    twin = make_generation(film.connection, state=State.SUCCEEDED)
    make_kept_asset(twin, clip)
    want_preview([film.pk, twin.pk], now=timezone.now())
    jobs.copy_due()
    first, second = preview_of(film), preview_of(twin)
    assert first.stored_name == second.stored_name
    stored = Workspace.objects.get(pk=film.workspace_id).stored_bytes
    assert stored == len(clip) + (first.size or 0)


def test_a_film_that_cannot_be_decoded_gets_a_reason_and_stays_safe(film: Generation, clip: bytes) -> None:
    start, end = clip.index(b"mdat") + 4, clip.index(b"moov") - 4
    Asset.objects.all().delete()
    make_kept_asset(film, clip[:start] + bytes(end - start) + clip[end:])
    want_preview([film.pk], now=timezone.now())
    jobs.copy_due()
    preview = preview_of(film)
    film.refresh_from_db()
    assert preview.copy_state == CopyState.LOST
    assert preview.error_text.startswith("No preview could be made: the video ")
    assert (film.copy_state, film.attention) == (CopyState.ARCHIVED, "")


def test_a_preview_started_too_often_is_parked_until_it_is_wanted_again(film: Generation) -> None:
    want_preview([film.pk], now=timezone.now())
    Asset.objects.filter(role=AssetRole.PREVIEW).update(attempts=MOST_STARTS, copy_state=CopyState.COPYING)
    jobs.copy_due()
    preview = preview_of(film)
    film.refresh_from_db()
    assert (preview.copy_state, preview.next_copy_at) == (CopyState.WANTED, None)
    assert "three times" in preview.error_text
    assert film.attention == ""
    want_preview([film.pk], now=timezone.now())
    jobs.copy_due()
    assert viewed(film) == preview_of(film)


def test_a_worker_killed_while_it_makes_a_preview_loses_nothing(
    generation: Generation, media_root: Path, tmp_path: Path
) -> None:
    long = make_video(tmp_path / "long.mp4", moving(480, 270, 480))
    make_kept_asset(generation, long.read_bytes())
    want_preview([generation.pk], now=timezone.now())
    worker = worker_on(media_root)
    try:
        give_up_at = time.monotonic() + 60
        while not list(media_root.rglob("preview.mp4.part")):
            assert time.monotonic() < give_up_at
            time.sleep(0.005)
    finally:
        os.kill(worker.pid, signal.SIGKILL)
        worker.wait()
    preview = preview_of(generation)
    assert (preview.copy_state, preview.attempts) == (CopyState.COPYING, 1)
    jobs.copy_due()
    assert preview_of(generation).copy_state == CopyState.COPYING  # the dead worker's lease still runs

    make_due(preview)
    jobs.copy_due()
    preview.refresh_from_db()
    assert (preview.copy_state, preview.attempts) == (CopyState.ARCHIVED, 0)
    assert sweep(now=timezone.now() + timedelta(hours=2)) == 1
    assert list(verify_files(now=timezone.now() + timedelta(days=2))) == []


def test_a_worker_that_lost_its_lease_leaves_the_preview_to_the_other(film: Generation) -> None:
    now = timezone.now()
    want_preview([film.pk], now=now)
    (slow,) = claim_preview(now=now)
    (other,) = claim_preview(now=now + LEASE + timedelta(seconds=1))
    assert slow.lease != other.lease
    assert preview_of(film).lease == other.lease


def test_previews_take_no_place_of_copies(film: Generation, wanted: MakeCopy) -> None:
    twin = make_generation(film.connection, state=State.SUCCEEDED)
    make_kept_asset(twin, b"another film")
    now = timezone.now()
    want_preview([film.pk, twin.pk], now=now)
    copy = wanted("http://127.0.0.1:1/frame.jpg", role=AssetRole.LAST_FRAME)
    assert [claim.asset_id for claim in claim_copies(now=now + timedelta(seconds=1), limit=4)] == [copy.pk]
    assert len(claim_preview(now=now)) == 1


def test_a_preview_is_not_begun_where_it_might_keep_the_job_from_its_copies(film: Generation) -> None:
    want_preview([film.pk], now=timezone.now())
    assert engine.copy_all_due(budget_seconds=renditions.SECONDS) == 0
    assert engine.copy_all_due(budget_seconds=renditions.SECONDS + 60) == 1
    assert viewed(film) is not None
    assert renditions.SECONDS < engine.BUDGET_SECONDS


def test_new_films_get_the_pictures_for_outsiders_with_the_others(
    generation: Generation, wanted: MakeCopy, host: MediaHost, clip: bytes
) -> None:
    wanted(host.serve("/film.mp4", Reply(body=clip)))
    jobs.copy_due()
    social = Asset.objects.get(role=AssetRole.SOCIAL)
    assert (social.width, social.height, social.content_type) == (*SIZE, "image/jpeg")
    assert Asset.objects.get(role=AssetRole.STILL).copy_state == CopyState.ARCHIVED
    before = Asset.objects.count()
    want_social([generation.pk], now=timezone.now())
    assert not Asset.objects.due(timezone.now()).exists()
    assert Asset.objects.count() == before


def test_older_films_get_them_when_they_are_wanted(film: Generation, still: bytes) -> None:
    make_kept_asset(film, still, role=AssetRole.POSTER, extension="jpg")
    for _ in range(2):
        want_social([film.pk], now=timezone.now())
    jobs.copy_due()
    made = {asset.role: asset for asset in Asset.objects.all()}
    assert {AssetRole.SOCIAL, AssetRole.STILL} <= set(made)
    assert made[AssetRole.SOCIAL].copy_state == made[AssetRole.STILL].copy_state == CopyState.ARCHIVED
    with Image.open(BytesIO(path_of(made[AssetRole.SOCIAL].stored_name).read_bytes())) as picture:
        assert picture.size == SIZE
    assert list(verify_files(now=timezone.now())) == []


def test_without_a_poster_there_is_nothing_to_show_in_chats_yet(film: Generation) -> None:
    want_social([film.pk], now=timezone.now())
    assert not Asset.objects.filter(role__in=(AssetRole.SOCIAL, AssetRole.STILL)).exists()
