"""Can a provider fetch something from us? Answered from addresses alone, without asking anybody."""

from __future__ import annotations

from ipaddress import ip_address
from typing import Final
from urllib.parse import urlsplit

from django.conf import settings

from lumaboard.connections.models import Connection
from lumaboard.outbound.guard import AddressPolicy

_AT_HOME: Final = (".local", ".localhost", ".internal", ".lan", ".home", ".home.arpa", ".test", ".invalid")


def reaches_us(connection: Connection) -> bool:
    """Whether this provider can open an address of ours: a public one over https, or both are on this very machine."""
    ours, theirs = urlsplit(settings.PUBLIC_URL), urlsplit(connection.base_url)
    if is_loopback(ours.hostname or ""):
        return is_loopback(theirs.hostname or "")
    return ours.scheme == "https" and is_public(ours.hostname or "")


def is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def is_public(host: str) -> bool:
    """Whether a host is one that the whole network could know; names are taken at their word."""
    try:
        return AddressPolicy().permits(ip_address(host))
    except ValueError:
        return "." in host and not host.endswith(_AT_HOME)
