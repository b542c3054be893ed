"""Print what every address answers to everybody, and mark where that is not what the table of routes says.

`python -m tests.access [--only WORD …]` asks in a database of its own, and ends with 1 where a cell differs.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections import defaultdict
from collections.abc import Iterable, Sequence

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
django.setup()

from django.db import connection as database  # noqa: E402  (what follows needs the settings)
from django.db import transaction  # noqa: E402
from django.test.utils import setup_test_environment  # noqa: E402

from tests.access.addresses import ADDRESSES, Address  # noqa: E402
from tests.access.people import ACTORS, PROGRAMS  # noqa: E402
from tests.access.walk import LET_IN, SIGN_IN, Cell, asks, walk  # noqa: E402
from tests.access.world import make_world  # noqa: E402

SIGNS = {LET_IN: "yes", SIGN_IN: "→"}
LEGEND = """
yes: let in · →: sent to sign in · a number: refused · !: not what the table of routes says
Methods that an address does not have were asked for as well; they have a line only where an answer to one is wrong.
"""


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.access", description=__doc__)
    parser.add_argument("--only", nargs="+", default=[""], metavar="WORD", help="addresses which names hold this")
    words = parser.parse_args().only
    cells = cells_of([address for address in ADDRESSES if any(word in address.name for word in words)])
    wrong = [cell for cell in cells if not cell.is_right]
    lines = [*table(cells), LEGEND, f"{len(cells)} cells, {len(wrong)} wrong.", *(f"! {cell}" for cell in wrong)]
    sys.stdout.write("\n".join(lines) + "\n")
    return 1 if wrong else 0


def cells_of(addresses: Sequence[Address]) -> list[Cell]:
    """Walk these addresses in a database that is made for it and dropped again."""
    setup_test_environment()
    name = database.settings_dict["NAME"]
    database.creation.create_test_db(verbosity=0, autoclobber=True)
    try:
        with transaction.atomic():
            return walk(make_world(), asks(addresses))
    finally:
        database.creation.destroy_test_db(name, verbosity=0)


def table(cells: Iterable[Cell]) -> list[str]:
    """A line for each address, method and kind of thing, a column for each person; equal lines of one address are one."""
    signs: dict[tuple[str, str, str], dict[str, dict[str, str]]] = defaultdict(lambda: defaultdict(dict))
    for cell in cells:
        ask = cell.ask
        if ask.method in ask.access.methods or not cell.is_right:
            mark = "" if cell.is_right else "!"
            signs[ask.method, ask.address.name, ask.which][ask.last][ask.actor.name] = (
                f"{mark}{SIGNS.get(cell.answer, cell.answer)}"
            )
    rows: dict[tuple[str, ...], list[str]] = {}
    for (method, name, which), by_last in signs.items():
        alike: dict[tuple[str, ...], list[str]] = defaultdict(list)
        for last, by_actor in by_last.items():
            alike[tuple(by_actor.get(actor.name, "·") for actor in (*ACTORS, *PROGRAMS))].append(last)
        for answers, lasts in alike.items():
            others = [last for last in by_last if last not in lasts]
            said = "" if not others else " ".join(lasts) if len(lasts) <= len(others) else f"not {' '.join(others)}"
            things = "; ".join(filter(None, (said, which)))
            rows[method, f"{name} ({things})" if things else name] = list(answers)
    return [
        line_of(("", ""), [actor.name for actor in (*ACTORS, *PROGRAMS)]),
        *(line_of(head, row) for head, row in rows.items()),
    ]


def line_of(head: tuple[str, ...], cells: Sequence[str]) -> str:
    method, label = head
    columns = "".join(f"{cell:>{len(actor.name) + 2}}" for cell, actor in zip(cells, (*ACTORS, *PROGRAMS), strict=True))
    return f"{method:<5}{label:<60}{columns}"


if __name__ == "__main__":
    sys.exit(main())
