"""MP4: every box to the end of the file, and every sample inside it."""

import sys
from array import array
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import accumulate, pairwise
from typing import Final

from lumaboard.media.container.reader import BrokenContainer, Reader

_MAX_MOOV: Final = 16 * 1024 * 1024
_MAX_BOXES: Final = 1_000_000
# The one way down to a sample table. A box found anywhere else is not entered, which bounds the depth.
_WAY_DOWN: Final = {b"moov": b"trak", b"trak": b"mdia", b"mdia": b"minf", b"minf": b"stbl"}


@dataclass(frozen=True, slots=True)
class _Box:
    kind: bytes
    body: int
    end: int


@dataclass(slots=True)
class _Contents:
    """What the top level of the file held."""

    kinds: set[bytes] = field(default_factory=set)
    tracks: int = 0
    samples_end: int = 0
    is_fragmented: bool = False
    last_kind: bytes = b""


def walk(reader: Reader) -> None:
    """Boxes fill the file exactly, and no sample of any track lies beyond it.

    The sample tables matter because the last box may leave its size open ("to the end of the file"), which fits any cut
    file. A fragmented file could be cut between two fragments unseen, so it must end with its closing index (`mfra`).
    """
    contents = _Contents()
    for box in _boxes(reader, reader.size):
        contents.kinds.add(box.kind)
        contents.last_kind = box.kind
        if box.kind == b"moov":
            if box.end - box.body > _MAX_MOOV:
                raise BrokenContainer("the MP4's index is too large")
            _walk_moov(reader, box, contents)
    if missing := {b"ftyp", b"moov", b"mdat"} - contents.kinds:
        raise BrokenContainer(f"the MP4 has no {min(missing).decode()} box")
    if not contents.tracks:
        raise BrokenContainer("the MP4 holds no track")
    if contents.samples_end > reader.size:
        raise BrokenContainer("the file ends early")
    if contents.is_fragmented and contents.last_kind != b"mfra" and not reader.length_known:
        raise BrokenContainer("the MP4 does not say where it ends")


def _boxes(reader: Reader, end: int) -> Iterator[_Box]:
    """The boxes from here to `end`. The caller may read inside a box; the next one is found regardless."""
    for _ in range(_MAX_BOXES):
        if reader.position == end:
            return
        start = reader.position
        size, kind = reader.u32(), reader.take(4)
        if size == 1:
            size = reader.u64()
        elif size == 0:
            size = reader.size - start
        body, stop = reader.position, start + size
        if stop > reader.size:
            raise BrokenContainer("the file ends early")
        if stop < body or stop > end:
            raise BrokenContainer("the MP4 has a damaged box")
        yield _Box(kind, body, stop)
        reader.jump(stop)
    raise BrokenContainer("the MP4 has too many boxes")


def _walk_moov(reader: Reader, box: _Box, contents: _Contents) -> None:
    """Down to the sample tables of each track."""
    tables: dict[bytes, _Box] = {}
    for child in _boxes(reader, box.end):
        if child.kind == _WAY_DOWN.get(box.kind):
            contents.tracks += child.kind == b"trak"
            _walk_moov(reader, child, contents)
        elif child.kind == b"mvex":
            contents.is_fragmented = True
        else:
            tables[child.kind] = child
    if box.kind == b"stbl":
        contents.samples_end = max(contents.samples_end, _samples_end(reader, tables))


def _samples_end(reader: Reader, tables: dict[bytes, _Box]) -> int:
    """Where in the file the last byte of this track's samples lies, by its chunk offsets and sample sizes."""
    offsets_box = tables.get(b"stco") or tables.get(b"co64")
    if offsets_box is None or b"stsz" not in tables or b"stsc" not in tables:
        if (
            b"stz2" in tables and offsets_box is not None
        ):  # 4- and 8-bit sizes: rare, and the offsets alone still bound it
            return max(_table(reader, offsets_box), default=0)
        raise BrokenContainer("the MP4 has no sample table")
    offsets = _table(reader, offsets_box)
    runs = _table(reader, tables[b"stsc"])
    if offsets and not runs:
        raise BrokenContainer("the MP4 has a damaged sample table")
    first_samples = _first_samples(runs, len(offsets))
    uniform, count, sizes = _sample_sizes(reader, tables[b"stsz"])
    if first_samples[-1] > count:
        raise BrokenContainer("the MP4 has a damaged sample table")
    if uniform:
        lengths = ((after - first) * uniform for first, after in pairwise(first_samples))
    else:
        sums = [0, *accumulate(sizes)]
        lengths = (sums[after] - sums[first] for first, after in pairwise(first_samples))
    return max((offset + length for offset, length in zip(offsets, lengths, strict=True)), default=0)


def _first_samples(runs: "array[int]", chunks: int) -> list[int]:
    """The number of each chunk's first sample, and behind the last one how many samples there are.

    `runs` holds triples: from this chunk on (counted from 1), so many samples in each, of that description.
    """
    starts, counts = runs[0::3].tolist(), runs[1::3].tolist()
    if starts and (starts[0] != 1 or any(a >= b for a, b in pairwise(starts)) or starts[-1] > max(chunks, 1)):
        raise BrokenContainer("the MP4 has a damaged sample table")
    firsts = [0]
    for (start, after), count in zip(pairwise([*starts, chunks + 1]), counts, strict=True):
        before = firsts[-1]
        firsts.extend(before + count * step for step in range(1, after - start + 1))
    return firsts


def _sample_sizes(reader: Reader, box: _Box) -> tuple[int, int, "array[int]"]:
    """`stsz`: one size for all samples (or 0), how many samples, and the list of sizes if they differ."""
    reader.jump(box.body + 4)
    uniform, count = reader.u32(), reader.u32()
    return uniform, count, array("I") if uniform else _numbers(reader, box, "I", count)


def _table(reader: Reader, box: _Box) -> "array[int]":
    """The numbers of a chunk-offset (`stco`, `co64`) or chunk-run (`stsc`) table."""
    reader.jump(box.body + 4)
    count = reader.u32()
    return _numbers(reader, box, "Q" if box.kind == b"co64" else "I", count * 3 if box.kind == b"stsc" else count)


def _numbers(reader: Reader, box: _Box, code: str, count: int) -> "array[int]":
    numbers: array[int] = array(code)
    length = count * numbers.itemsize
    if reader.position + length > box.end:
        raise BrokenContainer("the MP4 has a damaged sample table")
    numbers.frombytes(reader.take(length))
    if sys.byteorder == "little":
        numbers.byteswap()
    return numbers
