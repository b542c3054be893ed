"""Try a key at an address, and say in words what came of it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from time import monotonic
from urllib.parse import urlsplit

from django.conf import settings
from django.utils.translation import gettext as _

from lumaboard.connections.addresses import not_allowed_text
from lumaboard.connections.clients import outbound_session
from lumaboard.connections.keys import KeyUnreadable, unseal
from lumaboard.connections.models import Connection
from lumaboard.outbound import AddressRefused, ConnectionFailed, ExchangeTimeout
from lumaboard.upstream.client import Client
from lumaboard.upstream.errors import (
    KeyRefused,
    NotAnApi,
    OutOfCredit,
    RateLimited,
    UpstreamError,
    UpstreamUnavailable,
)
from lumaboard.upstream.types import Balance


class Verdict(StrEnum):
    """What a check came to; each has its own next step."""

    FINE = "fine"
    WRONG_KEY = "wrong_key"
    OUT_OF_CREDIT = "out_of_credit"
    BUSY = "busy"
    WRONG_HOST = "wrong_host"
    NO_ANSWER = "no_answer"
    NOT_ALLOWED = "not_allowed"
    NOT_AN_API = "not_an_api"
    UNAVAILABLE = "unavailable"
    UNCLEAR = "unclear"
    KEY_UNREADABLE = "key_unreadable"


_KEY_IS_GOOD = frozenset({Verdict.FINE, Verdict.OUT_OF_CREDIT, Verdict.BUSY})


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """The result of one check: a fact, what helps, and upstream's own scrubbed words where it had any."""

    verdict: Verdict
    title: str
    advice: str
    said: str = ""
    error_kind: str = ""
    balance: Balance | None = None
    seconds: float = 0.0

    @property
    def is_fine(self) -> bool:
        return self.verdict is Verdict.FINE

    @property
    def is_usable(self) -> bool:
        """Whether the key and the address are right, even if nothing can be made with them at this moment."""
        return self.verdict in _KEY_IS_GOOD


def check_upstream(*, kind: str, base_url: str, key: str) -> Finding:
    """Ask this address with this key. Goes over the network for up to 40 s: never call it inside a transaction."""
    client = Client(outbound_session(), kind=kind, base_url=base_url, key=key)
    started = monotonic()
    try:
        balance = client.check()
    except UpstreamError as error:
        is_demo = base_url == settings.SIMULATOR_URL
        return _finding_for(error, host=urlsplit(base_url).netloc, seconds=monotonic() - started, is_demo=is_demo)
    return Finding(
        verdict=Verdict.FINE,
        title=_("The key works."),
        advice=_balance_text(balance),
        balance=balance,
        seconds=monotonic() - started,
    )


def check_connection(connection: Connection) -> Finding:
    """Ask with the stored key; otherwise as `check_upstream`."""
    try:
        key = unseal(connection)
    except KeyUnreadable:
        return Finding(
            verdict=Verdict.KEY_UNREADABLE,
            title=_("The stored key cannot be read."),
            advice=_("The encryption key of this installation is another one now. Enter the provider's key again."),
            error_kind="key_unreadable",
        )
    return check_upstream(kind=connection.kind, base_url=connection.base_url, key=key)


def _balance_text(balance: Balance | None) -> str:
    if balance is None:
        return ""
    return _("%(amount)s %(unit)s left.") % {"amount": f"{balance.amount:,.2f}", "unit": balance.unit}


def _finding_for(error: UpstreamError, *, host: str, seconds: float, is_demo: bool) -> Finding:
    verdict = _verdict_on(error)
    title, advice = _words_for(verdict, host)
    if is_demo and verdict is Verdict.WRONG_HOST:
        title, advice = _("The demo provider is not running."), _("Its operator starts it with: manage.py simulator")
    return Finding(verdict=verdict, title=title, advice=advice, said=str(error), error_kind=error.kind, seconds=seconds)


def _verdict_on(error: UpstreamError) -> Verdict:
    """Upstream's errors say what happened to an asking; what went wrong on the way there stands in the cause."""
    match error:
        case KeyRefused():
            return Verdict.WRONG_KEY
        case OutOfCredit():
            return Verdict.OUT_OF_CREDIT
        case RateLimited():
            return Verdict.BUSY
        case NotAnApi():
            return Verdict.NOT_ALLOWED if isinstance(error.__cause__, AddressRefused) else Verdict.NOT_AN_API
        case UpstreamUnavailable():
            match error.__cause__:
                case ConnectionFailed():
                    return Verdict.WRONG_HOST
                case ExchangeTimeout():
                    return Verdict.NO_ANSWER
            return Verdict.UNAVAILABLE
    return Verdict.UNCLEAR


def _words_for(verdict: Verdict, host: str) -> tuple[str, str]:
    """The fact, and the step that helps."""
    match verdict:
        case Verdict.WRONG_KEY:
            return _("The provider refuses this key."), _(
                "Copy the whole key again from the provider's page, or make a new one there, and enter it here."
            )
        case Verdict.OUT_OF_CREDIT:
            return _("The key is right, but its account has no credit left."), _(
                "Add credit on the provider's page; nothing has to be changed here."
            )
        case Verdict.BUSY:
            return _("The key is right, but the provider asks for fewer requests."), _("Try again in a few minutes.")
        case Verdict.WRONG_HOST:
            return _("No connection to %(host)s.") % {"host": host}, _(
                "Look for a typing mistake in the address. If it is right, nothing listens there, or this server has no network."
            )
        case Verdict.NO_ANSWER:
            return _("%(host)s does not answer.") % {"host": host}, _(
                "The provider may be down, or a firewall keeps this server from reaching it. Try again in a minute."
            )
        case Verdict.NOT_ALLOWED:
            return _("This address is not allowed."), _("Use an https address.") + " " + not_allowed_text(host)
        case Verdict.NOT_AN_API:
            return _("%(host)s answers, but not as this provider's API.") % {"host": host}, _(
                "Enter the address of the API, not of the web site: host and, where a relay needs one, the path in front."
            )
        case Verdict.UNAVAILABLE:
            return _("%(host)s reports a fault of its own.") % {"host": host}, _("Try again in a few minutes.")
    return _("%(host)s gave an answer that makes no sense.") % {"host": host}, _(
        "Check that provider and address belong together."
    )
