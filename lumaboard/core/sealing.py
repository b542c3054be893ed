"""Short secrets at rest: sealed with AES-GCM under the installation's encryption keys, and bound to where they belong."""

from __future__ import annotations

import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings

_NONCE_BYTES = 12


class SealBroken(Exception):
    """A box cannot be opened: the encryption key was lost or changed, or the row was copied or edited."""


def seal(secret: str, *, bound: str) -> bytes:
    """Encrypt with the newest encryption key; the box opens only with the same `bound` words."""
    nonce = os.urandom(_NONCE_BYTES)
    return nonce + AESGCM(settings.ENCRYPTION_KEYS[0]).encrypt(nonce, secret.encode(), bound.encode())


def unseal(box: bytes, *, bound: str) -> str:
    """Decrypt a box, trying every encryption key the installation knows; raises `SealBroken`."""
    for encryption_key in settings.ENCRYPTION_KEYS:
        try:
            return AESGCM(encryption_key).decrypt(box[:_NONCE_BYTES], box[_NONCE_BYTES:], bound.encode()).decode()
        except (InvalidTag, ValueError):
            continue
    raise SealBroken
