"""Which other sites may show the pages of a workspace's links in a frame."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Sequence
from typing import Final
from urllib.parse import urlsplit

from csp.constants import NONE
from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from lumaboard.accounts.models import Workspace

EVERYBODY: Final = ("*",)
"""May show in a frame what tells nothing: named one by one, even the sites would be told to people outside the door."""

_LABEL: Final = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_LONGEST_HOST: Final = 253
_USUAL_PORTS: Final = {"https": 443, "http": 80}


def clean_site(text: str) -> str:
    """Return the origin that somebody typed, in the one form it is kept and compared in: `https://*.example.com`.

    It goes into a header that browsers obey, so nothing passes but letters, digits, dots and hyphens, a port, and a star as the
    first label. A name without a scheme means https; plain http passes for this machine and for networks the operator allows
    only. Raises `ValidationError`.
    """
    typed = text.strip()
    if not typed.isprintable() or re.search(r"[\s;,'\"\\]", typed):
        raise ValidationError(_("A site is one address, such as https://example.com."))
    try:
        parts = urlsplit(typed if "://" in typed else f"https://{typed}")
        port = parts.port
    except ValueError as error:
        raise ValidationError(_("This address cannot be read.")) from error
    if parts.scheme not in _USUAL_PORTS:
        raise ValidationError(_("A site begins with https://."))
    if parts.path not in ("", "/") or "?" in typed or "#" in typed or "@" in parts.netloc or parts.netloc.endswith(":"):
        raise ValidationError(_("Name the site only, without a page of it: https://example.com."))
    host = _clean_host(parts.hostname or "")
    if parts.scheme == "http" and not _is_near(host):
        raise ValidationError(_("Only sites that begin with https:// can show films in a frame."))
    is_usual = port in (None, _USUAL_PORTS[parts.scheme])
    return f"{parts.scheme}://{host}" + ("" if is_usual else f":{port}")


def sites_of(workspace: Workspace) -> list[str]:
    """Return the sites that may show this workspace's films in a frame. What is no site, or is none any more, is left out."""
    policy = getattr(workspace, "share_policy", None)
    return [site for site in policy.embed_sites if _is_clean(site)] if policy else []


def frame_policy(sites: Sequence[str]) -> str:
    """Return the Content-Security-Policy of a page that these may show in a frame: no script and no form, our own files only."""
    own = (f"{source} 'self'" for source in ("style-src", "img-src", "media-src", "font-src"))
    closed = (f"{source} 'none'" for source in ("form-action", "base-uri", "object-src"))
    return "; ".join(["default-src 'none'", *own, *closed, f"frame-ancestors {' '.join(sites or (NONE,))}"])


def _is_clean(site: object) -> bool:
    try:
        return isinstance(site, str) and clean_site(site) == site
    except ValidationError:
        return False


def _clean_host(host: str) -> str:
    """Check a name or an IPv4 address; other alphabets are written as browsers write them. (The header has no form for IPv6.)"""
    name = host.removeprefix("*.")
    try:
        name = name.encode("idna").decode("ascii").lower()
    except UnicodeError as error:
        raise ValidationError(_("This is not the name of a site.")) from error
    labels = name.split(".")
    if len(name) > _LONGEST_HOST or not all(map(_LABEL.fullmatch, labels)):
        raise ValidationError(_("This is not the name of a site."))
    if _looks_like_number(labels[-1]) and _address(name) is None:
        raise ValidationError(_("This is not the name of a site."))
    if not host.startswith("*."):
        return name
    if len(labels) < 2 or _address(name) is not None:
        raise ValidationError(_("A star stands for the first part of a name: https://*.example.com."))
    return f"*.{name}"


def _looks_like_number(label: str) -> bool:
    """Whether browsers would take a name that ends so for an IPv4 address."""
    return label.isdigit() or re.fullmatch(r"0x[0-9a-f]*", label) is not None


def _address(name: str) -> ipaddress.IPv4Address | None:
    try:
        return ipaddress.IPv4Address(name)
    except ValueError:
        return None


def _is_near(host: str) -> bool:
    """Whether plain http towards this host stays on this machine or in a network that the operator allows."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    address = _address(host)
    return address is not None and (
        address.is_loopback or any(address in network for network in settings.ALLOW_NETWORKS)
    )
