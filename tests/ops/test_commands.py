"""The commands that stay: real processes of a real installation, killed in every way."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import time
from datetime import UTC, datetime, timedelta

import pytest

from tests.ops.installation import Installation, family_of, get
from tests.ops.processes import alive, child_running, children_of, descendants_of, until


def last_probe(installation: Installation, probe: str) -> datetime | None:
    """When the probe of a cluster came to its end, if it ever has."""
    rows = installation.rows(f"SELECT beaten_at FROM generations_beat WHERE name = '{probe}'")
    beaten_at = rows[0][0] if rows else None
    return datetime.fromisoformat(f"{beaten_at}+00:00") if isinstance(beaten_at, str) else beaten_at  # text on SQLite


def test_up_serves_prints_the_setup_link_and_stops_within_ten_seconds(installation: Installation) -> None:
    installation.data_dir.mkdir()
    with installation.running("up") as up:
        until(lambda: installation.says_ok(), within=60)
        link = until(lambda: re.search(r"http://\S+/setup/(\S+)/", installation.output.read_text()))
        assert get(installation.address, f"/setup/{link[1]}/")[0] == 200
        assert get(installation.address, "/healthz") == (200, "ok\n")
        assert set(json.loads(get(installation.address, "/readyz")[1])["checks"]) == {"database", "worker", "disk"}

        second = installation.manage("up")
        assert (second.returncode, second.stderr.count("\n")) == (1, 1)
        assert f"127.0.0.1:{installation.port} is taken" in second.stderr

        everything = descendants_of(up.pid)
        asked_at = time.monotonic()
        up.send_signal(signal.SIGTERM)
        assert up.wait(15) == 0
        assert time.monotonic() - asked_at < 10
        assert not alive(everything)


def test_killing_up_itself_leaves_nothing_behind(installation: Installation) -> None:
    installation.data_dir.mkdir()
    with installation.running("up") as up:
        until(lambda: installation.says_ok(), within=60)
        everything = descendants_of(up.pid)
        assert len(everything) > 12  # four keepers, web, simulator, and two clusters with their processes
        up.kill()
        until(lambda: not alive(everything), within=15)


def test_a_killed_web_process_is_replaced(installation: Installation) -> None:
    installation.data_dir.mkdir()
    with installation.running("up") as up:
        until(lambda: installation.says_ok(), within=60)
        for rank in range(3):  # the keeper, the server, the process that serves
            keeper = until(lambda: child_running(up.pid, "granian"))
            family = until(lambda keeper=keeper: found if len(found := [keeper, *descendants_of(keeper)]) > 2 else None)
            victim = family[rank]
            os.kill(victim, signal.SIGKILL)
            until(lambda victim=victim: not alive([victim]) and installation.says_ok(), within=30)


CLUSTERS = {"probe": 6, "archive probe": 5}
"""The processes of each cluster below its keeper: the one that asks upstream has a worker more."""


@pytest.mark.parametrize(
    ("probe", "victims"),
    [
        ("probe", ("keeper", "command", "guard", "worker", "monitor", "pusher")),
        ("archive probe", ("worker", "monitor")),
    ],
)
def test_a_killed_part_of_the_worker_is_replaced_and_work_goes_on(
    installation: Installation, probe: str, victims: tuple[str, ...]
) -> None:
    """One part after the other: each time both clusters become whole again, and jobs are done."""
    installation.bootstrap()
    with installation.running("worker", "--patience", "10") as worker:

        def whole() -> dict[int, int]:
            """Both clusters by their size, once both are whole: one that is still starting looks like the other."""
            keepers = {len(descendants_of(pid)): pid for pid in children_of(worker.pid)}
            return keepers if keepers.keys() == set(CLUSTERS.values()) else {}

        recovered_at = datetime.min.replace(tzinfo=UTC)
        for victim in victims:
            until(lambda at=recovered_at: (last_probe(installation, probe) or at) > at, within=120)
            keeper = until(whole, within=60)[CLUSTERS[probe]]
            command, guard, *workers, monitor, pusher = family_of(keeper)
            targets = {
                "keeper": [keeper],
                "command": [command],
                "guard": [guard],
                "worker": workers,
                "monitor": [monitor],
                "pusher": [pusher],
            }[victim]
            for pid in targets:
                os.kill(pid, signal.SIGKILL)
            # What was on its way when the part died may still arrive, hence a whole period of probes on top.
            recovered_at = datetime.now(UTC) + timedelta(seconds=6)
        until(lambda: (last_probe(installation, probe) or recovered_at) > recovered_at, within=120)
        asked_at = time.monotonic()
        worker.send_signal(signal.SIGTERM)
        worker.wait(15)
        assert time.monotonic() - asked_at < 10


def test_a_simulator_port_that_is_taken_is_named(installation: Installation) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", installation.simulator_port))
        taken.listen()
        refused = installation.manage("up")
    assert refused.returncode == 1
    assert "LUMABOARD_SIMULATOR_BIND" in refused.stderr
