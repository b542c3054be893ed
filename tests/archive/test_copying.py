from __future__ import annotations

import hashlib
import threading
from datetime import timedelta
from pathlib import Path

import pytest
from django.db import connection as database
from django.utils import timezone
from pytest_django import Settings

from lumaboard.accounts.models import Membership, Workspace
from lumaboard.archive import jobs
from lumaboard.archive.claim import LEASE, claim_copies
from lumaboard.archive.copying import copy
from lumaboard.archive.verify import verify_files
from lumaboard.generations.counts import Bucket, counts_of
from lumaboard.generations.models import Asset, AssetRole, Attention, CopyState, Generation, State
from tests.archive.conftest import MakeCopy, make_due
from tests.archive.media_host import API, MediaHost, Reply
from tests.factories import make_connection, make_generation


def stored_files(media_root: Path) -> list[Path]:
    return [path for path in media_root.rglob("*") if path.is_file()]


def test_a_copied_file_lies_whole_under_its_hash_and_is_shown_as_safe(
    generation: Generation, wanted: MakeCopy, host: MediaHost, clip: bytes, media_root: Path
) -> None:
    asset = wanted(host.serve("/film.mp4?X-Amz-Signature=secret", Reply(body=clip)))
    seq = generation.seq
    jobs.copy_due()
    asset.refresh_from_db()
    generation.refresh_from_db()
    sha256 = hashlib.sha256(clip).hexdigest()
    assert (asset.copy_state, asset.sha256, asset.size) == (CopyState.ARCHIVED, sha256, len(clip))
    assert asset.stored_name == f"{generation.workspace_id}/{sha256[:2]}/{sha256}.mp4"
    assert (media_root / asset.stored_name).read_bytes() == clip
    assert (media_root / asset.stored_name).stat().st_mode & 0o777 == 0o600
    assert (media_root / asset.stored_name).parent.stat().st_mode & 0o777 == 0o700
    assert asset.source == "127.0.0.1/film.mp4"
    assert (generation.copy_state, generation.total_bytes) == (CopyState.ARCHIVED, len(clip))
    assert generation.seq > seq
    assert counts_of(generation.workspace_id)[Bucket.SAFE] == 1
    assert counts_of(generation.workspace_id)[Bucket.SAVING] == 0
    assert list(verify_files(now=timezone.now())) == []


def test_pictures_are_made_of_the_copied_film_and_its_shape_is_known(
    generation: Generation, wanted: MakeCopy, host: MediaHost, clip: bytes
) -> None:
    asset = wanted(host.serve("/film.mp4", Reply(body=clip)))
    jobs.copy_due()
    asset.refresh_from_db()
    generation.refresh_from_db()
    assert generation.has_poster
    assert (generation.width, generation.height) == (asset.width, asset.height) == (64, 48)
    assert generation.duration_s == pytest.approx(1.0, abs=0.1)
    assert asset.frame_rate == pytest.approx(24)
    made = {made.role: made for made in Asset.objects.filter(generation=generation).exclude(pk=asset.pk)}
    assert set(made) == {AssetRole.POSTER, AssetRole.CARD, AssetRole.SPRITE, AssetRole.STILL, AssetRole.SOCIAL}
    assert {made.copy_state for made in made.values()} == {CopyState.ARCHIVED}
    total = len(clip) + sum(made.size or 0 for made in made.values())
    assert Workspace.objects.get(pk=generation.workspace_id).stored_bytes == total


def test_upstreams_first_frame_serves_as_poster_until_the_film_is_here(
    generation: Generation, wanted: MakeCopy, host: MediaHost, still: bytes
) -> None:
    wanted(host.serve("/first.jpg", Reply(body=still)), role=AssetRole.THUMBNAIL)
    wanted(host.serve("/film.mp4", Reply(status=503)))
    jobs.copy_due()
    generation.refresh_from_db()
    assert generation.has_poster
    assert (generation.width, generation.height) == (64, 48)
    assert generation.copy_state == CopyState.WANTED


def test_a_film_without_a_raw_file_is_safe_with_its_watermarked_one(
    generation: Generation, wanted: MakeCopy, host: MediaHost, clip: bytes
) -> None:
    wanted(host.serve("/marked.mp4", Reply(body=clip)), role=AssetRole.WATERMARKED)
    jobs.copy_due()
    generation.refresh_from_db()
    assert generation.copy_state == CopyState.ARCHIVED
    assert generation.has_poster


def test_where_the_raw_film_is_lost_pictures_come_from_the_watermarked_one(
    generation: Generation, wanted: MakeCopy, host: MediaHost, clip: bytes
) -> None:
    dead = host.serve("/raw.mp4", Reply(status=410))
    wanted(dead)
    wanted(host.serve("/marked.mp4", Reply(body=clip)), role=AssetRole.WATERMARKED)
    host.answer_about(generation.task_id, video_raw={"url": dead})
    jobs.copy_due()
    generation.refresh_from_db()
    assert generation.copy_state == CopyState.LOST
    assert generation.has_poster
    assert Asset.objects.get(role=AssetRole.WATERMARKED).copy_state == CopyState.ARCHIVED


def test_a_picture_that_was_asked_for_is_kept_as_a_picture(
    generation: Generation, wanted: MakeCopy, host: MediaHost, still: bytes
) -> None:
    wanted(host.serve("/picture.jpg", Reply(body=still)))
    jobs.copy_due()
    generation.refresh_from_db()
    assert (generation.copy_state, generation.media_kind) == (CopyState.ARCHIVED, "image")
    assert (generation.width, generation.height, generation.duration_s) == (64, 48, None)
    assert generation.has_poster


def test_pictures_that_cannot_be_made_leave_the_film_safe(
    generation: Generation, wanted: MakeCopy, host: MediaHost, clip: bytes
) -> None:
    """The boxes are all there and whole; what they hold is nonsense to a decoder."""
    start = clip.index(b"mdat") + 4
    end = clip.index(b"moov") - 4
    wanted(host.serve("/film.mp4", Reply(body=clip[:start] + bytes(end - start) + clip[end:])))
    jobs.copy_due()
    generation.refresh_from_db()
    assert generation.copy_state == CopyState.ARCHIVED
    assert generation.attention == ""
    poster = Asset.objects.get(role=AssetRole.POSTER)
    assert poster.copy_state != CopyState.ARCHIVED
    assert poster.error_text.startswith("No pictures could be made")


def test_equal_files_of_a_workspace_are_one_file_and_counted_once(
    generation: Generation, wanted: MakeCopy, host: MediaHost, still: bytes, media_root: Path
) -> None:
    url = host.serve("/frame.jpg", Reply(body=still))
    twin = make_generation(generation.connection, state=State.SUCCEEDED)
    wanted(url, role=AssetRole.LAST_FRAME)
    wanted(url, role=AssetRole.LAST_FRAME, of=twin)
    jobs.copy_due()
    assert Asset.objects.filter(copy_state=CopyState.ARCHIVED).count() == 2
    assert len(stored_files(media_root)) == 1
    assert Workspace.objects.get(pk=generation.workspace_id).stored_bytes == len(still)


def test_equal_files_of_two_workspaces_are_two_files(
    generation: Generation, charlie: Membership, wanted: MakeCopy, host: MediaHost, still: bytes, media_root: Path
) -> None:
    url = host.serve("/frame.jpg", Reply(body=still))
    foreign = make_generation(make_connection(charlie.workspace), state=State.SUCCEEDED)
    wanted(url, role=AssetRole.LAST_FRAME)
    wanted(url, role=AssetRole.LAST_FRAME, of=foreign)
    jobs.copy_due()
    assert len(stored_files(media_root)) == 2
    assert set(Workspace.objects.values_list("stored_bytes", flat=True)) == {len(still)}


@pytest.mark.parametrize(
    ("reply", "sentence"),
    [
        (Reply(body=b"<!doctype html>" + b"<p>Sign in</p>" * 40), "something else than a video or picture"),
        (Reply(body=b"<?xml version='1.0'?><Error><Code>AccessDenied</Code></Error>"), "something else than a video"),
        (Reply(body=b""), "something else than a video or picture"),
        (Reply(status=503), "busy (answer 503)"),
        (Reply(status=500), "answered 500"),
        (Reply(status=302, headers={"Location": "http://127.0.0.2:9/inside"}), "may not be contacted"),
        (Reply(status=302, headers={"Location": "http://10.0.0.1/inside"}), "may not be contacted"),
        (Reply(status=302, headers={"Location": "/round"}), "redirects too often"),
    ],
)
def test_what_is_not_the_file_leaves_the_item_unharmed_and_says_why(
    reply: Reply,
    sentence: str,
    generation: Generation,
    wanted: MakeCopy,
    host: MediaHost,
    media_root: Path,
) -> None:
    asset = wanted(host.serve("/round", reply))
    host.answer_about(generation.task_id, assets={"video": host.url("/round")})
    jobs.copy_due()
    asset.refresh_from_db()
    generation.refresh_from_db()
    assert asset.copy_state == generation.copy_state == CopyState.WANTED
    assert generation.state == State.SUCCEEDED
    assert sentence in generation.copy_error
    assert asset.failure_count == 1
    assert asset.next_copy_at is not None
    assert asset.next_copy_at > timezone.now()
    assert stored_files(media_root) == []


@pytest.mark.parametrize("says_length", [True, False])
def test_a_cut_film_is_not_kept(
    says_length: bool, generation: Generation, wanted: MakeCopy, host: MediaHost, clip: bytes, media_root: Path
) -> None:
    path = host.serve("/film.mp4", Reply(body=clip, says_length=says_length, sent=len(clip) - 40), Reply(body=clip))
    asset = wanted(path)
    jobs.copy_due()
    generation.refresh_from_db()
    assert generation.copy_state == CopyState.WANTED
    assert stored_files(media_root) == []
    make_due(asset)
    jobs.copy_due()
    generation.refresh_from_db()
    assert generation.copy_state == CopyState.ARCHIVED
    assert generation.copy_error == ""


@pytest.mark.parametrize("says_length", [True, False])
def test_a_film_over_the_cap_is_refused_and_soon_tried_rarely(
    says_length: bool, settings: Settings, generation: Generation, wanted: MakeCopy, host: MediaHost, clip: bytes
) -> None:
    settings.MAX_MEDIA_BYTES = len(clip) - 1
    asset = wanted(host.serve("/film.mp4", Reply(body=clip, says_length=says_length)))
    jobs.copy_due()
    asset.refresh_from_db()
    generation.refresh_from_db()
    assert "larger than the limit" in generation.copy_error
    assert generation.attention == Attention.COPY_FAILED
    assert asset.next_copy_at is not None
    assert asset.next_copy_at > timezone.now() + timedelta(minutes=50)


def test_the_third_failure_is_shown_and_a_later_success_takes_it_away(
    generation: Generation, wanted: MakeCopy, host: MediaHost, clip: bytes
) -> None:
    busy = Reply(status=503)
    asset = wanted(host.serve("/film.mp4", busy, busy, busy, Reply(body=clip)))
    for failures in (1, 2, 3):
        jobs.copy_due()
        make_due(asset)
        generation.refresh_from_db()
        assert (generation.attention == Attention.COPY_FAILED) == (failures == 3)
    assert counts_of(generation.workspace_id)[Bucket.ATTENTION] == 1
    jobs.copy_due()
    generation.refresh_from_db()
    assert (generation.copy_state, generation.attention) == (CopyState.ARCHIVED, "")
    assert counts_of(generation.workspace_id)[Bucket.ATTENTION] == 0


def test_a_busy_host_is_left_alone_for_as_long_as_it_asks(wanted: MakeCopy, host: MediaHost) -> None:
    asset = wanted(host.serve("/film.mp4", Reply(status=429, headers={"Retry-After": "600"})))
    jobs.copy_due()
    asset.refresh_from_db()
    assert asset.next_copy_at is not None
    assert asset.next_copy_at > timezone.now() + timedelta(seconds=590)


def test_the_next_try_comes_before_the_link_ends(wanted: MakeCopy, host: MediaHost) -> None:
    ends_at = timezone.now() + timedelta(minutes=4)
    asset = wanted(host.serve("/film.mp4", Reply(status=500)), expires_at=ends_at, failure_count=4)
    jobs.copy_due()
    asset.refresh_from_db()
    assert asset.next_copy_at is not None
    assert asset.next_copy_at < ends_at


def test_the_link_that_dies_first_is_copied_first_and_what_has_died_can_wait(
    generation: Generation, wanted: MakeCopy, host: MediaHost
) -> None:
    now = timezone.now()
    minutes_left = {
        AssetRole.WATERMARKED: -5,
        AssetRole.THUMBNAIL: None,
        AssetRole.RAW: 50,
        AssetRole.LAST_FRAME: 5,
    }
    for role, minutes in minutes_left.items():
        ends_at = now + timedelta(minutes=minutes) if minutes is not None else None
        wanted(host.url(f"/{role}"), role=role, expires_at=ends_at)
    order = [Asset.objects.get(pk=claim.asset_id).role for claim in claim_copies(now=timezone.now(), limit=4)]
    assert order == [AssetRole.LAST_FRAME, AssetRole.RAW, AssetRole.THUMBNAIL, AssetRole.WATERMARKED]


def test_the_second_link_serves_where_the_first_has_failed(
    generation: Generation, wanted: MakeCopy, host: MediaHost, clip: bytes
) -> None:
    asset = wanted(host.serve("/gone.mp4", Reply(status=404)), host.serve("/film.mp4", Reply(body=clip)))
    jobs.copy_due()
    asset.refresh_from_db()
    assert asset.copy_state == CopyState.ARCHIVED
    assert asset.source == "127.0.0.1/film.mp4"
    assert host.count(API + generation.task_id) == 0


def test_a_link_known_to_have_ended_is_not_even_tried(
    generation: Generation, wanted: MakeCopy, host: MediaHost, clip: bytes
) -> None:
    asset = wanted(host.url("/old.mp4"), expires_at=timezone.now() - timedelta(minutes=1))
    host.answer_about(generation.task_id, assets={"video": host.serve("/new.mp4", Reply(body=clip))})
    jobs.copy_due()
    asset.refresh_from_db()
    assert asset.copy_state == CopyState.ARCHIVED
    assert host.count("/old.mp4") == 0


@pytest.mark.parametrize("dead", [Reply(status=403, body=b"<Error/>"), Reply(status=410), Reply(body=b"<html>" * 20)])
def test_a_dead_link_is_asked_for_again_once_and_the_fresh_one_brings_every_file(
    dead: Reply, generation: Generation, wanted: MakeCopy, host: MediaHost, clip: bytes, still: bytes
) -> None:
    wanted(host.serve("/old.mp4", dead))
    wanted(host.serve("/old.jpg", dead), role=AssetRole.THUMBNAIL)
    host.answer_about(
        generation.task_id,
        video_raw={"url": host.serve("/new.mp4", Reply(body=clip))},
        thumbnail={"url": host.serve("/new.jpg", Reply(body=still))},
    )
    jobs.copy_due()
    generation.refresh_from_db()
    assert generation.copy_state == CopyState.ARCHIVED
    assert generation.asked_for_fresh_link_at is not None
    assert Asset.objects.get(role=AssetRole.THUMBNAIL).copy_state == CopyState.ARCHIVED
    assert host.count(API + generation.task_id) == 1


def test_a_file_is_lost_with_the_reason_once_asking_again_brought_no_fresh_link(
    generation: Generation, wanted: MakeCopy, host: MediaHost
) -> None:
    dead = host.serve("/old.mp4", Reply(status=403, body=b"<Error/>"))
    asset = wanted(dead)
    host.answer_about(generation.task_id, assets={"video": dead})
    jobs.copy_due()
    asset.refresh_from_db()
    generation.refresh_from_db()
    assert asset.copy_state == generation.copy_state == CopyState.LOST
    assert generation.attention == Attention.LOST
    assert "answered 403" in generation.copy_error
    assert generation.state == State.SUCCEEDED
    assert not Asset.objects.due(timezone.now() + timedelta(hours=1)).exists()


def test_nothing_is_lost_while_upstream_cannot_be_asked(
    generation: Generation, wanted: MakeCopy, host: MediaHost
) -> None:
    wanted(host.serve("/old.mp4", Reply(status=403)))
    host.serve(API + generation.task_id, Reply(status=500))
    jobs.copy_due()
    generation.refresh_from_db()
    assert generation.copy_state == CopyState.WANTED
    assert generation.asked_for_fresh_link_at is None
    assert "no fresh one could be had" in generation.copy_error


def test_a_paused_connection_is_not_asked_and_nothing_is_lost(
    generation: Generation, wanted: MakeCopy, host: MediaHost
) -> None:
    generation.connection.pause_reason = "person"
    generation.connection.save()
    asset = wanted(host.serve("/old.mp4", Reply(status=403)))
    jobs.copy_due()
    asset.refresh_from_db()
    assert (asset.copy_state, asset.failure_count, asset.attempts) == (CopyState.WANTED, 0, 0)
    assert host.count(API + generation.task_id) == 0


def test_the_file_of_a_removed_connection_is_lost_with_its_link(
    generation: Generation, wanted: MakeCopy, host: MediaHost
) -> None:
    connection = generation.connection
    connection.removed_at, connection.key_box, connection.key_last4 = timezone.now(), b"", ""
    connection.save()
    wanted(host.serve("/old.mp4", Reply(status=403)))
    jobs.copy_due()
    generation.refresh_from_db()
    assert generation.copy_state == CopyState.LOST
    assert "has been removed" in generation.copy_error
    assert host.count(API + generation.task_id) == 0


def test_a_404_soon_after_the_success_is_tried_again(generation: Generation, wanted: MakeCopy, host: MediaHost) -> None:
    Generation.objects.filter(pk=generation.pk).update(settled_at=timezone.now())
    wanted(host.serve("/film.mp4", Reply(status=404)))
    host.answer_about(generation.task_id, assets={"video": host.url("/film.mp4")})
    jobs.copy_due()
    generation.refresh_from_db()
    assert generation.copy_state == CopyState.WANTED


def test_a_full_disk_holds_copies_back_without_using_up_tries_and_ends_by_itself(
    settings: Settings, generation: Generation, wanted: MakeCopy, host: MediaHost, clip: bytes
) -> None:
    settings.DISK_RESERVE = 2**62
    assets = [wanted(host.serve("/film.mp4", Reply(body=clip)), of=generation)]
    for _ in range(6):
        waiting = make_generation(generation.connection, state=State.SUCCEEDED)
        assets.append(wanted(host.url("/film.mp4"), of=waiting))
    jobs.copy_due()
    assert host.seen == []
    for asset in Asset.objects.all():
        assert (asset.copy_state, asset.attempts, asset.failure_count) == (CopyState.WANTED, 0, 0)
        assert asset.next_copy_at is not None
        assert asset.next_copy_at > timezone.now()
    assert all("disk is nearly full" in row.copy_error for row in Generation.objects.all())
    assert not Generation.objects.exclude(attention="").exists()
    settings.DISK_RESERVE = 0
    Asset.objects.update(next_copy_at=timezone.now())
    jobs.copy_due()
    assert set(Generation.objects.values_list("copy_state", "copy_error")) == {(CopyState.ARCHIVED, "")}


def test_a_storage_that_cannot_be_written_holds_copies_back_without_using_up_tries(
    generation: Generation, wanted: MakeCopy, host: MediaHost, clip: bytes, media_root: Path
) -> None:
    media_root.write_bytes(b"a file where the folder should be")
    asset = wanted(host.serve("/film.mp4", Reply(body=clip)))
    jobs.copy_due()
    asset.refresh_from_db()
    generation.refresh_from_db()
    assert (asset.attempts, asset.failure_count) == (0, 0)
    assert "cannot write to its storage" in generation.copy_error
    media_root.unlink()
    make_due(asset)
    jobs.copy_due()
    generation.refresh_from_db()
    assert (generation.copy_state, generation.copy_error) == (CopyState.ARCHIVED, "")


@pytest.mark.parametrize("room_left", [0, 100])
def test_a_used_up_quota_holds_back_that_workspace_alone(
    room_left: int,
    settings: Settings,
    generation: Generation,
    charlie: Membership,
    wanted: MakeCopy,
    host: MediaHost,
    clip: bytes,
) -> None:
    settings.QUOTA_BYTES = 10_000_000
    Workspace.objects.filter(pk=generation.workspace_id).update(stored_bytes=10_000_000 - room_left)
    foreign = make_generation(make_connection(charlie.workspace), state=State.SUCCEEDED)
    url = host.serve("/film.mp4", Reply(body=clip))
    wanted(url)
    wanted(url, of=foreign)
    jobs.copy_due()
    generation.refresh_from_db()
    foreign.refresh_from_db()
    assert (generation.copy_state, foreign.copy_state) == (CopyState.WANTED, CopyState.ARCHIVED)
    assert "storage is used up" in generation.copy_error
    assert Asset.objects.get(generation=generation).failure_count == 0


def test_two_workers_at_once_copy_each_file_once(
    generation: Generation, wanted: MakeCopy, host: MediaHost, still: bytes
) -> None:
    roles = (AssetRole.THUMBNAIL, AssetRole.LAST_FRAME)
    generations = [generation, *(make_generation(generation.connection, state=State.SUCCEEDED) for _ in range(5))]
    paths = []
    for row in generations:
        for role in roles:
            paths.append(f"/{row.pk}/{role}.jpg")
            wanted(host.serve(paths[-1], Reply(body=still)), of=row, role=role)

    def work() -> None:
        jobs.copy_due()
        database.close()

    workers = [threading.Thread(target=work) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    assert Asset.objects.filter(copy_state=CopyState.ARCHIVED).count() == len(paths)
    assert sorted(host.seen) == sorted(paths)


def test_who_lost_the_lease_changes_nothing(
    generation: Generation, wanted: MakeCopy, host: MediaHost, clip: bytes
) -> None:
    def take_over() -> None:
        Asset.objects.update(lease="somebody else's", next_copy_at=timezone.now() + LEASE)
        database.close()

    asset = wanted(host.serve("/film.mp4", Reply(body=clip, midway=take_over)))
    jobs.copy_due()
    asset.refresh_from_db()
    assert (asset.copy_state, asset.lease) == (CopyState.COPYING, "somebody else's")
    assert Workspace.objects.get(pk=generation.workspace_id).stored_bytes == 0


def test_a_copy_whose_worker_was_killed_begins_anew_when_its_lease_has_run_out(
    generation: Generation, wanted: MakeCopy, host: MediaHost, clip: bytes
) -> None:
    wanted(host.serve("/film.mp4", Reply(body=clip)))
    now = timezone.now()
    assert len(claim_copies(now=now, limit=4)) == 1
    assert claim_copies(now=now + LEASE / 2, limit=4) == []
    (second,) = claim_copies(now=now + LEASE, limit=4)
    copy(second)
    generation.refresh_from_db()
    assert generation.copy_state == CopyState.ARCHIVED


def test_three_starts_without_an_end_are_parked_and_shown(
    generation: Generation, wanted: MakeCopy, host: MediaHost
) -> None:
    asset = wanted(host.url("/film.mp4"))
    for _ in range(3):
        assert claim_copies(now=timezone.now(), limit=4)
        make_due(asset)
    jobs.copy_due()
    asset.refresh_from_db()
    generation.refresh_from_db()
    assert (asset.copy_state, asset.next_copy_at) == (CopyState.WANTED, None)
    assert generation.attention == Attention.COPY_FAILED
    assert "started three times" in generation.copy_error
    assert host.seen == []


def test_the_bytes_of_a_slow_copy_are_shown_on_the_card_and_renew_the_lease(
    generation: Generation, wanted: MakeCopy, host: MediaHost, clip: bytes
) -> None:
    padding = 300_000
    film = clip + (padding + 8).to_bytes(4, "big") + b"free" + bytes(padding)
    wanted(host.serve("/film.mp4", Reply(body=film, midway=lambda: threading.Event().wait(1.1))))
    before = Workspace.objects.get(pk=generation.workspace_id).seq
    jobs.copy_due()
    generation.refresh_from_db()
    assert generation.copy_state == CopyState.ARCHIVED
    assert generation.rev == Workspace.objects.get(pk=generation.workspace_id).seq - before
    assert generation.rev >= 4  # begun, under way, safe, pictures
