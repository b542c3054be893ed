"""JPEG, PNG and WebP, walked to their end."""

import zlib
from typing import Final

from lumaboard.media.container.reader import BLOCK, BrokenContainer, Reader

_MAX_SEGMENTS: Final = 100_000

_SOI, _EOI, _SOS, _TEM = 0xD8, 0xD9, 0xDA, 0x01
_RESTARTS: Final = range(0xD0, 0xD8)
# Every "start of frame": C0 to CF but for the tables DHT (C4), JPG (C8) and DAC (CC), which share the row.
_FRAMES: Final = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}


def walk_jpeg(reader: Reader) -> None:
    """Segment by segment, so that the end mark of a thumbnail in the metadata is not taken for the picture's own."""
    reader.skip(2)
    seen: set[int] = set()
    marker = _next_marker(reader)
    for _ in range(_MAX_SEGMENTS):
        if marker == _EOI:
            if not seen & _FRAMES or _SOS not in seen:
                raise BrokenContainer("the JPEG holds no picture")
            reader.require_end("bytes follow the JPEG's end mark")
            return
        if marker == _SOI:
            raise BrokenContainer("the JPEG begins twice")
        seen.add(marker)
        if marker not in _RESTARTS and marker != _TEM:
            length = int.from_bytes(reader.take(2), "big")
            if length < 2:
                raise BrokenContainer("the JPEG has a damaged segment")
            reader.skip(length - 2)
        marker = _marker_after_scan(reader) if marker == _SOS else _next_marker(reader)
    raise BrokenContainer("the JPEG has too many segments")


def _next_marker(reader: Reader) -> int:
    if reader.take(1) != b"\xff":
        raise BrokenContainer("the JPEG has a damaged segment")
    code = reader.take(1)[0]
    while code == 0xFF:  # any number of fill bytes may stand before the code
        code = reader.take(1)[0]
    return code


def _marker_after_scan(reader: Reader) -> int:
    """Skip the compressed picture: in it FF is followed by 00 (a plain FF), a restart, or the marker that ends it."""
    while block := reader.take_block():
        start = reader.position - len(block)
        at = block.find(b"\xff")
        while at != -1 and at + 1 < len(block):
            code = block[at + 1]
            if code not in (0x00, 0xFF) and code not in _RESTARTS:
                reader.jump(start + at + 2)
                return code
            at = block.find(b"\xff", at + (1 if code == 0xFF else 2))
        if at != -1 and reader.left:
            reader.jump(start + at)  # the block ended between FF and its code: read both again together
    raise BrokenContainer("the JPEG ends before its end mark")


def walk_png(reader: Reader) -> None:
    reader.skip(8)
    first, has_pixels = True, False
    while True:
        length, kind = reader.u32(), reader.take(4)
        if length > 0x7FFF_FFFF or not kind.isalpha():
            raise BrokenContainer("the PNG has a damaged chunk")
        if first != (kind == b"IHDR"):
            raise BrokenContainer("the PNG does not begin with its header")
        first = False
        _check_png_chunk(reader, kind, length)
        has_pixels = has_pixels or kind == b"IDAT"
        if kind == b"IEND":
            break
    if not has_pixels:
        raise BrokenContainer("the PNG holds no picture")
    reader.require_end("bytes follow the PNG's end mark")


def _check_png_chunk(reader: Reader, kind: bytes, length: int) -> None:
    checksum = zlib.crc32(kind)
    while length:
        data = reader.take(min(BLOCK, length))
        checksum = zlib.crc32(data, checksum)
        length -= len(data)
    if reader.u32() != checksum:
        raise BrokenContainer("the PNG has a chunk whose checksum is wrong")


def walk_webp(reader: Reader) -> None:
    reader.skip(4)
    end = 8 + int.from_bytes(reader.take(4), "little")
    if end > reader.size:
        raise BrokenContainer("the file ends early")
    reader.skip(4)
    has_picture = False
    while reader.position < end:
        kind, length = reader.take(4), int.from_bytes(reader.take(4), "little")
        has_picture = has_picture or kind in (b"VP8 ", b"VP8L", b"ANMF")
        if reader.position + length > end:
            raise BrokenContainer("the WebP has a damaged chunk")
        reader.jump(min(reader.position + length + length % 2, end))  # chunks are padded to even lengths
    if not has_picture:
        raise BrokenContainer("the WebP holds no picture")
    reader.require_end("bytes follow the WebP's end")
