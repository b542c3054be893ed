"""How a command ends when it does not do what was asked."""

from __future__ import annotations

from typing import Final

REFUSED: Final = 1
FAILED: Final = 3
TIMED_OUT: Final = 4
UNREACHABLE: Final = 5


class CliError(Exception):
    """What to tell whoever typed the command, and the code to end with."""

    def __init__(self, message: str, code: int = REFUSED) -> None:
        super().__init__(message)
        self.code = code


class NotThere(CliError):
    """The board has nothing at this address, or nothing for whoever asks."""
