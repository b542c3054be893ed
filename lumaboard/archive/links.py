"""The links of an asset: where its bytes can be had, the preferred one first, and until when."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any, Final
from urllib.parse import urlsplit

from lumaboard.generations.models import Asset
from lumaboard.upstream.types import Link

_LONGEST_SOURCE: Final = 200


def links_of(asset: Asset) -> list[Link]:
    """Read an asset's links, the preferred one first."""
    return [Link(url=item["url"], expires_at=_moment(item.get("expires_at"))) for item in asset.links]


def as_stored(links: Iterable[Link]) -> list[dict[str, Any]]:
    """Write links the way `Asset.links` keeps them."""
    return [{"url": link.url, "expires_at": link.expires_at.isoformat() if link.expires_at else None} for link in links]


def has_ended(link: Link, now: datetime) -> bool:
    return link.expires_at is not None and link.expires_at <= now


def source_of(link: Link) -> str:
    """Host and path: enough to say where a file came from, and nothing that opens it again."""
    parts = urlsplit(link.url)
    return f"{parts.hostname or ''}{parts.path}"[:_LONGEST_SOURCE]


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
