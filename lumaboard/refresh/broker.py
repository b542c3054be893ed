"""The queue of the workers, which also hands out the ticks.

django-q2 looks at its schedules every 30 seconds. A tick every two seconds therefore comes from the queue itself: when a
cluster asks for work and the shared beat is due, it is given a tick that was never a row. Nothing of it can be delivered
twice, and two clusters get one tick per period between them.

Every cluster also gets probes. A probe's beat is written where its job is acknowledged, at the very end of the way that
work takes: pusher, worker and monitor each have to live for it, and each of them can be killed so that its replacement
waits for ever.
"""

from __future__ import annotations

from datetime import timedelta
from time import monotonic
from typing import Any

from django.conf import settings
from django.utils import timezone
from django_q.brokers.orm import ORM
from django_q.conf import Conf
from django_q.signing import SignedPackage

from lumaboard.refresh.beats import beat, take_beat

PROBE_EVERY = timedelta(seconds=5)
TICK_PATIENCE = timedelta(seconds=8)
"""How long the next tick waits for the end of the one before. Without it, ticks against a slow upstream would fill every
worker, and the probe that tells a living cluster from a dead one would wait behind them."""

_LOOK_EVERY_SECONDS = 0.25  # between two looks at the beats, however fast the queue is emptied

Delivery = tuple[int | str | None, str]
"""What is acknowledged at its end (the key of a row, or the name of a beat), and the packed job."""


def probe_of(cluster: str) -> str:
    """Name the beat that shows this cluster working; "" is the main one."""
    return f"{cluster} probe".strip()


class TickBroker(ORM):  # type: ignore[misc]  # django-q2 has no types
    """The ORM broker, with ticks and probes slipped in before the rows of the queue."""

    _look_again_at = 0.0

    def dequeue(self) -> list[Delivery] | None:
        """Give the next work: a tick or a probe when one is due, else what the ORM broker finds."""
        given = self._clockwork()
        rows: list[Delivery] | None = given or super().dequeue()
        return rows

    def acknowledge(self, task_id: int | str) -> None:
        """Take a finished row out of the queue, or note the beat of a finished probe; called by the monitor."""
        if isinstance(task_id, str):
            self.get_connection()
            beat(task_id, now=timezone.now())
        else:
            super().acknowledge(task_id)

    def _clockwork(self) -> list[Delivery]:
        if monotonic() < self._look_again_at:
            return []
        self._look_again_at = monotonic() + _LOOK_EVERY_SECONDS
        self.get_connection()  # replaces a database connection that broke
        now = timezone.now()
        given: list[Delivery] = []
        is_main = self.list_key == Conf.PREFIX  # other clusters do long work, behind which a tick would wait
        every = timedelta(seconds=settings.REFRESH_TICK_SECONDS)
        if is_main and take_beat("tick", every=every, now=now, patience=TICK_PATIENCE):
            given.append((None, _package("tick", "lumaboard.refresh.jobs.tick")))
        probe = probe_of("" if is_main else self.list_key)
        if take_beat(probe, every=PROBE_EVERY, now=now):
            given.append((probe, _package(probe, "lumaboard.refresh.jobs.probe")))
        return given


def _package(name: str, path: str) -> str:
    """Make what a worker unpacks. The id is always the same, so that failures share one row instead of adding up."""
    task: dict[str, Any] = {
        "id": name,
        "name": name,
        "func": path,
        "args": (),
        "kwargs": {},
        "started": timezone.now(),
        "save": False,
    }
    packed: str = SignedPackage.dumps(task)
    return packed
