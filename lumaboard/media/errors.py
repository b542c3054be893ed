"""Why no facts or stills could be had of a file. `reason` is fit for the screen, `detail` for the log."""


class MediaError(Exception):
    """The file could not be looked at. Trying again helps only where a subclass says so."""

    def __init__(self, reason: str, *, detail: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.detail = detail


class MediaRefused(MediaError):
    """Not media, or larger than we are willing to decode."""


class MediaUnreadable(MediaError):
    """It claims to be media, but the decoder cannot make a picture of it."""


class MediaTimeout(MediaError):
    """Looking at it took longer than allowed. On a busy machine a second try may succeed."""


class MediaCrashed(MediaError):
    """The decoder's process died. That it had a process of its own is why nothing else did."""
