"""Secrets that stand in links: only their hashes are stored."""

from __future__ import annotations

import secrets
from hashlib import sha256


def new_token() -> str:
    """Return 256 bits of chance, in letters that an address takes."""
    return secrets.token_urlsafe(32)


def hash_token(token: str) -> str:
    """A token has 256 bits of chance, so one round of a plain hash is enough."""
    return sha256(token.encode()).hexdigest()
