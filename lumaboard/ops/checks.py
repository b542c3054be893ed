"""What works on nobody's machine, found before the start: combinations of settings, and addresses nobody decided about."""

from __future__ import annotations

import ipaddress
import stat
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any
from urllib.parse import urlsplit

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning, register
from django.urls import URLPattern, URLResolver, get_resolver

from lumaboard.ops.routes import ROUTES


def is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


@register()
def the_address_can_be_opened(app_configs: Sequence[AppConfig] | None, **_: Any) -> list[CheckMessage]:
    """A server that listens everywhere has to know by which name it is opened, or every page and form is refused."""
    host, port = settings.BIND
    if urlsplit(settings.PUBLIC_URL).hostname not in {"0.0.0.0", "::"}:  # noqa: S104  (compared, not listened on)
        return []
    words = (
        f"LUMABOARD_BIND is {host}:{port}, which is no address that can be opened, and LUMABOARD_PUBLIC_URL is not set."
    )
    hint = "Set LUMABOARD_PUBLIC_URL to the address people open, such as https://board.example.org."
    return [Error(words, hint=hint, id="lumaboard.E001")]


@register(deploy=True)
def the_proxy_is_trusted(app_configs: Sequence[AppConfig] | None, **_: Any) -> list[CheckMessage]:
    """TLS ends in a proxy; unless its headers count, all people share one address and one sign-in limit."""
    if not settings.IS_HTTPS or settings.TRUSTED_PROXIES:
        return []
    hint = "Set it to the proxy's address as Lumaboard sees it, such as 127.0.0.1/32."
    words = "LUMABOARD_PUBLIC_URL begins with https, but LUMABOARD_TRUSTED_PROXIES is not set."
    return [Warning(words, hint=hint, id="lumaboard.W001")]


@register()
def debug_stays_at_home(app_configs: Sequence[AppConfig] | None, **_: Any) -> list[CheckMessage]:
    """Error pages of the debug mode show settings and rows to whoever causes an error."""
    if not settings.DEBUG or (is_loopback(settings.BIND[0]) and not settings.IS_HTTPS):
        return []
    words = "LUMABOARD_DEBUG is on although other people can reach this server."
    return [Error(words, hint="Take LUMABOARD_DEBUG out.", id="lumaboard.E002")]


@register()
def secrets_are_private(app_configs: Sequence[AppConfig] | None, **_: Any) -> list[CheckMessage]:
    """Generated secrets are readable by the account that runs Lumaboard, and by nobody else."""
    found: list[CheckMessage] = []
    for name in ("secret_key", "encryption_keys"):
        path = settings.DATA_DIR / name
        if path.exists() and stat.S_IMODE(path.stat().st_mode) & 0o077:
            words = f"{path} can be read by other accounts of this machine."
            found.append(Error(words, hint=f"chmod 600 {path}", id="lumaboard.E003"))
    return found


@register()
def every_address_is_registered(app_configs: Sequence[AppConfig] | None, **_: Any) -> list[CheckMessage]:
    """An address that nobody gave an access class could be open to everybody; one table lists them all, and nothing else."""
    addresses = list(addresses_below(get_resolver()))
    table = "ROUTES in lumaboard/ops/routes.py"
    found: list[CheckMessage] = [
        Error(f"The address {address} has no name.", hint="Give its path() a name.", id="lumaboard.E010")
        for name, address in addresses
        if not name
    ]
    names = Counter(name for name, _address in addresses if name)
    for name in sorted(names.keys() - ROUTES.keys()):
        hint = "Add a line that says who may ask for it."
        found.append(Error(f"The address {name} is not in {table}.", hint=hint, id="lumaboard.E011"))
    for name in sorted(ROUTES.keys() - names.keys()):
        words = f"There is no address {name}, which is in {table}."
        found.append(Error(words, hint="Take the line out.", id="lumaboard.E012"))
    for name, count in sorted(names.items()):
        if count > 1:
            hint = "Give each a name of its own: one line of the table cannot speak for both."
            found.append(Error(f"{count} addresses are named {name}.", hint=hint, id="lumaboard.E013"))
    return found


def addresses_below(resolver: URLResolver, space: str = "", prefix: str = "") -> Iterator[tuple[str, str]]:
    """Every address that Django answers, as its full name (empty where it has none) and its pattern."""
    for entry in resolver.url_patterns:
        address = f"{prefix}{entry.pattern}"
        if isinstance(entry, URLPattern):
            yield (f"{space}{entry.name}" if entry.name else "", address)
        else:
            inside = f"{space}{entry.namespace}:" if entry.namespace else space
            yield from addresses_below(entry, inside, address)
