"""WebM: EBML elements down to the clusters, and to the end of the segment."""

from typing import Final

from lumaboard.media.container.reader import BrokenContainer, Reader

_EBML: Final = 0x1A45DFA3
_SEGMENT: Final = 0x18538067
_CLUSTER: Final = 0x1F43B675
_TRACKS: Final = 0x1654AE6B
_VOID, _CRC = 0xEC, 0xBF
# What may stand directly inside a segment: meeting one of these ends a cluster that did not say its size.
_TOP_LEVEL: Final = frozenset(
    [_CLUSTER, _TRACKS, 0x114D9B74, 0x1549A966, 0x1C53BB6B, 0x1941A469, 0x1043A770, 0x1254C367]
)


def walk(reader: Reader) -> None:
    """A segment that says its size fills the file exactly; one that does not (a live recording) needs `length_known`."""
    kind, length = _element(reader)
    if kind != _EBML or length is None:
        raise BrokenContainer("the WebM has no header")
    reader.skip(length)
    kind, length = _element(reader)
    if kind != _SEGMENT:
        raise BrokenContainer("the WebM has no segment")
    if length is None and not reader.length_known:
        raise BrokenContainer("the WebM does not say where it ends")
    end = reader.size if length is None else reader.position + length
    if end > reader.size:
        raise BrokenContainer("the file ends early")
    seen = _walk_segment(reader, end)
    if not {_TRACKS, _CLUSTER} <= seen:
        raise BrokenContainer("the WebM holds no video")
    reader.require_end("bytes follow the WebM's end")


def _walk_segment(reader: Reader, end: int) -> set[int]:
    """Every element up to `end`; those of a cluster of unknown size are walked as if they stood in the segment."""
    seen: set[int] = set()
    in_open_cluster = False
    while reader.position < end:
        kind, length = _element(reader)
        if kind in _TOP_LEVEL:
            in_open_cluster = False
        elif not in_open_cluster and kind not in (_VOID, _CRC):
            raise BrokenContainer("the WebM has a damaged element")
        seen.add(kind)
        if length is None:
            if kind != _CLUSTER:
                raise BrokenContainer("the WebM has a damaged element")
            in_open_cluster = True
        elif reader.position + length > end:
            raise BrokenContainer("the file ends early")
        else:
            reader.skip(length)
    return seen


def _element(reader: Reader) -> tuple[int, int | None]:
    """An element's id (its length marker kept, as the specification prints it) and size, None for unknown."""
    first = reader.take(1)
    width = _width(first[0], most=4)
    kind = int.from_bytes(first + reader.take(width - 1), "big")
    first = reader.take(1)
    width = _width(first[0], most=8)
    size = int.from_bytes(first + reader.take(width - 1), "big") & ((1 << 7 * width) - 1)
    return kind, None if size == (1 << 7 * width) - 1 else size


def _width(first: int, *, most: int) -> int:
    """How many bytes a variable-length number takes: one more than the zero bits it begins with."""
    width = 9 - first.bit_length()
    if width > most:
        raise BrokenContainer("the WebM has a damaged element")
    return width
