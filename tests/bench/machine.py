"""Say on what was measured: figures without it mean nothing."""

from __future__ import annotations

import os
import platform
import sqlite3
import subprocess

from tests.bench import postgres, static_server


def described(*, with_postgres: bool) -> str:
    parts = [
        f"{os.cpu_count()} cores ({platform.machine()}, {platform.system()})",
        f"load {os.getloadavg()[0]:.1f}",
        f"Python {platform.python_version()}",
        f"SQLite {sqlite3.sqlite_version}",
        *([_postgres_version()] if with_postgres else []),
        f"ranges beside {static_server.name()}",
    ]
    return " · ".join(parts)


def _postgres_version() -> str:
    folder = postgres.binaries()
    if folder is None:
        return "PostgreSQL elsewhere"
    command = [str(folder / "postgres"), "--version"]
    printed = subprocess.run(command, capture_output=True, text=True, check=True, timeout=10).stdout
    return f"PostgreSQL {printed.split()[2]}"
