"""A process that walks until it is done or killed: `python -m tests.past.worker MINUTES`, by a clock so far ahead."""

from __future__ import annotations

import sys


def main() -> None:
    import django

    django.setup()
    from tests.past.conftest import walk_on

    walk_on(minutes=int(sys.argv[1]))


if __name__ == "__main__":
    main()
