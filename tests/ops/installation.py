"""An installation of its own: data folder, database and ports, driven through `manage.py` as an operator does."""

from __future__ import annotations

import os
import signal
import socket
import sqlite3
import subprocess
import sys
import uuid
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from tests.ops.processes import children_of

ROOT = Path(__file__).parents[2]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Installation:
    """Runs commands with the environment an operator would give them, and nothing of the test's own settings."""

    def __init__(self, data_dir: Path, database_url: str = "") -> None:
        self.data_dir = data_dir
        self.port, self.simulator_port = free_port(), free_port()
        self.env = {name: value for name, value in os.environ.items() if not name.startswith("LUMABOARD_")}
        self.env |= {
            "DJANGO_SETTINGS_MODULE": "lumaboard.settings",
            "LUMABOARD_DATA_DIR": str(data_dir),
            "LUMABOARD_BIND": f"127.0.0.1:{self.port}",
            "LUMABOARD_SIMULATOR_BIND": f"127.0.0.1:{self.simulator_port}",
            "LUMABOARD_DISK_RESERVE": "1M",
            "LUMABOARD_SIMULATOR_PACE": "0.1",
            "PASSWORD": "a long enough password",
        }
        if database_url:
            self.env["LUMABOARD_DATABASE_URL"] = database_url
        if redis_url := os.environ.get("LUMABOARD_REDIS_URL"):
            self.env |= {
                "LUMABOARD_REDIS_URL": redis_url,
                "LUMABOARD_QUEUE_NAME": f"installation-{uuid.uuid4().hex[:12]}",
            }

    @property
    def address(self) -> tuple[str, int]:
        return "127.0.0.1", self.port

    def says_ok(self, path: str = "/readyz") -> bool:
        """Whether a page is there: `/healthz` as soon as the web process serves, `/readyz` when everything works."""
        try:
            return get(self.address, path)[0] == 200
        except (OSError, ValueError, IndexError):
            return False

    def manage(self, *arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
        """Run one command to its end."""
        return subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=ROOT,
            env={**self.env, **env},
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
            stdin=subprocess.DEVNULL,
        )

    def run(self, *arguments: str, **env: str) -> str:
        """Run one command that has to succeed, and return what it printed."""
        done = self.manage(*arguments, **env)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def read(self, code: str) -> str:
        """Run Python inside the installation and return what it printed."""
        return self.run("shell", "--no-imports", "-c", code).strip()

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """Read straight from the database, as its driver gives it, without the seconds that a command takes to start."""
        if url := self.env.get("LUMABOARD_DATABASE_URL"):
            import psycopg

            with psycopg.connect(url) as connection:
                return connection.execute(sql).fetchall()
        with closing(sqlite3.connect(self.data_dir / "lumaboard.sqlite3", timeout=30)) as connection:
            return connection.execute(sql).fetchall()

    def bootstrap(self, *extra: str) -> str:
        return self.run(
            "bootstrap",
            "--email",
            "alice@example.com",
            "--password-env",
            "PASSWORD",
            "--workspace",
            "Northlight",
            *extra,
        )

    @contextmanager
    def running(self, *arguments: str) -> Iterator[subprocess.Popen[str]]:
        """Start a command that stays, and end it on the way out; what it prints goes to `output`."""
        with self.output.open("a") as output:
            process = subprocess.Popen(
                [sys.executable, "manage.py", *arguments],
                cwd=ROOT,
                env=self.env,
                stdout=output,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                text=True,
            )
        try:
            yield process
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    @property
    def output(self) -> Path:
        return self.data_dir.parent / "output.txt"


def family_of(keeper: int) -> list[int]:
    """The processes of a job cluster below its keeper: command, guard, two workers, monitor, pusher."""
    (command,) = children_of(keeper)
    (guard,) = children_of(command)
    return [command, guard, *children_of(guard)]


def get(address: tuple[str, int], path: str) -> tuple[int, str]:
    """Ask over a plain socket: what a load balancer does."""
    with socket.create_connection(address, timeout=10) as connection:
        connection.sendall(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n".encode())
        answer = b"".join(iter(lambda: connection.recv(65536), b""))
    head, _, body = answer.decode().partition("\r\n\r\n")
    return int(head.split()[1]), body


@contextmanager
def fresh_database() -> Iterator[str]:
    """Give the URL of an empty PostgreSQL database where the suite runs on PostgreSQL, else nothing: SQLite then."""
    url = os.environ.get("LUMABOARD_DATABASE_URL", "")
    if not url:
        yield ""
        return
    import psycopg

    name = f"installation_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    try:
        yield urlunsplit(urlsplit(url)._replace(path=f"/{name}"))
    finally:
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)")
