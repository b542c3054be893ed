"""A process that makes others which submit, each until it is done or killed; the test's side is `Senders`.

Each line it reads is answered with the process id of a new sender. A sender submits every request there is, under an
idempotency key of its own, as a program does that starts again after a crash.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from base64 import urlsafe_b64encode
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Self

from django.conf import settings

AT_ONCE = 4


class Senders:
    """Starts senders in the database at this URL."""

    def __init__(self, database_url: str, connection_id: int, user_id: int, prompts: Sequence[str]) -> None:
        self._database_url = database_url
        self._work = json.dumps([connection_id, user_id, list(prompts)])

    def __enter__(self) -> Self:
        environment = os.environ | {
            "DJANGO_SETTINGS_MODULE": "tests.settings",
            "LUMABOARD_DATABASE_URL": self._database_url,
            "LUMABOARD_ENCRYPTION_KEYS": " ".join(urlsafe_b64encode(key).decode() for key in settings.ENCRYPTION_KEYS),
        }
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.submission.sender"],
            env=environment,
            cwd=Path(__file__).parents[2],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._process.communicate(timeout=60)

    def start(self) -> int:
        """Start a sender and give its process id."""
        return int(self._say(self._work))

    def wait(self, pid: int) -> int:
        """Wait until this sender has ended, and give how: its status, or the negative number of the signal."""
        return int(self._say(str(pid)))

    def _say(self, line: str) -> str:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{line}\n")
        self._process.stdin.flush()
        return self._process.stdout.readline()


def submit_all(connection_id: int, user_id: int, prompts: Sequence[str]) -> None:
    from django.db import connections

    from lumaboard.connections.models import Connection
    from lumaboard.submission.operations import StillSending, intend, send

    connection = Connection.objects.get(pk=connection_id)

    def submit(prompt: str) -> None:
        from django.utils import timezone

        try:
            intent = intend(
                connection,
                created_by_id=user_id,
                route="/generations",
                request={"prompt": prompt},
                source="proxy",
                idempotency_key=prompt,
                now=timezone.now(),
            )
            send(intent.pk, patience=0)
        except StillSending:
            return  # by one that was killed: it waits to be called unknown
        finally:
            connections.close_all()

    with ThreadPoolExecutor(AT_ONCE) as threads:
        list(threads.map(submit, prompts))


def main() -> None:
    import django

    django.setup()
    for line in sys.stdin:
        told = json.loads(line)
        if isinstance(told, int):
            answer = os.waitstatus_to_exitcode(os.waitpid(told, 0)[1])
        elif (answer := os.fork()) == 0:
            status = 1
            try:
                submit_all(*told)
                status = 0
            finally:
                os._exit(status)
        print(answer, flush=True)  # noqa: T201  (the answer)


if __name__ == "__main__":
    main()
