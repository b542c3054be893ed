"""Which media type a file is, by its first bytes. Names, extensions and upstream's Content-Type are never believed."""

from dataclasses import dataclass
from typing import Final, Literal

HEAD_BYTES: Final = 64
"""How much of a file's beginning `sniff` wants to see."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MediaType:
    """One of the five types we keep and serve. Whatever is not among them (HTML, SVG, XML above all) is not media."""

    kind: Literal["video", "image"]
    content_type: str
    extension: str


MP4: Final = MediaType(kind="video", content_type="video/mp4", extension="mp4")
WEBM: Final = MediaType(kind="video", content_type="video/webm", extension="webm")
JPEG: Final = MediaType(kind="image", content_type="image/jpeg", extension="jpg")
PNG: Final = MediaType(kind="image", content_type="image/png", extension="png")
WEBP: Final = MediaType(kind="image", content_type="image/webp", extension="webp")

MEDIA_TYPES: Final = (MP4, WEBM, JPEG, PNG, WEBP)

# The same box layout also carries HEIC, AVIF, audio and QuickTime; only brands that mean an MP4 video are let in.
_MP4_BRANDS: Final = frozenset(
    [b"isom", b"mp41", b"mp42", b"mp71", b"avc1", b"dash", b"cmfc", b"M4V ", b"M4VH", b"M4VP", b"MSNV"]
    + [b"iso%d" % version for version in range(2, 10)]
)


def sniff(head: bytes) -> MediaType | None:
    """The media type of a file that begins with `head` (give it `HEAD_BYTES`), or None if it is not media."""
    if head.startswith(b"\xff\xd8\xff"):
        return JPEG
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return PNG
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return WEBP
    if head[4:8] == b"ftyp" and head[8:12] in _MP4_BRANDS:
        return MP4
    # EBML with the document type spelled out (id 0x4282, one length byte): Matroska has the same magic and is refused.
    if head.startswith(b"\x1a\x45\xdf\xa3") and b"\x42\x82\x84webm" in head:
        return WEBM
    return None
