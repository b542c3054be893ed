"""Sign what is sent, by the Standard Webhooks convention (https://www.standardwebhooks.com): receivers have libraries for it."""

from __future__ import annotations

import base64
import hashlib
import hmac
from datetime import datetime

from lumaboard.news.hooks.sealed import PREFIX


def signed_headers(uid: str, body: bytes, *, secret: str, now: datetime) -> dict[str, str]:
    """Give the headers that name and time a message and, where there is a secret, show that it is ours."""
    timestamp = str(int(now.timestamp()))
    headers = {"webhook-id": uid, "webhook-timestamp": timestamp}
    if secret:
        key = base64.b64decode(secret.removeprefix(PREFIX))
        digest = hmac.new(key, f"{uid}.{timestamp}.".encode() + body, hashlib.sha256).digest()
        headers["webhook-signature"] = f"v1,{base64.b64encode(digest).decode()}"
    return headers
