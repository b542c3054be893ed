"""What the chosen takes will cost and how long they usually take, beside the form."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from lumaboard.accounts.access import Member
from lumaboard.connections.models import Connection
from lumaboard.core.http import whole_number
from lumaboard.generations.counters import Wait
from lumaboard.submission.pricing import Money, estimate_of, prices_of
from lumaboard.submission.wishes import MOST_TAKES

PRICED_BY = ("connection", "model", "resolution", "duration", "count")
"""The fields that say what it costs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bill:
    count: int
    each: Money | None
    usual: Wait | None
    has_prices: bool
    may_set_prices: bool

    @property
    def total(self) -> Money | None:
        return self.each.times(self.count) if self.each is not None else None


def bill_for(member: Member, ways: Sequence[Connection], chosen: Mapping[str, str]) -> Bill:
    """Put the bill together from what the form's fields hold at this moment, whatever that is. Two queries."""
    count = whole_number(chosen.get("count", "")) or 1
    way = way_among(ways, chosen.get("connection", ""))
    prices = prices_of(member.workspace.pk)
    kind = way.kind if way is not None else ""
    return Bill(
        count=min(count, MOST_TAKES),
        each=estimate_of(chosen, kind=kind, prices=prices),
        usual=Wait.objects.filter(workspace=member.workspace, connection_kind=kind).first(),
        has_prices=bool(prices),
        may_set_prices=member.may("manage_workspace"),
    )


def way_among(ways: Sequence[Connection], pk: str) -> Connection | None:
    """The connection that is chosen, else the first that is offered."""
    return next((one for one in ways if str(one.pk) == pk), ways[0] if ways else None)
