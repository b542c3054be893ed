"""Bring one link's bytes into our storage: streamed, counted, hashed, and believed only once the file itself says it is whole."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from django.conf import settings
from django.template.defaultfilters import filesizeformat

from lumaboard.archive import room
from lumaboard.archive.errors import CopyFailed, FileTooLarge, LinkDead, NotMedia
from lumaboard.archive.storage import PartFile, StoredFile
from lumaboard.generations.models import AssetRole
from lumaboard.media.container import BrokenContainer, verify_container
from lumaboard.media.sniff import HEAD_BYTES, MediaType, sniff
from lumaboard.outbound.errors import AddressRefused, AnswerCut, AnswerTooLarge, OutboundError, RedirectRefused
from lumaboard.outbound.session import OutboundSession, Stream
from lumaboard.upstream.types import Link

STILLS: Final = (AssetRole.THUMBNAIL, AssetRole.LAST_FRAME)
_DEAD: Final = frozenset({400, 401, 403, 404, 410})  # object storage answers an expired link with 400 or 403
_BUSY: Final = frozenset({429, 503})
_LONGEST_WAIT_ASKED: Final = 900.0
_ROOM_CHECKED_EVERY: Final = 64 * 2**20

Progress = Callable[[int, int | None], None]
"""Told of the bytes so far and in all, with every chunk."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Brought:
    """A whole, checked file in our storage, and the link it came from."""

    file: StoredFile
    media_type: MediaType
    link: Link


def bring(
    link: Link, *, workspace_id: int, role: str, session: OutboundSession, seconds: float, progress: Progress
) -> Brought:
    """Copy what this link leads to into the storage. One attempt; raises a `CopyError` whose text says what went wrong,
    and `OSError` where our storage cannot be used.
    """
    try:
        with session.stream(link.url, max_bytes=most_bytes(), deadline=seconds) as stream:
            _check_status(stream)
            _check_room(workspace_id, stream.content_length or 0)
            with PartFile(workspace_id) as part:
                _receive(stream, part, progress)
                media_type = _check_whole(part, role, length_known=stream.content_length is not None)
                return Brought(file=part.keep(extension=media_type.extension), media_type=media_type, link=link)
    except OutboundError as error:
        raise _in_our_words(error) from error


def most_bytes() -> int:
    """How large one file may be; an operator may have taken the limit away."""
    return settings.MAX_MEDIA_BYTES if settings.MAX_MEDIA_BYTES is not None else sys.maxsize


def _check_status(stream: Stream) -> None:
    if stream.status == 200:
        return
    host = stream.url_host
    if stream.status in _DEAD:
        raise LinkDead(f"The link has ended: {host} answered {stream.status}.", is_final=stream.status != 404)
    if stream.status in _BUSY:
        raise CopyFailed(f"{host} is busy (answer {stream.status}).", retry_after=_wait_asked(stream))
    raise CopyFailed(f"{host} answered {stream.status} instead of the file.")


def _wait_asked(stream: Stream) -> float | None:
    seconds = stream.headers.get("Retry-After", "")
    return min(float(seconds), _LONGEST_WAIT_ASKED) if seconds.isascii() and seconds.isdigit() else None


def _check_room(workspace_id: int, wanted_bytes: int) -> None:
    room.check_quota(workspace_id, wanted_bytes)
    room.check_disk(wanted_bytes)


def _receive(stream: Stream, part: PartFile, progress: Progress) -> None:
    """Write the chunks. A stranger's first bytes already tell an error page, so it is not read to its end."""
    checked_at = 0
    for chunk in stream.chunks():
        if part.size == 0 and len(chunk) >= HEAD_BYTES:
            _media_type(chunk[:HEAD_BYTES])
        part.write(chunk)
        if part.size - checked_at >= _ROOM_CHECKED_EVERY:
            room.check_disk()
            checked_at = part.size
        progress(part.size, stream.content_length)
    if stream.content_length is not None and part.size != stream.content_length:
        raise _cut(part.size, stream.content_length)


def _check_whole(part: PartFile, role: str, *, length_known: bool) -> MediaType:
    part.flush()
    with part.path.open("rb") as file:
        media_type = _media_type(file.read(HEAD_BYTES))
    if role in STILLS and media_type.kind != "image":
        raise NotMedia("The link gave a video where a picture was expected.")
    try:
        verify_container(part.path, length_known=length_known)
    except BrokenContainer as error:
        raise CopyFailed("The file arrived cut or damaged: it does not reach its own end.") from error
    return media_type


def _media_type(head: bytes) -> MediaType:
    media_type = sniff(head)
    if media_type is None:
        raise NotMedia("The link gave something else than a video or picture, most likely an error page.")
    return media_type


def _cut(received: int, announced: int) -> CopyFailed:
    return CopyFailed(f"The transfer broke off after {filesizeformat(received)} of {filesizeformat(announced)}.")


def _in_our_words(error: OutboundError) -> CopyFailed:
    if isinstance(error, AnswerTooLarge):
        return FileTooLarge(f"The file is larger than the limit of {filesizeformat(most_bytes())}.")
    if isinstance(error, AddressRefused):
        return CopyFailed("The link leads to an address that may not be contacted from here.")
    if isinstance(error, RedirectRefused):
        return CopyFailed("The link redirects too often, or to something that is not an address.")
    if isinstance(error, AnswerCut):
        return CopyFailed("The transfer broke off before the file was whole.")
    return CopyFailed(str(error))
