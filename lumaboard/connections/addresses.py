"""Where each provider lives, and which addresses a person may enter instead."""

from __future__ import annotations

from ipaddress import ip_address
from urllib.parse import urlsplit

from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from lumaboard.connections.models import Kind
from lumaboard.outbound import AddressPolicy
from lumaboard.upstream.client import normalised_base_url
from lumaboard.upstream.errors import NotAnApi


def preset_address(kind: str) -> str:
    """Return the provider's own address."""
    return {
        Kind.COMETAPI: "https://api.cometapi.com",
        Kind.LUMA: "https://api.lumalabs.ai",
        Kind.SIMULATOR: settings.SIMULATOR_URL,
    }[Kind(kind)]


def clean_address(text: str) -> str:
    """Return the address as it is stored; raises `ValidationError` with what to change.

    Names are judged where the socket is opened, since only there it is known where they lead; here only what can be seen.
    """
    try:
        address = normalised_base_url(text if "://" in text else f"https://{text}")
    except NotAnApi as error:
        raise ValidationError(
            _("Enter an address such as https://api.example.com, without user name or password.")
        ) from error
    parts = urlsplit(address)
    policy = AddressPolicy(settings.ALLOW_NETWORKS)
    try:
        literal = ip_address(parts.hostname or "")
    except ValueError:
        return address
    if not policy.permits(literal):
        raise ValidationError(not_allowed_text(parts.hostname or ""))
    if parts.scheme == "http" and not policy.is_allowed_by_operator(literal):
        raise ValidationError(_("Use https: keys are sent in clear only inside networks the operator allowed."))
    return address


def not_allowed_text(host: str) -> str:
    """Say that an address is closed, and how the operator opens it."""
    return _(
        "%(host)s is not a public address, so nothing is sent there. The operator of this installation can allow its network "
        "with the setting LUMABOARD_ALLOW_NETWORKS (such as 10.1.0.0/16) and a restart."
    ) % {"host": host}
