"""A PostgreSQL server of our own, for as long as it is measured."""

from __future__ import annotations

import getpass
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

from tests.ops.installation import free_port

_DEBIAN = Path("/usr/lib/postgresql")


def binaries() -> Path | None:
    """The folder with `initdb`: on the path, or where Debian keeps the newest."""
    if on_path := shutil.which("initdb"):
        return Path(on_path).parent
    found = [folder / "bin" for folder in _DEBIAN.glob("*") if (folder / "bin" / "initdb").exists()]
    return max(found, key=lambda folder: float(folder.parent.name), default=None)


def can_start() -> bool:
    if binaries() is None or find_spec("psycopg") is None:
        return False
    return os.getuid() != 0 or _is_user("postgres")


@contextmanager
def throw_away_server() -> Iterator[str]:
    """Start a server with the settings Debian gives it, lend its URL, and leave nothing behind."""
    folder, port = Path(tempfile.mkdtemp(prefix="lumaboard-pg-")), free_port()
    programs = binaries()
    assert programs is not None, "can_start() says whether there is a server to start"
    if os.getuid() == 0:
        shutil.chown(folder, "postgres")
    data = str(folder / "data")
    try:
        _run([str(programs / "initdb"), "-D", data, "-U", "bench", "-A", "trust", "-E", "UTF8", "--locale=C", "-N"])
        options = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={folder}"
        _run([str(programs / "pg_ctl"), "-D", data, "-l", str(folder / "log"), "-w", "-o", options, "start"])
        try:
            yield f"postgres://bench@127.0.0.1:{port}/postgres"
        finally:
            _run([str(programs / "pg_ctl"), "-D", data, "-m", "immediate", "-w", "stop"])
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _run(command: Sequence[str]) -> None:
    """Run as somebody without rights: PostgreSQL refuses to run as root."""
    as_nobody = ["runuser", "-u", "postgres", "--"] if getpass.getuser() == "root" else []
    subprocess.run(
        [*as_nobody, *command], check=True, stdout=subprocess.DEVNULL, stdin=subprocess.DEVNULL, timeout=60, cwd="/"
    )


def _is_user(name: str) -> bool:
    import pwd

    return any(entry.pw_name == name for entry in pwd.getpwall())
