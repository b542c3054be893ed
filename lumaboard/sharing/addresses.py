"""Where a link is: its secret token or its readable slug, always below our own public address as it is now."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from django.conf import settings
from django.db.models import Q
from django.urls import reverse

from lumaboard.accounts.tokens import hash_token, new_token
from lumaboard.core import sealing
from lumaboard.core.sealing import SealBroken
from lumaboard.sharing.models import LONGEST_SLUG, ShareLink

NOWHERE: Final = "-"
"""An address that no link ever has."""


def give_token(link: ShareLink) -> None:
    """Give a new link 256 bits of chance; the caller saves it."""
    token = new_token()
    link.token_hash = hash_token(token)
    link.token_box = sealing.seal(token, bound=_bound(link))


def address_of(link: ShareLink) -> str | None:
    """Return the last part of the link's address; None if the token was sealed with a key this installation has lost."""
    if link.slug:
        return link.slug
    try:
        return sealing.unseal(bytes(link.token_box), bound=_bound(link))
    except SealBroken:
        return None


def url_of(link: ShareLink) -> str | None:
    """Return the whole address to hand out, or None as `address_of` does."""
    address = address_of(link)
    return None if address is None else absolute("page", address)


def absolute(name: str, address: str, *args: object) -> str:
    """Return where a guest page is for the rest of the world; never built from the Host header of whoever asks."""
    return settings.PUBLIC_URL + reverse(f"sharing:{name}", args=[address, *args])


def find(address: str, *, now: datetime) -> ShareLink | None:
    """Return the live link at this address; one query, whether there is one or not. Tokens keep their case, slugs do not."""
    is_at = Q(token_hash=hash_token(address))
    if len(address) <= LONGEST_SLUG:
        is_at |= Q(slug=address.lower())
    links = ShareLink.objects.live(now).select_related("workspace", "workspace__share_policy", "workspace__logo")
    return links.filter(is_at, workspace__deleted_at=None).defer("workspace__logo__png").first()


def _bound(link: ShareLink) -> str:
    return f"lumaboard share link\n{link.workspace_id}"
