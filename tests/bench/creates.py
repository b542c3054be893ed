"""Programs that create through the proxy, hang up and repeat, while upstream fails and our processes are killed.

Whatever happens, nothing is made twice and nothing that was made is lost: anything else is an error here, not a figure.
"""

from __future__ import annotations

import json
import os
import random
import signal
import socket
import threading
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from datetime import timedelta

from django.utils import timezone

from lumaboard.accounts.models import Scope
from lumaboard.generations.models import Generation
from lumaboard.ops.invariants import INVARIANTS
from lumaboard.simulator import ClipStyle, Simulator
from lumaboard.submission.models import Intent
from lumaboard.submission.reconcile import look_for_due, settle_stale
from lumaboard.upstream.client import API_PATH
from tests.bench.bench import Bench, say
from tests.bench.figures import Figure
from tests.bench.people import make_place
from tests.bench.wire import Address
from tests.factories import make_token
from tests.ops.processes import descendants_of, running, until

AT_ONCE = 24
TRIES = 8
_SECONDS_BETWEEN_KILLS = 3.0
_FINAL = frozenset({200, 201, 400, 422})
_WAYS = (
    *("", "", "", "", "", "", "create-slow", "create-slow", "create-lost", "create-cut"),
    *("create-500-made", "create-500", "create-503", "create-dropped", "create-html", "create-moderation"),
    *("", "", "", "create-429"),
)


@dataclass
class Programs:
    """Many clients at once; every fourth request has no idempotency key, and is sent once whatever comes of it."""

    address: Address
    token: str
    dice: random.Random
    sent: int = 0
    hung_up: int = 0
    statuses: Counter[int] = field(default_factory=Counter)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def create(self, number: int) -> None:
        way = _WAYS[number % len(_WAYS)]
        body = json.dumps({"prompt": f"Take {number} of the harbour [sim:official,fail-other,{way}]"}).encode()
        key = f"load-{number}" if number % 4 else ""
        for _try in range(TRIES if key else 1):
            status = self._post(body, key)
            if status in _FINAL:
                return
            time.sleep(self.dice.uniform(0.2, 1.5))

    def _post(self, body: bytes, key: str) -> int:
        """Send once, and give the status; 0 where none came, because we hung up or somebody was killed."""
        head = f"POST {API_PATH}/generations HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {self.token}\r\n"
        head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\nConnection: close\r\n"
        head += f"Idempotency-Key: {key}\r\n\r\n" if key else "\r\n"
        hangs_up = self.dice.random() < 0.25
        status = 0
        with suppress(OSError, IndexError), socket.create_connection(self.address, timeout=30) as connection:
            with self._lock:
                self.sent += 1
                self.hung_up += hangs_up
            connection.sendall(head.encode() + body)
            if hangs_up:
                time.sleep(self.dice.uniform(0, 0.2))
            else:
                status = int(connection.recv(65536).split()[1])
        with self._lock:
            self.statuses[status] += 1
        return status


def measure(bench: Bench) -> Mapping[str, Figure]:
    seed = int(os.environ.get("CHAOS_SEED", random.SystemRandom().randrange(10**6)))
    count = bench.scale.creates
    say(f"{count} creates, CHAOS_SEED={seed}")
    with ExitStack() as stack:
        style = ClipStyle(short_side=64, fps=8, max_seconds=1)
        upstream = stack.enter_context(Simulator(data_dir=bench.folder / "creates", style=style, slow_seconds=0.3))
        database = stack.enter_context(bench.database())
        place = make_place(base_url=upstream.url)
        token = make_token(place.membership, Scope.READ, Scope.SUBMIT).token
        installation = bench.installation(database)
        with installation.running("up") as supervisor:
            until(installation.says_ok, within=120)
            programs = Programs(installation.address, token, random.Random(seed))
            killed = _create_and_kill(programs, supervisor.pid, count=count, kills=bench.scale.create_kills)
        settle_stale(now=timezone.now() + timedelta(minutes=3))
        for minutes in (4, 30, 60):
            look_for_due(clock=lambda later=timedelta(minutes=minutes): timezone.now() + later)  # type: ignore[misc]
        faults = _faults(upstream, sent=programs.sent)
        made, states = len(upstream.requests.made), Counter(Intent.objects.values_list("state", flat=True))
    say(
        f"{programs.sent} sent, {programs.hung_up} hung up, {killed} processes killed; {made} made; "
        f"statuses {dict(programs.statuses)}, requests {dict(states)}"
    )
    assert faults == [], faults
    return {"creates": Figure(0, shown=f"0 of {count:,}, {killed} killed")}


def _create_and_kill(programs: Programs, supervisor: int, *, count: int, kills: int) -> int:
    """Have everything created, and meanwhile kill processes below the supervisor; says how many those were."""
    killed, dice = 0, random.Random(programs.dice.random())
    with ThreadPoolExecutor(AT_ONCE) as pool:
        work = [pool.submit(programs.create, number) for number in range(count)]
        next_at = time.monotonic() + _SECONDS_BETWEEN_KILLS / 2
        while not all(one.done() for one in work):
            time.sleep(0.05)
            if killed < kills and time.monotonic() >= next_at and (victims := _victims(supervisor)):
                with suppress(ProcessLookupError):  # it has just ended by itself
                    os.kill(dice.choice(victims), signal.SIGKILL)
                killed, next_at = killed + 1, time.monotonic() + _SECONDS_BETWEEN_KILLS
        for one in work:
            one.result()
    return killed


def _victims(supervisor: int) -> Sequence[int]:
    """What serves and what works, with all that keeps it."""
    below = set(descendants_of(supervisor))
    return [process.pid for process in running() if process.pid in below and "simulator" not in process.command]


def _faults(upstream: Simulator, *, sent: int) -> list[str]:
    faults = [f"made twice: {prompt}" for prompt in upstream.requests.made_twice()]
    made, tracked = set(upstream.requests.made), list(Generation.objects.values_list("task_id", flat=True))
    faults += [f"{len(upstream.requests.creates)} creates upstream, of {sent} requests"] * (
        len(upstream.requests.creates) > sent
    )
    faults += [f"made and not tracked: {task_id}" for task_id in made - set(tracked)]
    faults += [f"tracked and not made: {task_id}" for task_id in set(tracked) - made]
    faults += [f"tracked twice: {task_id}" for task_id, number in Counter(tracked).items() if number > 1]
    held = (one for one in INVARIANTS if one.number in (1, 5, 6, 13))
    return faults + [fault for invariant in held for fault in invariant.check(timezone.now())]
