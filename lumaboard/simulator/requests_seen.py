"""What the simulator was asked, and what it made of it, for tests to look at; bounded, so that a long bench does not
fill the memory."""

import threading
from collections import Counter, OrderedDict, deque
from collections.abc import Mapping
from typing import Any, Final

_MAX_PATHS: Final = 50_000
_MAX_RECENT: Final = 5_000


class RequestsSeen:
    """Counts requests by path, which for a poll contains the id."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: OrderedDict[str, int] = OrderedDict()
        self._total = 0
        self.recent: deque[tuple[str, str]] = deque(maxlen=_MAX_RECENT)
        """The last requests, oldest first, as method and path without the query."""

        self.creates: deque[tuple[str, bytes]] = deque(maxlen=_MAX_RECENT)
        """The last create calls, oldest first, as path and body, whatever became of them."""
        self.made: OrderedDict[str, Mapping[str, Any]] = OrderedDict()
        """What was made last, oldest first: id and request."""

    def note_create(self, path: str, body: bytes) -> None:
        with self._lock:
            self.creates.append((path, body))

    def note_made(self, task_id: str, request: Mapping[str, Any]) -> None:
        with self._lock:
            self.made[task_id] = request
            if len(self.made) > _MAX_RECENT:
                self.made.popitem(last=False)

    def made_twice(self) -> list[str]:
        """The prompts for which more than one generation was made."""
        with self._lock:
            prompts = Counter(str(request.get("prompt")) for request in self.made.values())
        return [prompt for prompt, count in prompts.items() if count > 1]

    def note(self, method: str, path: str) -> None:
        with self._lock:
            self._total += 1
            self.recent.append((method, path))
            self._counts[path] = self._counts.pop(path, 0) + 1
            if len(self._counts) > _MAX_PATHS:
                self._counts.popitem(last=False)

    @property
    def total(self) -> int:
        return self._total

    def count(self, containing: str) -> int:
        """Count the requests whose path contains this text, an id for instance."""
        with self._lock:
            return sum(count for path, count in self._counts.items() if containing in path)
