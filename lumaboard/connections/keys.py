"""Upstream keys at rest: readable only in the workspace and for the host they were saved with."""

from __future__ import annotations

from lumaboard.connections.models import Connection
from lumaboard.core import sealing


class KeyUnreadable(Exception):
    """The stored key cannot be decrypted: the encryption key was lost or changed, or the row was copied or edited."""


def seal(key: str, *, workspace_id: int, base_url: str) -> bytes:
    """Encrypt an upstream key, binding in the workspace and the address it may be sent to."""
    return sealing.seal(key, bound=_bound(workspace_id, base_url))


def unseal(connection: Connection) -> str:
    """Decrypt a connection's key; raises `KeyUnreadable`."""
    try:
        return sealing.unseal(bytes(connection.key_box), bound=_bound(connection.workspace_id, connection.base_url))
    except sealing.SealBroken as error:
        raise KeyUnreadable(
            f"The key of connection {connection.pk} cannot be read with this installation's encryption keys."
        ) from error


def _bound(workspace_id: int, base_url: str) -> str:
    return f"lumaboard upstream key\n{workspace_id}\n{base_url}"
