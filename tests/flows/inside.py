"""A Python that stays open inside an installation, so that seeding a row does not cost the start of a command.

The test's side is `Inside`; the other side is this module run as a program: it reads one call a line, runs that function
of `tests.flows.seeds` in the installation's own settings, and answers with one line.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from types import TracebackType
from typing import Any, Self

from tests.ops.installation import ROOT, Installation


class Inside:
    """Calls functions of `tests.flows.seeds` inside an installation; arguments and answers are JSON."""

    def __init__(self, installation: Installation) -> None:
        self._installation = installation

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.flows.inside"],
            cwd=ROOT,
            env=self._installation.env,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._process.communicate(timeout=15)

    def call(self, name: str, /, **arguments: Any) -> Any:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps([name, arguments]) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        assert line, f"the process inside the installation ended during {name}; its words are above"
        return json.loads(line)


def main() -> None:
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w", buffering=1)
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # what a library prints is no answer

    import django

    django.setup()

    from django.db import close_old_connections

    from tests.flows import seeds

    for line in sys.stdin:
        name, arguments = json.loads(line)
        close_old_connections()
        answers.write(json.dumps(getattr(seeds, name)(**arguments)) + "\n")


if __name__ == "__main__":
    main()
