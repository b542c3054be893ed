"""Why a copy did not come about. Every message is a sentence for the screen and holds no query string."""

from __future__ import annotations


class CopyError(Exception):
    """A copy that did not come about; the item itself is unharmed."""


class CopyFailed(CopyError):
    """This try failed, and a later one may succeed: an outage, a cut file, a refused redirect."""

    def __init__(self, sentence: str, *, retry_after: float | None = None) -> None:
        super().__init__(sentence)
        self.retry_after = retry_after


class FileTooLarge(CopyFailed):
    """More bytes than this installation keeps of one file; only an operator can change that, so tries become rare at once."""


class NotMedia(CopyError):
    """The link answers, but not with media: most often an error page."""


class LinkDead(CopyError):
    """The link leads nowhere any more. Not `is_final` where the file of a young generation may merely not be there yet."""

    def __init__(self, sentence: str, *, is_final: bool = True) -> None:
        super().__init__(sentence)
        self.is_final = is_final


class Postponed(CopyError):
    """Not now, through no fault of the file: it is tried again after these `seconds`, and no try is used up."""

    def __init__(self, sentence: str, *, seconds: float) -> None:
        super().__init__(sentence)
        self.seconds = seconds


class NoRoom(Postponed):
    """Copies wait for room: on the disk, or (with a `workspace_id`) within one workspace's quota."""

    def __init__(self, sentence: str, *, workspace_id: int | None = None) -> None:
        super().__init__(sentence, seconds=60)
        self.workspace_id = workspace_id


class LeaseLost(Exception):
    """Somebody else holds this asset now, so whatever we have of it is of no use any more."""
