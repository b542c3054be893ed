"""What the tests of the simulator speak with."""

from typing import Any, Self

import requests

from lumaboard.simulator import ClipStyle

TINY = ClipStyle(short_side=64, fps=12, max_seconds=1)
LIFETIME = 60
"""Seconds after which every generation that settles at all has settled."""


class Clock:
    """A time of day which moves only when told."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += seconds


class Asker:
    """A client with a good key."""

    def __init__(self, url: str, clock: Clock, key: str = "sk-good") -> None:
        self.url = f"{url}/dream-machine/v1"
        self._clock = clock
        self._session = requests.Session()
        self._session.headers["Authorization"] = f"Bearer {key}"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._session.close()

    def ask(self, path: str, method: str = "GET", **options: Any) -> requests.Response:
        return self._session.request(method, f"{self.url}{path}", timeout=20, allow_redirects=False, **options)

    def poll(self, task_id: str) -> requests.Response:
        return self.ask(f"/generations/{task_id}")

    def settled(self, task_id: str) -> dict[str, Any]:
        """See an id for the first time, let its life pass, and return what it answers then."""
        self.poll(task_id)
        self._clock.advance(LIFETIME)
        answer: dict[str, Any] = self.poll(task_id).json()
        return answer


def fetch(url: str, method: str = "GET", **headers: str) -> requests.Response:
    """Ask for media, without the key: links carry their own leave."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return requests.request(method, url, headers=named, timeout=60, allow_redirects=False)
