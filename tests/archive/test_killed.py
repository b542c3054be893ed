"""A worker process that is killed in the middle of a file, for real."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from datetime import timedelta
from pathlib import Path
from urllib.parse import quote

from django.db import connection as database
from django.utils import timezone

from lumaboard.accounts.models import Workspace
from lumaboard.archive import jobs
from lumaboard.archive.sweeping import sweep
from lumaboard.archive.verify import verify_files
from lumaboard.generations.models import Asset, AssetRole, CopyState, Generation
from tests.archive.conftest import MakeCopy, make_due
from tests.archive.media_host import MediaHost, Reply

WORKER = "import django; django.setup(); from lumaboard.archive.jobs import copy_due; copy_due()"


def database_url() -> str:
    """Where the tests' own database is, for another process."""
    settings = database.settings_dict
    if database.vendor == "sqlite":
        return f"sqlite:///{settings['NAME']}"
    user = ":".join(quote(part, safe="") for part in (settings["USER"], settings["PASSWORD"]) if part)
    place = f"{quote(settings['HOST'], safe='')}:{settings['PORT']}" if settings["PORT"] else settings["HOST"]
    return f"postgres://{user}@{place}/{settings['NAME']}"


def worker_on(media_root: Path) -> subprocess.Popen[bytes]:
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "tests.settings",
        "LUMABOARD_DATABASE_URL": database_url(),
        "LUMABOARD_STORAGE_URL": f"file://{media_root}",
        "LUMABOARD_DISK_RESERVE": "1",
    }
    return subprocess.Popen([sys.executable, "-c", WORKER], env=environment, cwd=Path(__file__).parents[2])


def test_a_worker_killed_in_the_middle_of_a_file_loses_nothing_and_keeps_no_half(
    generation: Generation, wanted: MakeCopy, host: MediaHost, clip: bytes, media_root: Path
) -> None:
    reached, killed = threading.Event(), threading.Event()

    def die() -> None:
        """Hold the second half back until the first is in a part, and the worker that wrote it is dead."""
        while not killed.wait(0.01) and not any(part.stat().st_size for part in media_root.rglob("*.part")):
            pass
        reached.set()
        killed.wait(30)

    film = clip + (300_008).to_bytes(4, "big") + b"free" + bytes(300_000)
    asset = wanted(host.serve("/film.mp4", Reply(body=film, midway=die), Reply(body=film)))
    worker = worker_on(media_root)
    try:
        assert reached.wait(60)
    finally:
        os.kill(worker.pid, signal.SIGKILL)
        worker.wait()
        killed.set()

    asset.refresh_from_db()
    assert (asset.copy_state, asset.attempts) == (CopyState.COPYING, 1)
    jobs.copy_due()
    assert host.count("/film.mp4") == 1  # the dead worker's lease still runs

    make_due(asset)
    jobs.copy_due()
    generation.refresh_from_db()
    asset.refresh_from_db()
    assert (generation.copy_state, asset.attempts) == (CopyState.ARCHIVED, 0)
    assert Asset.objects.get(role=AssetRole.POSTER).copy_state == CopyState.ARCHIVED
    stored_bytes = sum(asset.size or 0 for asset in Asset.objects.all())
    assert Workspace.objects.get(pk=generation.workspace_id).stored_bytes == stored_bytes

    assert len(list(media_root.rglob("*.part"))) == 1
    assert sweep(now=timezone.now() + timedelta(hours=2)) == 1
    assert list(media_root.rglob("*.part")) == []
    assert list(verify_files(now=timezone.now() + timedelta(days=2))) == []
