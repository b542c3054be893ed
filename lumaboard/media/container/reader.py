"""A file read from front to back that refuses to end early."""

import struct
from typing import BinaryIO, Final

BLOCK: Final = 64 * 1024


class BrokenContainer(Exception):
    """The file is cut, damaged or not media; `reason` says which, in words fit for the screen."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Reader:
    """Reads a known number of bytes or raises `BrokenContainer`; never returns less than was asked for."""

    def __init__(self, file: BinaryIO, *, size: int, length_known: bool) -> None:
        self._file = file
        self.size = size
        self.position = 0
        self.length_known = length_known

    @property
    def left(self) -> int:
        return self.size - self.position

    def take(self, count: int) -> bytes:
        """The next `count` bytes. Callers bound `count`: it is held in memory."""
        if count > self.left:
            raise BrokenContainer("the file ends early")
        data = self._file.read(count)
        if len(data) != count:
            raise BrokenContainer("the file ends early")
        self.position += count
        return data

    def take_block(self) -> bytes:
        """Up to one block; empty at the end of the file."""
        return self.take(min(BLOCK, self.left))

    def skip(self, count: int) -> None:
        self.jump(self.position + count)

    def jump(self, position: int) -> None:
        if position > self.size:
            raise BrokenContainer("the file ends early")
        self._file.seek(position)
        self.position = position

    def u32(self) -> int:
        (number,) = struct.unpack(">I", self.take(4))
        return int(number)

    def u64(self) -> int:
        (number,) = struct.unpack(">Q", self.take(8))
        return int(number)

    def require_end(self, reason: str) -> None:
        """Refuse bytes behind the container's end, unless the transfer's length vouches for the file."""
        if self.left and not self.length_known:
            raise BrokenContainer(reason)
