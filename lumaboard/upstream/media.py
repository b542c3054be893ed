"""Which files a document offers, each with its addresses in the order one should try them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from lumaboard.upstream import links
from lumaboard.upstream.fields import mapping, pixels, seconds
from lumaboard.upstream.types import Link, MediaKind, RemoteFile, Role


def result_urls_of(files: Iterable[RemoteFile], *, now: datetime) -> tuple[str, ...]:
    """Give the deliverable's addresses, best first: the clean file, then the watermarked one; expired ones last."""
    wanted = [link for role in ("raw", "watermarked") for file in files if file.role == role for link in file.links]
    return tuple(link.url for link in links.in_order(wanted, now=now))


def files_of(document: dict[str, Any], *, now: datetime, extra_urls: Iterable[object] = ()) -> tuple[RemoteFile, ...]:
    """Collect the files of a finished generation from every place where one of the shapes keeps them.

    `extra_urls` are results that stood outside the provider's own object, in a relay's envelope.
    """
    if _is_image(document):
        image = [mapping(document.get("assets")).get("image"), *_output_urls(document, "image"), *extra_urls]
        return _files(now, _Offer("raw", "image", image, ()))
    artifact, assets = mapping(document.get("artifact")), mapping(document.get("assets"))
    raw, video = mapping(document.get("video_raw")), mapping(document.get("video"))
    old_raw, old_video = mapping(artifact.get("video_raw")), mapping(artifact.get("video"))
    last, old_last = mapping(document.get("last_frame")), mapping(artifact.get("last_frame"))
    thumbnail, old_thumbnail = mapping(document.get("thumbnail")), mapping(artifact.get("thumbnail"))

    clean = [raw.get("url"), old_raw.get("url"), video.get("download_url"), old_video.get("download_url")]
    clean += [assets.get("video"), *_output_urls(document, "video"), *extra_urls]
    known = {url for url in map(_address, clean) if url}
    shown = [url for url in map(links.web_url, (video.get("url"), old_video.get("url"))) if url and url not in known]
    # A lone, unmarked `video.url` may be the clean file: calling it watermarked could show outsiders what is for sale.
    marked = [url for url in shown if known or _is_marked(url)]
    clean += [url for url in shown if url not in marked]

    stills = [thumbnail.get("url"), old_thumbnail.get("url"), video.get("thumbnail"), assets.get("image")]
    return _files(
        now,
        _Offer("raw", "video", clean, (raw, old_raw, video, old_video)),
        _Offer("watermarked", "video", marked, (video, old_video)),
        _Offer("thumbnail", "image", stills, (thumbnail, old_thumbnail)),
        _Offer("last_frame", "image", [last.get("url"), old_last.get("url")], (last, old_last)),
    )


class _Offer:
    """Candidates for one role, and the objects that may say how large the file is."""

    def __init__(self, role: Role, kind: MediaKind, urls: list[Any], sources: tuple[dict[str, Any], ...]) -> None:
        self.role = role
        self.kind = kind
        self.urls = urls
        self.sources = sources

    def file(self, now: datetime) -> RemoteFile | None:
        found = links.in_order((one for one in map(_link, self.urls) if one is not None), now=now)
        if not found:
            return None
        return RemoteFile(
            role=self.role,
            links=found,
            media_kind=self.kind,
            width=next(filter(None, (pixels(source.get("width")) for source in self.sources)), None),
            height=next(filter(None, (pixels(source.get("height")) for source in self.sources)), None),
            duration_s=next(filter(None, (seconds(source.get("duration")) for source in self.sources)), None),
        )


def _files(now: datetime, *offers: _Offer) -> tuple[RemoteFile, ...]:
    return tuple(file for offer in offers if (file := offer.file(now)) is not None)


def _address(candidate: object) -> str | None:
    """Accept a bare address, or an object with `url` in it."""
    return links.web_url(candidate["url"] if isinstance(candidate, dict) and "url" in candidate else candidate)


def _link(candidate: object) -> Link | None:
    url = _address(candidate)
    return links.link(url, expires_at=mapping(candidate).get("expires_at")) if url else None


def _output_urls(document: dict[str, Any], kind: MediaKind) -> list[dict[str, Any]]:
    output = document.get("output")
    return [one for one in output if mapping(one).get("type") == kind] if isinstance(output, list) else []


def _is_marked(url: str) -> bool:
    return "watermark" in urlsplit(url).path.lower()


def _is_image(document: dict[str, Any]) -> bool:
    """Say whether the deliverable is a picture; the official shape gives a video's still in the very same field."""
    request = mapping(document.get("request"))
    kinds = (document.get("generation_type"), document.get("type"), request.get("generation_type"))
    said = next((kind for kind in kinds if isinstance(kind, str)), "")
    return said.endswith("image") or (not said and str(document.get("model") or "").startswith("photon"))
