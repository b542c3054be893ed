from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path

from django.utils import timezone

from lumaboard.archive import jobs
from lumaboard.archive.names import stored_name
from lumaboard.archive.sweeping import sweep
from lumaboard.archive.verify import verify_files
from lumaboard.generations.models import Asset, AssetRole, Generation
from tests.archive.conftest import MakeCopy
from tests.archive.media_host import MediaHost, Reply

DAY = timedelta(hours=24, minutes=1)


def put(media_root: Path, name: str, *, age: timedelta) -> Path:
    path = media_root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"left behind")
    grow_old(path, age)
    return path


def grow_old(path: Path, age: timedelta) -> None:
    moment = (timezone.now() - age).timestamp()
    os.utime(path, (moment, moment))


def test_parts_go_after_an_hour(transactional_db: None, media_root: Path) -> None:
    old = put(media_root, "1/tmpold.part", age=timedelta(minutes=61))
    young = put(media_root, "1/tmpyoung.part", age=timedelta(minutes=59))
    bench = put(media_root, "1/tmpbench.part/poster.jpg", age=timedelta(0)).parent
    grow_old(bench, timedelta(hours=2))
    jobs.sweep()
    assert not old.exists()
    assert not bench.exists()
    assert young.exists()


def test_files_that_no_row_names_go_after_a_day(
    generation: Generation, wanted: MakeCopy, host: MediaHost, still: bytes, media_root: Path
) -> None:
    wanted(host.serve("/last.jpg", Reply(body=still)), role=AssetRole.LAST_FRAME)
    jobs.copy_due()
    named = media_root / Asset.objects.get().stored_name
    grow_old(named, DAY)
    orphan = put(media_root, stored_name(generation.workspace_id, "cd" * 32, "mp4"), age=DAY)
    young = put(media_root, stored_name(generation.workspace_id, "ef" * 32, "mp4"), age=timedelta(hours=23))
    assert [orphan.name in trouble for trouble in verify_files(now=timezone.now())] == [True]
    assert sweep(now=timezone.now()) == 1
    assert named.exists()
    assert young.exists()
    assert not orphan.exists()
    assert list(verify_files(now=timezone.now())) == []


def test_the_sweep_follows_no_link_and_touches_nothing_of_others(
    transactional_db: None, media_root: Path, tmp_path: Path
) -> None:
    elsewhere = put(tmp_path / "elsewhere", f"ab/{'ab' * 32}.mp4", age=DAY)
    media_root.mkdir()
    (media_root / "1").symlink_to(tmp_path / "elsewhere")
    foreign = put(media_root, "2/ab/holiday.mp4", age=DAY)
    readme = put(media_root, "README", age=DAY)
    (media_root / "2" / "cd").mkdir()
    link = media_root / "2" / "cd" / f"{'cd' * 32}.mp4"
    link.symlink_to(elsewhere)
    assert sweep(now=timezone.now() + DAY) == 0
    assert elsewhere.exists()
    assert foreign.exists()
    assert readme.exists()
    assert link.is_symlink()


def test_a_storage_that_was_never_used_is_swept_in_peace(transactional_db: None, media_root: Path) -> None:
    assert sweep(now=timezone.now()) == 0


def test_every_harm_to_a_kept_file_is_found(
    generation: Generation, wanted: MakeCopy, host: MediaHost, still: bytes, media_root: Path
) -> None:
    wanted(host.serve("/last.jpg", Reply(body=still)), role=AssetRole.LAST_FRAME)
    jobs.copy_due()
    path = media_root / Asset.objects.get().stored_name
    path.write_bytes(still[:-1])
    (cut,) = verify_files(now=timezone.now())
    assert "bytes instead of" in cut
    path.write_bytes(bytes([still[0] ^ 1]) + still[1:])
    (changed,) = verify_files(now=timezone.now())
    assert "other content" in changed
    path.unlink()
    (missing,) = verify_files(now=timezone.now())
    assert "cannot be read" in missing
