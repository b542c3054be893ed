"""Why upstream gave no snapshot: one class for each thing one can do about it.

`kind` is the machine's word. `retryable` says that asking again later, unchanged, may help by itself. Messages are for
people: scrubbed of secrets, with at most 300 characters of the provider's own short error text.
"""

from __future__ import annotations

from typing import ClassVar

from lumaboard.outbound import scrub

MOST_QUOTED = 300


class UpstreamError(Exception):
    """Upstream gave no answer that says anything new about a generation: its state stays what it was."""

    kind: str = "error"
    retryable: ClassVar[bool] = True
    was_sent: bool = True
    """False only where the request certainly never left: what may not be repeated blindly may be repeated then."""

    def __init__(self, message: str, *, quote: str = "") -> None:
        """Say what happened in our words; `quote` is the provider's own error text and may be anything."""
        quoted = " ".join(scrub(quote).split())[:MOST_QUOTED]
        super().__init__(f"{scrub(message)} It said: “{quoted}”" if quoted else scrub(message))


class UpstreamUnavailable(UpstreamError):
    """A timeout, a refused connection or a 5xx: ask again later."""

    kind = "transient_error"


class RateLimited(UpstreamError):
    """Too many requests with this key. `retry_after` is upstream's wish in seconds, clamped to 1 s to 15 min, if it had one."""

    kind = "rate_limited"

    def __init__(self, message: str, *, quote: str = "", retry_after: float | None = None) -> None:
        super().__init__(message, quote=quote)
        self.retry_after = retry_after


class KeyRefused(UpstreamError):
    """The key is missing, wrong, blocked or not allowed this."""

    kind = "auth_error"
    retryable = False


class OutOfCredit(UpstreamError):
    """The account or the key has nothing left. Asking goes on: somebody may pay."""

    kind = "balance_error"


class GenerationNotFound(UpstreamError):
    """Upstream does not know the id. Relays say so too of an id that is seconds old: then `may_be_too_young` is set."""

    kind = "missing"

    def __init__(self, message: str, *, quote: str = "", may_be_too_young: bool = False) -> None:
        super().__init__(message, quote=quote)
        self.may_be_too_young = may_be_too_young
        if may_be_too_young:
            self.kind = "missing_or_too_young"


class NotAnApi(UpstreamError):
    """A web page, a redirect or a refused address: the base URL leads to the wrong place.

    Retryable all the same: a host under maintenance shows a page too, so it counts against the host like an outage.
    """

    kind = "configuration_error"


class NotUnderstood(UpstreamError):
    """An answer that makes no sense to us: cut, no JSON, about another id, or an error that names no cause."""


class RequestRefused(UpstreamError):
    """Upstream read the request and will not do it, now or later."""

    kind = "permanent_error"
    retryable = False

    def __init__(self, message: str, *, quote: str = "", is_moderation: bool = False) -> None:
        super().__init__(message, quote=quote)
        self.is_moderation = is_moderation
        if is_moderation:
            self.kind = "moderation_error"


class LinkExpired(UpstreamError):
    """A signed link has died; ask for the generation again to get a new one."""

    kind = "link_expired"
    retryable = False
