"""How often something may happen in a while, counted in this process alone."""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass
from typing import Final

_MOST_KEYS: Final = 10_000
"""Beyond it the windows begun first are forgotten: a flood of made-up keys takes no more memory than this."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """Where somebody stands in the window that is open now."""

    limit: int
    remaining: int
    reset_s: int
    is_over: bool


class Window:
    """So many times in so many seconds, for each key.

    Each web process counts for itself: nothing is written for a request that only reads, and what is protected is the
    process.
    """

    def __init__(self, *, limit: int, seconds: int) -> None:
        self.limit, self.seconds = limit, seconds
        self._begun: OrderedDict[str, tuple[float, int]] = OrderedDict()
        self._lock = threading.Lock()

    def take(self, key: str, *, at: float) -> Rate:
        """Count one, and say how many are left; `at` is of the monotonic clock."""
        with self._lock:
            begun, count = self._begun.get(key, (at, 0))
            if at - begun >= self.seconds:
                begun, count = at, 0
                self._begun.pop(key, None)
            count += 1
            self._begun[key] = begun, count
            while len(self._begun) > _MOST_KEYS:
                self._begun.popitem(last=False)
        return Rate(
            limit=self.limit,
            remaining=max(0, self.limit - count),
            reset_s=max(1, round(begun + self.seconds - at)),
            is_over=count > self.limit,
        )

    def forget(self) -> None:
        """Begin anew for everybody."""
        with self._lock:
            self._begun.clear()
