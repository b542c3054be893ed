"""What a workspace says it pays, and what a request will cost by that. Nothing here knows a provider's prices: they change."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from django.db import IntegrityError, transaction

from lumaboard.accounts.access import Member
from lumaboard.audit.operations import record
from lumaboard.connections.models import Kind
from lumaboard.submission.models import Intent, Per, Price

_TOO_MUCH: Final = Decimal(10) ** 10
"""No estimate is so large: an intent's column holds less."""

_SECONDS: Final = re.compile(r"([1-9][0-9]{0,3})s")


@dataclass(frozen=True, slots=True, kw_only=True)
class Money:
    """An amount in whatever the workspace counts in."""

    amount: Decimal
    currency: str

    def __str__(self) -> str:
        plain = self.amount.normalize()
        digits = max(2, -int(plain.as_tuple().exponent))  # as many as it takes, and two at least
        return f"{plain:,.{digits}f} {self.currency}"

    def times(self, count: int) -> Money:
        return Money(amount=self.amount * count, currency=self.currency)


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What a price says; empty words mean every one."""

    kind: str
    model: str
    resolution: str
    per: str
    amount: Decimal
    currency: str


class PriceTaken(Exception):
    """There is a price for the same already."""


def prices_of(workspace_id: int) -> list[Price]:
    """All of a workspace's prices, in the order they are listed; one query."""
    return list(Price.objects.filter(workspace=workspace_id).order_by("kind", "model", "resolution", "id"))


def estimate_of(request: Mapping[str, Any], *, kind: str, prices: Iterable[Price]) -> Money | None:
    """What one generation will cost: by the price that names most of it, the model before all. None where none fits."""
    fitting = [price for price in prices if _fits(price, request, kind)]
    best = max(fitting, key=lambda price: (bool(price.model), bool(price.resolution), bool(price.kind)), default=None)
    if best is None:
        return None
    if best.per == Per.REQUEST:
        return Money(amount=best.amount, currency=best.currency)
    seconds = _SECONDS.fullmatch(str(request.get("duration") or ""))
    amount = best.amount * int(seconds[1]) if seconds else _TOO_MUCH
    return Money(amount=amount, currency=best.currency) if amount < _TOO_MUCH else None


def estimated(intents: Iterable[Intent]) -> Money | None:
    """What these were to cost together; None unless that is known of all, in one currency."""
    rows = list(intents)
    currencies = {row.estimate_currency for row in rows}
    amounts = [row.estimate for row in rows if row.estimate is not None]
    if len(currencies) != 1 or len(amounts) != len(rows):
        return None
    return Money(amount=sum(amounts, Decimal()), currency=currencies.pop())


def add_price(member: Member, terms: Terms) -> None:
    """Raises `PermissionDenied` and `PriceTaken`."""
    _save(member, Price(workspace=member.workspace), terms, "price.set")


def change_price(member: Member, price: Price, terms: Terms) -> None:
    """Raises `PermissionDenied` and `PriceTaken`."""
    _save(member, price, terms, "price.changed")


def remove_price(member: Member, price: Price) -> None:
    """Twice is once. Raises `PermissionDenied`."""
    member.require("manage_workspace")
    with transaction.atomic():
        if Price.objects.filter(pk=price.pk, workspace=member.workspace).delete()[0]:
            _note(member, price, "price.removed")


def _save(member: Member, price: Price, terms: Terms, verb: str) -> None:
    member.require("manage_workspace")
    for name in Terms.__dataclass_fields__:
        setattr(price, name, getattr(terms, name))
    try:
        with transaction.atomic():
            price.save()
            _note(member, price, verb)
    except IntegrityError as error:
        raise PriceTaken from error


def _note(member: Member, price: Price, verb: str) -> None:
    """Say which price it is, and what it says now."""
    words = (Kind(price.kind).label if price.kind else "", price.model, price.resolution)
    record(
        verb,
        workspace_id=member.workspace.pk,
        actor_id=member.user.pk,
        name=", ".join(str(word) for word in words if word) or "everything",
        price=f"{Money(amount=price.amount, currency=price.currency)} {price.get_per_display()}",
    )


def _fits(price: Price, request: Mapping[str, Any], kind: str) -> bool:
    return (
        price.kind in ("", kind)
        and price.model in ("", request.get("model"))
        and price.resolution in ("", request.get("resolution"))
    )
