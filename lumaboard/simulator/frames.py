"""Pictures that a film shall begin or end with: fetched as the provider does, but from this machine only."""

import http.client
from collections.abc import Iterator, Mapping
from ipaddress import ip_address
from typing import Any, Final
from urllib.parse import urlsplit

_SECONDS: Final = 10
_MOST_BYTES: Final = 32 * 1024 * 1024
_BEGINNINGS: Final = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"RIFF")


def unfetchable(asked: Mapping[str, Any]) -> str | None:
    """Say that a picture on this machine cannot be had; what lies elsewhere is taken at its word and never asked for."""
    for url in _urls(asked):
        if _is_here(url) and not _is_picture(url):
            return "Could not load the image of a keyframe"
    return None


def _urls(asked: Mapping[str, Any]) -> Iterator[str]:
    keyframes = asked.get("keyframes")
    for frame in keyframes.values() if isinstance(keyframes, dict) else ():
        if isinstance(frame, dict) and frame.get("type") == "image" and isinstance(frame.get("url"), str):
            yield frame["url"]


def _is_here(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme == "http" and ip_address(parts.hostname or "").is_loopback
    except ValueError:
        return False


def _is_picture(url: str) -> bool:
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port or 80, timeout=_SECONDS)
    try:
        connection.request("GET", f"{parts.path or '/'}{'?' if parts.query else ''}{parts.query}")
        answer = connection.getresponse()
        return answer.status == 200 and answer.read(_MOST_BYTES).startswith(_BEGINNINGS)
    except (OSError, http.client.HTTPException, ValueError):
        return False
    finally:
        connection.close()
