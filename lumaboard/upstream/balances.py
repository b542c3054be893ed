"""What is left on the account, in the two answers that say so."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal, InvalidOperation

from lumaboard.outbound import Answer
from lumaboard.upstream.errors import NotUnderstood
from lumaboard.upstream.fields import mapping, text
from lumaboard.upstream.parse import read_answer
from lumaboard.upstream.types import Balance

_MOST = Decimal(10) ** 12


def parse_balance(answer: Answer, *, now: datetime) -> Balance:
    """Read Luma's credits (US cents) or CometAPI's account (US dollars) as US dollars. Raises UpstreamError.

    CometAPI's `total_quota` is, in spite of its name, what is left now.
    """
    document = mapping(read_answer(answer, now=now).value)
    if (cents := _amount(document.get("credit_balance"))) is not None:
        return Balance(amount=cents / 100, unit="USD", label="")
    if (dollars := _amount(document.get("total_quota"))) is not None:
        return Balance(amount=dollars, unit="USD", label=text(document.get("username"), longest=100) or "")
    raise NotUnderstood("The answer does not say what is left on the account.")


def _amount(value: object) -> Decimal | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        amount = Decimal(str(value))
    except InvalidOperation:
        return None
    return amount if amount.is_finite() and abs(amount) < _MOST else None
