"""The claims of a round that wait for a thread, in fair order."""

from __future__ import annotations

import threading
from collections import Counter, OrderedDict, deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from lumaboard.connections.models import Connection
from lumaboard.refresh.claim import Claim
from lumaboard.upstream.client import Client


@dataclass(frozen=True, slots=True)
class Ask:
    """One asking that is to be made."""

    claim: Claim
    client: Client


class Line:
    """Connections take turns; within one the oldest due comes first.

    While several connections wait, none may have more than half of the threads, so that one slow upstream cannot hold
    them all. The threads take from here by themselves: they work on while the writer writes.
    """

    def __init__(self, threads: int, is_stopped: Callable[[Connection], bool]) -> None:
        self._threads = threads
        self._is_stopped = is_stopped
        self._waiting: OrderedDict[int, deque[Ask]] = OrderedDict()
        self._busy: Counter[int] = Counter()
        self._changed = threading.Condition()

    def __len__(self) -> int:
        with self._changed:
            return sum(map(len, self._waiting.values()))

    @property
    def busy(self) -> int:
        """How many askings are on their way."""
        with self._changed:
            return self._busy.total()

    def add(self, asks: Iterable[Ask]) -> None:
        with self._changed:
            for ask in asks:
                self._waiting.setdefault(ask.claim.connection.pk, deque()).append(ask)
            self._changed.notify_all()

    def take(self) -> Ask:
        """Wait for the next asking that may be made; `finish` must follow."""
        with self._changed:
            while (ask := self._next()) is None:
                self._changed.wait()
            self._busy[ask.claim.connection.pk] += 1
            return ask

    def finish(self, ask: Ask) -> None:
        with self._changed:
            self._busy[ask.claim.connection.pk] -= 1
            self._changed.notify()

    def drop(self, *, everything: bool = False) -> list[Claim]:
        """Take out the claims of the connections that should be left alone, or all."""
        dropped: list[Claim] = []
        with self._changed:
            for connection_id, asks in list(self._waiting.items()):
                if everything or self._is_stopped(asks[0].claim.connection):
                    dropped.extend(ask.claim for ask in self._waiting.pop(connection_id))
        return dropped

    def _next(self) -> Ask | None:
        most = self._threads if len(self._waiting) <= 1 else max(self._threads // 2, 1)
        for connection_id, asks in self._waiting.items():
            if self._busy[connection_id] < most and not self._is_stopped(asks[0].claim.connection):
                ask = asks.popleft()
                self._waiting.move_to_end(connection_id)
                if not asks:
                    del self._waiting[connection_id]
                return ask
        return None
