"""Is this media file whole? Answered by walking its container to the end, in our own code and without decoding.

A transfer that breaks off without a Content-Length raises no error anywhere, so the file itself has to say that it is
complete.
"""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Final

from lumaboard.media.container import images, mp4, webm
from lumaboard.media.container.reader import BrokenContainer, Reader
from lumaboard.media.sniff import HEAD_BYTES, JPEG, MP4, PNG, WEBM, WEBP, MediaType, sniff

__all__ = ["BrokenContainer", "verify_container"]

_WALKERS: Final[dict[MediaType, Callable[[Reader], None]]] = {
    MP4: mp4.walk,
    WEBM: webm.walk,
    JPEG: images.walk_jpeg,
    PNG: images.walk_png,
    WEBP: images.walk_webp,
}


def verify_container(path: Path, *, length_known: bool = False) -> None:
    """Raise `BrokenContainer` unless the file is one whole piece of media.

    A few files cannot prove their own end: a live WebM, a fragmented MP4 without an index, a JPEG with bytes behind its
    end mark. They pass only with `length_known`, which says that the sender announced a length and kept it.
    Reads in blocks; memory does not grow with the file.
    """
    with path.open("rb") as file:
        media_type = sniff(file.read(HEAD_BYTES))
        if media_type is None:
            raise BrokenContainer("not a media file we know")
        file.seek(0)
        _WALKERS[media_type](Reader(file, size=os.fstat(file.fileno()).st_size, length_known=length_known))
