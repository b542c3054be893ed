"""The whole product as its users run it: web server, supervised worker, and an upstream on a real socket."""

from __future__ import annotations

import re
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lumaboard.simulator.clips import ClipStyle
from lumaboard.simulator.server import Simulator
from tests.flows.inside import Inside
from tests.ops.installation import Installation, fresh_database

TINY = ClipStyle(short_side=96, fps=24, max_seconds=3)
"""Clips small enough to be made in a moment, and long enough to seek in."""


def wait_for(condition: Callable[[], bool], *, seconds: float = 30, what: str = "it") -> None:
    """Wait until the condition holds; fails with a sentence when it does not in time."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"{what} did not happen within {seconds} s"
        time.sleep(0.1)


@dataclass(frozen=True)
class Person:
    """Somebody with a session: whoever opens a page as this person is signed in."""

    pk: int
    membership: int
    email: str
    session: str


@dataclass(frozen=True)
class Shared:
    """A link for outsiders."""

    pk: int
    url: str


@dataclass(frozen=True)
class Team:
    """A workspace of one test's own, so that tests share an installation without seeing each other."""

    stack: Stack
    slug: str
    workspace_id: int
    connection_id: int
    alice: Person
    bob: Person

    @property
    def url(self) -> str:
        return f"{self.stack.url}/w/{self.slug}/"

    def page_of(self, pk: int) -> str:
        return f"{self.url}g/{pk}/"

    def track(self, *task_ids: str) -> list[int]:
        """Track these ids as Alice, without a page."""
        return list(
            self.stack.inside.call("track", connection_id=self.connection_id, user_id=self.alice.pk, task_ids=task_ids)
        )

    def invite(self, email: str) -> str:
        """Invite this address as Alice, without a page; the answer is the link."""
        path = self.stack.inside.call("invite", workspace_id=self.workspace_id, user_id=self.alice.pk, email=email)
        return f"{self.stack.url}{path}"

    def open_invitation(self) -> int:
        """The last invitation to this workspace."""
        return int(self.stack.inside.call("open_invitation", workspace_id=self.workspace_id))

    def make_token(self) -> int:
        """Make an API token of Alice's, without a page."""
        return int(self.stack.inside.call("make_token_of", membership_id=self.alice.membership))

    def set_price(self) -> int:
        """Set a price in this workspace, without a page."""
        return int(self.stack.inside.call("set_price", workspace_id=self.workspace_id))

    def write_note(self, pk: int) -> int:
        """Write a note on this generation as Alice, without a page."""
        return int(self.stack.inside.call("write_note", pk=pk, user_id=self.alice.pk))

    def protect_bob(self) -> tuple[Person, int]:
        """Give Bob every second factor, without a page; the answer has a session of his that was just proven, and a passkey."""
        made = self.stack.inside.call("protect", membership_id=self.bob.membership)
        return Person(**made["person"]), made["passkey"]

    def share(self, *pks: int, **terms: Any) -> Shared:
        """Share these generations as Alice, without a page."""
        who = {"workspace_id": self.workspace_id, "user_id": self.alice.pk}
        made = self.stack.inside.call("share", **who, pks=pks, **terms)
        return Shared(pk=made["pk"], url=f"{self.stack.url}{made['path']}")

    def revoke(self, shared: Shared) -> None:
        """End this link as Alice, without a page."""
        self.stack.inside.call("revoke", workspace_id=self.workspace_id, user_id=self.alice.pk, pk=shared.pk)

    def track_a_safe_clip(self) -> int:
        """A generation whose files are all safe and playable; every test's is the same clip, which is made once."""
        (pk,) = self.track(f"{uuid.uuid4()}-quick-legacy-scene-sea-format-16x9-seconds-5")
        wait_for(lambda: self.stack.inside.call("are_files_safe", pk=pk), seconds=60, what="the copy of every file")
        return pk


@dataclass
class Stack:
    """A running installation and its simulator."""

    installation: Installation
    simulator: Simulator
    inside: Inside
    setup_url: str
    worker: ExitStack

    def new_team(self, *, upstream: str = "", key: str = "sk-flows-1234") -> Team:
        made = self.inside.call("new_team", simulator_url=upstream or self.simulator_url, key=key)
        return Team(stack=self, **made | {"alice": Person(**made["alice"]), "bob": Person(**made["bob"])})

    @contextmanager
    def without_upstream(self) -> Iterator[None]:
        """End the simulator for a while; another one takes its place afterwards."""
        self.simulator.stop()
        try:
            yield
        finally:
            self.simulator = new_simulator(self.installation)
            self.simulator.start()

    def stop_worker(self) -> None:
        self.worker.close()

    def start_worker(self) -> None:
        self.worker.enter_context(self.installation.running("worker"))

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.installation.port}"

    @property
    def simulator_url(self) -> str:
        return f"http://127.0.0.1:{self.installation.simulator_port}"


def new_simulator(installation: Installation) -> Simulator:
    return Simulator(
        data_dir=installation.data_dir / "simulator",
        bind=("127.0.0.1", installation.simulator_port),
        pace=0.15,
        style=TINY,
    )


@contextmanager
def running_stack(data_dir: Path) -> Iterator[Stack]:
    """Web and worker from `manage.py`, as an operator starts them; the simulator runs here, so that tests can end it."""
    with ExitStack() as cleanup:
        installation = Installation(data_dir, cleanup.enter_context(fresh_database()))
        installation.env["LUMABOARD_ALLOW_NETWORKS"] = "127.0.0.0/8"
        installation.run("migrate", "--noinput", "-v0")
        installation.run("createcachetable", "-v0")
        installation.run("collectstatic", "--noinput", "-v0")
        setup_url = re.search(r"http://\S+/setup/\S+", installation.run("setup_link"))
        assert setup_url is not None
        cleanup.enter_context(installation.running("web"))
        worker = cleanup.enter_context(ExitStack())
        inside = cleanup.enter_context(Inside(installation))
        stack = Stack(installation, new_simulator(installation), inside, setup_url.group(), worker)
        stack.start_worker()
        wait_for(installation.says_ok, seconds=60, what="the start of web and worker")
        stack.simulator.start()
        cleanup.callback(lambda: stack.simulator.stop())
        yield stack
