"""Addresses and signing secrets of programs at rest: sealed, and readable only in the workspace and for what they belong to."""

from __future__ import annotations

import base64
import secrets
from typing import Final

from lumaboard.core import sealing
from lumaboard.news.hooks.models import Callback, CallbackSecret, Webhook

PREFIX: Final = "whsec_"
"""How secrets of the Standard Webhooks convention begin: libraries take the whole as it is."""


class Unreadable(Exception):
    """A box cannot be opened: the encryption key was lost or changed, or the row was copied or edited."""


def new_secret() -> str:
    return PREFIX + base64.b64encode(secrets.token_bytes(32)).decode()


def seal_url(url: str, *, workspace_id: int) -> bytes:
    return sealing.seal(url, bound=_bound("url", workspace_id))


def seal_secret(secret: str, *, workspace_id: int, host: str) -> bytes:
    """Seal a webhook's secret, for this host alone."""
    return sealing.seal(secret, bound=_bound(f"secret for {host}", workspace_id))


def seal_callback_secret(secret: str, *, workspace_id: int) -> bytes:
    return sealing.seal(secret, bound=_bound("callback secret", workspace_id))


def seal_token(token: str, *, workspace_id: int) -> bytes:
    return sealing.seal(token, bound=_bound("token", workspace_id))


def url_of(target: Webhook | Callback) -> str:
    """Read where a webhook or callback leads; raises `Unreadable`."""
    return _unsealed(target.url_box, _bound("url", target.workspace_id))


def secret_of(webhook: Webhook) -> str:
    """Read a webhook's signing secret, empty where it has none; raises `Unreadable`."""
    if not webhook.secret_box:
        return ""
    return _unsealed(webhook.secret_box, _bound(f"secret for {webhook.url_host}", webhook.workspace_id))


def callback_secret_of(row: CallbackSecret) -> str:
    return _unsealed(row.secret_box, _bound("callback secret", row.workspace_id))


def token_of(callback: Callback) -> str:
    return _unsealed(callback.token_box, _bound("token", callback.workspace_id))


def _bound(what: str, workspace_id: int) -> str:
    return f"lumaboard hook {what}\n{workspace_id}"


def _unsealed(box: bytes | memoryview[int], bound: str) -> str:
    try:
        return sealing.unseal(bytes(box), bound=bound)
    except sealing.SealBroken as error:
        raise Unreadable("This cannot be read with this installation’s encryption keys.") from error
