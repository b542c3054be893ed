"""Backup and restore, there and back, as an operator does it."""

from __future__ import annotations

import stat
import tarfile
from pathlib import Path

import pytest

from tests.ops.installation import Installation

KEY = "sk-planted-0123456789"
KEPT = "1/ab/ab" + "0" * 62 + ".mp4"

READ_KEY = """
from lumaboard.connections.models import Connection
from lumaboard.connections.keys import unseal
print(*[unseal(row) for row in Connection.objects.all()])
"""


@pytest.fixture
def used(installation: Installation) -> Installation:
    """An installation with a person, a sealed key and a kept file."""
    installation.env["KEY"] = KEY
    installation.bootstrap("--connection-kind", "cometapi", "--key-env", "KEY")
    kept = installation.data_dir / "media" / KEPT
    kept.parent.mkdir(parents=True)
    kept.write_bytes(b"the bytes of a film")
    return installation


def test_a_restored_installation_has_its_people_files_and_keys(
    used: Installation, other_installation: Installation, tmp_path: Path
) -> None:
    target = tmp_path / "backup.tar"
    used.run("backup", str(target))
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    other_installation.run("restore", str(target))
    assert other_installation.read(READ_KEY) == KEY
    assert (other_installation.data_dir / "media" / KEPT).read_bytes() == b"the bytes of a film"
    # Sessions and links made before are signed with the same secret.
    assert (other_installation.data_dir / "secret_key").read_text() == (used.data_dir / "secret_key").read_text()


def test_a_second_restore_gives_the_same_again(used: Installation, tmp_path: Path) -> None:
    target = tmp_path / "backup.tar"
    used.run("backup", str(target))
    (used.data_dir / "media" / KEPT).write_bytes(b"spoiled")
    for _ in range(2):
        used.run("restore", str(target), "--replace")
        assert used.read(READ_KEY) == KEY
        assert (used.data_dir / "media" / KEPT).read_bytes() == b"the bytes of a film"
    assert not [path for path in (used.data_dir / "media").iterdir() if path.name.startswith(".")]


def test_a_used_installation_is_not_overwritten_unasked(used: Installation, tmp_path: Path) -> None:
    target = tmp_path / "backup.tar"
    used.run("backup", str(target))
    refused = used.manage("restore", str(target))
    assert refused.returncode == 1
    assert "--replace" in refused.stderr


def test_a_backup_never_overwrites_another(used: Installation, tmp_path: Path) -> None:
    target = tmp_path / "backup.tar"
    used.run("backup", str(target))
    assert "exists already" in used.manage("backup", str(target)).stderr


def test_a_damaged_backup_changes_nothing(used: Installation, tmp_path: Path) -> None:
    target = tmp_path / "backup.tar"
    used.run("backup", str(target))
    whole = target.read_bytes()
    escaping = tmp_path / "escaping.tar"
    with tarfile.open(escaping, "w") as tar:
        tar.add(__file__, arcname="media/../../outside")
    changed = whole.replace(b"the bytes of a film", b"the bytes of a fake")
    for damaged in (whole[: len(whole) // 2], changed, b"not a backup", escaping.read_bytes()):
        target.write_bytes(damaged)
        refused = used.manage("restore", str(target), "--replace")
        assert refused.returncode == 1
        assert "Traceback" not in refused.stderr
    assert used.read(READ_KEY) == KEY
    assert (used.data_dir / "media" / KEPT).read_bytes() == b"the bytes of a film"
    assert not list(tmp_path.rglob("outside"))


def test_a_restore_that_fails_half_way_brings_back_what_was_there(used: Installation, tmp_path: Path) -> None:
    """The database comes last; where it cannot be put in place, media and keys are those of before."""
    target = tmp_path / "backup.tar"
    used.run("backup", str(target))
    (used.data_dir / "media" / KEPT).write_bytes(b"newer bytes")
    used.env["PATH"] = str(tmp_path)  # PostgreSQL's tools are not found
    blocked = used.data_dir / ".lumaboard.sqlite3.restored"
    blocked.mkdir()
    (blocked / "database").mkdir()  # SQLite's last step finds something in its way
    refused = used.manage("restore", str(target), "--replace")
    assert refused.returncode == 1, refused.stdout
    assert (used.data_dir / "media" / KEPT).read_bytes() == b"newer bytes"
    assert used.read(READ_KEY) == KEY
