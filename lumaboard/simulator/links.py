"""Links to media, signed and dated the way S3 does it: `X-Amz-Date` plus `X-Amz-Expires` says when a link dies."""

import hashlib
import hmac
import os
import secrets
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Final
from urllib.parse import quote, urlencode

_DATE: Final = "%Y%m%dT%H%M%SZ"
_DEAD: Final = "X-Sim-Dead"


def load_secret(path: Path) -> bytes:
    """Read the signing secret of a data directory; the first call makes it, whole or not at all."""
    if not path.exists():
        unfinished = path.with_name(f"{path.name}.{os.getpid()}.part")
        unfinished.write_text(secrets.token_hex(32))
        unfinished.chmod(0o600)
        unfinished.replace(path)
    return path.read_bytes()


class LinkSigner:
    """Signs paths, and says what is wrong with a link that was asked for."""

    def __init__(self, secret: bytes, lifetime: int) -> None:
        self._secret = secret
        self._lifetime = lifetime

    def sign(self, path: str, *, now: float, is_dead: bool = False) -> str:
        """Return the path, quoted, with a signed query; a dead link is refused from the start."""
        query = {
            "X-Amz-Algorithm": "AWS4-HMAC-SHA256",
            "X-Amz-Credential": "SIMULATOR/auto/s3/aws4_request",
            "X-Amz-Date": datetime.fromtimestamp(now, UTC).strftime(_DATE),
            "X-Amz-Expires": str(self._lifetime),
            "X-Amz-SignedHeaders": "host",
        }
        if is_dead:
            query[_DEAD] = "1"
        query["X-Amz-Signature"] = self._signature(path, query)
        return f"{quote(path)}?{urlencode(query)}"

    def refusal(self, path: str, query: Mapping[str, str], *, now: float) -> str | None:
        """Return why a link is refused, in the storage's words; None when it is good."""
        signature = query.get("X-Amz-Signature", "")
        if not signature:
            return "Access Denied"
        if not hmac.compare_digest(signature.encode(), self._signature(path, query).encode()):
            return "The request signature we calculated does not match the signature you provided."
        signed_at = datetime.strptime(query["X-Amz-Date"], _DATE).replace(tzinfo=UTC).timestamp()
        if _DEAD in query or now >= signed_at + int(query["X-Amz-Expires"]):
            return "Request has expired"
        return None

    def _signature(self, path: str, query: Mapping[str, str]) -> str:
        signed = "\n".join([path, *(query.get(name, "") for name in ("X-Amz-Date", "X-Amz-Expires", _DEAD))])
        return hmac.new(self._secret, signed.encode(), hashlib.sha256).hexdigest()
