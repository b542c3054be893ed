"""Check what has to hold at every moment."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.utils import timezone

from lumaboard.ops.agreement import disagreements
from lumaboard.ops.invariants import INVARIANTS

_SHOWN = 20


class Command(BaseCommand):
    help = "Check every invariant and print one line for each; exits with 1 if one is broken. Repairs nothing."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--skip",
            nargs="+",
            type=int,
            default=[],
            metavar="N",
            help="leave these out, such as 15 while it is stopped",
        )
        parser.add_argument(
            "--ask-upstream",
            action="store_true",
            help="also check 2, that settled states are upstream's: one request for each settled generation",
        )

    def handle(self, *, skip: list[int], ask_upstream: bool, **options: Any) -> None:
        broken = 0
        if ask_upstream:
            broken += self._report(2, "settled states are upstream's", disagreements())
        for invariant in INVARIANTS:
            if invariant.number not in skip:
                broken += self._report(invariant.number, invariant.promise, invariant.check(timezone.now()))
        self.stdout.write(f"{broken} broken")
        if broken:
            raise SystemExit(1)

    def _report(self, number: int, promise: str, troubles: Iterable[str]) -> bool:
        """Print the line of one invariant and the first of its troubles, and say whether there were any."""
        shown = list(islice(troubles, _SHOWN + 1))
        self.stdout.write(f"{number:>2} {'BROKEN' if shown else 'holds '} {promise}")
        for trouble in shown[:_SHOWN]:
            self.stdout.write(f"          {trouble}")
        if len(shown) > _SHOWN:
            self.stdout.write("          … and more")
        return bool(shown)
