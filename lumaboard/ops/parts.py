"""The parts an installation is made of, as commands for the supervisor."""

from __future__ import annotations

import sys

from django.conf import settings

from lumaboard.archive.engine import BEAT as COPY_BEAT
from lumaboard.archive.jobs import CLUSTER
from lumaboard.generations.counters import Beat
from lumaboard.ops.supervisor import Part
from lumaboard.refresh.broker import probe_of

WORK_BEATS = ("tick", "probe")
"""Written by the worker whenever it has finished one of these jobs."""


def web() -> Part:
    """One process with threads, which suits SQLite and the caches in process.

    `--backpressure` counts connections, also idle ones kept alive, hence far more than threads. Without
    `--workers-kill-timeout` a stalled download would hold up the stop.
    """
    host, port = settings.BIND
    options = {
        "interface": "wsgi",
        "host": host,
        "port": port,
        "workers": 1,
        "blocking-threads": 32,
        "backpressure": 2048,
        "http": 1,
        "http1-header-read-timeout": 5000,
        "workers-kill-timeout": 5,
        "log-level": "error",  # its one warning, about more threads than cores, is about what we chose
    }
    flags = [text for name, value in options.items() for text in (f"--{name}", str(value))]
    command = [sys.executable, "-m", "granian", *flags, "--no-ws", "--respawn-failed-workers"]
    return Part("web", [*command, "lumaboard.wsgi:application"])


def workers() -> list[Part]:
    """Both job clusters: the one that asks upstream, and the one for long copies."""
    command = [sys.executable, "-m", "django", "qcluster"]
    return [
        Part("worker", command, sign_of_life=worker_sign_of_life),
        Part("archive worker", command, env={"Q_CLUSTER_NAME": CLUSTER}, sign_of_life=archive_sign_of_life),
    ]


def simulator() -> Part:
    host, port = settings.SIMULATOR_BIND
    where = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    data_dir = settings.DATA_DIR / "simulator"
    options = ["--bind", where, "--data-dir", str(data_dir), "--pace", settings.SIMULATOR_PACE, "--render-ahead"]
    return Part("simulator", [sys.executable, "-m", "lumaboard.simulator", *options])


def worker_sign_of_life() -> object:
    """Ticks alone would not tell that finished work is acknowledged no more, so they do not count."""
    return _beaten_at(probe_of(""))


def archive_sign_of_life() -> object:
    """A long copy holds the cluster's one worker, behind which a probe waits; copies beat by themselves."""
    return _beaten_at(probe_of(CLUSTER), COPY_BEAT)


def _beaten_at(*names: str) -> object:
    return sorted(Beat.objects.filter(name__in=names).values_list("name", "beaten_at"))
