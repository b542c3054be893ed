"""Asks a board, and turns its refusals into errors with its own words."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import requests

from lumaboard.cli.config import Login
from lumaboard.cli.errors import UNREACHABLE, CliError, NotThere

TIMEOUT: Final = (10, 60)
_MOST_WAITS: Final = 5
_LONGEST_WAIT_S: Final = 90.0


class Client:
    """One board, one token."""

    def __init__(self, login: Login, *, sleep: Callable[[float], None] = time.sleep) -> None:
        self._url, self._sleep = f"{login.url}/api/v1", sleep
        self._session = requests.Session()
        self._session.headers.update({"Authorization": f"Bearer {login.token}", "User-Agent": "lumaboard-cli"})

    def get(self, path: str, **query: object) -> Any:
        given = {name: value for name, value in query.items() if value not in (None, "", False)}
        return self._ask("GET", path, params=given).json()

    def post(self, path: str, body: dict[str, Any], *, headers: Mapping[str, str] | None = None) -> Any:
        return self._ask("POST", path, json=body, headers=headers).json()

    def upload(self, path: str, file: Path) -> Any:
        with file.open("rb") as body:
            return self._ask("POST", path, files={"file": (file.name, body.read())}).json()

    def open(self, path: str, *, start: int) -> requests.Response:
        """Begin to read a file at this byte; whoever asks reads and closes it."""
        headers = {"Range": f"bytes={start}-"} if start else {}
        return self._ask("GET", path, headers=headers, stream=True)

    def pages(self, path: str, **query: object) -> Iterator[dict[str, Any]]:
        """Every item, page after page."""
        after: str | None = ""
        while after is not None:
            page = self.get(path, after=after, **query)
            yield from page["items"]
            after = page["next"]

    def _ask(self, method: str, path: str, **options: Any) -> requests.Response:
        """Ask once; again only where the board said to wait. It never follows to another address with the token."""
        for _ in range(_MOST_WAITS):
            try:
                answer = self._session.request(
                    method, self._url + path, timeout=TIMEOUT, allow_redirects=False, **options
                )
            except requests.RequestException as error:
                raise CliError(f"{self._url} cannot be reached: {type(error).__name__}", UNREACHABLE) from error
            if answer.status_code != 429:
                break
            self._sleep(min(float(answer.headers.get("Retry-After", "1")), _LONGEST_WAIT_S))
        if answer.status_code == 404:
            raise NotThere(_words_of(answer))
        if not 200 <= answer.status_code < 300:
            raise CliError(_words_of(answer))
        return answer


def _words_of(answer: requests.Response) -> str:
    try:
        error = answer.json()["error"]
        fields = [f"{one['where']}: {one['message']}" for one in error["fields"]]
        return " ".join([str(error["message"]), *fields])
    except (ValueError, KeyError, TypeError):
        return f"This is no answer of a board: {answer.status_code} from {answer.url.partition('?')[0]}"
