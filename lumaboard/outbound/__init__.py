"""The only place that opens connections to other machines. Plain Python: it knows nothing of Django or of our tables."""

from lumaboard.outbound.errors import (
    AddressRefused,
    AnswerCut,
    AnswerTooLarge,
    ConnectionFailed,
    ExchangeTimeout,
    NotSendable,
    OutboundError,
    RedirectRefused,
    scrub,
)
from lumaboard.outbound.guard import AddressPolicy
from lumaboard.outbound.session import Answer, OutboundSession, Stream

__all__ = [
    "AddressPolicy",
    "AddressRefused",
    "Answer",
    "AnswerCut",
    "AnswerTooLarge",
    "ConnectionFailed",
    "ExchangeTimeout",
    "NotSendable",
    "OutboundError",
    "OutboundSession",
    "RedirectRefused",
    "Stream",
    "scrub",
]
