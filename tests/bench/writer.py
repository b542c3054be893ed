"""A process that writes small transactions, as a page does when somebody renames something: see `tests.bench.writers`."""

from __future__ import annotations

import json
import sys
import threading

from tests.bench.timing import seconds

_PAUSE = 0.01


def main() -> None:
    import django

    django.setup()
    from django.db import transaction
    from django.db.models import F

    from lumaboard.accounts.models import Workspace

    def write() -> None:
        with transaction.atomic():
            Workspace.objects.filter(pk__lt=10).update(stored_bytes=F("stored_bytes") + 1)

    told_to_end = threading.Event()

    def listen() -> None:
        sys.stdin.read()
        told_to_end.set()

    write()
    threading.Thread(target=listen, daemon=True).start()
    sys.stdout.write("writing\n")
    sys.stdout.flush()
    waits = [seconds(write)]
    while not told_to_end.wait(_PAUSE):
        waits.append(seconds(write))
    sys.stdout.write(json.dumps(waits))


if __name__ == "__main__":
    main()
