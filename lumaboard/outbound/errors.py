"""What can go wrong on the way out, in words that may be shown: no query string, password or key survives in a message."""

from __future__ import annotations

import re

_LONGEST_TEXT = 4_000
_USERINFO = re.compile(r"://[^\s/?#\"'<>]*@")
_QUERY = re.compile(r"(?<=[\w/.\]:-])\?[^\s\"'<>]*[=&%][^\s\"'<>]*|(://[^\s?#\"'<>]*)\?[^\s\"'<>]*")
_BEARER = re.compile(r"\b(bearer|basic)\s+[\w.~+/=-]{6,}", re.IGNORECASE)
_PROVIDER_KEY = re.compile(r"\bsk-[\w-]{6,}|\bluma-[\w-]{16,}|\blb_[\w-]{8,}")
_NAMED_SECRET = re.compile(
    r"\b(api[_-]?key|key|token|secret|password|signature)(=|\"\s*:\s*\")[^\s&\"'<>]+", re.IGNORECASE
)


def scrub(text: str) -> str:
    """Take query strings, userinfo and keys out of a text that is going to be logged, stored or shown."""
    text = text[:_LONGEST_TEXT]
    text = _USERINFO.sub("://", text)
    text = _QUERY.sub(lambda match: f"{match.group(1) or ''}?…", text)
    text = _BEARER.sub(lambda match: f"{match.group(1)} …", text)
    text = _PROVIDER_KEY.sub(lambda match: f"{re.split('[-_]', match.group(), maxsplit=1)[0]}-…", text)
    return _NAMED_SECRET.sub(lambda match: f"{match.group(1)}{match.group(2)}…", text)


class OutboundError(Exception):
    """An exchange with another machine did not come to its end.

    The message is scrubbed here, so that no raiser can forget it. `was_sent` is False only when the request certainly
    never left: what may not be repeated blindly may be repeated then.
    """

    was_sent = True

    def __init__(self, message: str, *, was_sent: bool | None = None) -> None:
        super().__init__(scrub(message))
        if was_sent is not None:
            self.was_sent = was_sent


class AddressRefused(OutboundError):
    """The address is one we do not connect to, or a name that leads to one."""

    was_sent = False


class NotSendable(OutboundError):
    """The request itself cannot be put on the wire: an address without a host, a line break in a header."""

    was_sent = False


class ConnectionFailed(OutboundError):
    """No connection was made: unknown name, nobody listening, a certificate that is not the host's."""

    was_sent = False


class ExchangeTimeout(OutboundError):
    """The other side was too slow: silent, below the least pace, or not done by the deadline."""


class AnswerTooLarge(OutboundError):
    """The answer, decoded, has more bytes than were asked for at most."""


class AnswerCut(OutboundError):
    """The connection ended, or turned into nonsense, before the answer was whole."""


class RedirectRefused(OutboundError):
    """Redirected too often, or to somewhere that is not an address."""
