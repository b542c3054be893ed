"""What one process that decodes media may use up. Set from inside, before any media byte is read."""

import contextlib
import math
import resource
import signal
from typing import Final

MEMORY_BYTES: Final = 2 * 1024**3
FILE_BYTES: Final = 64 * 1024**2
RENDITION_BYTES: Final = 1024**3
OPEN_FILES: Final = 64

MAX_VIDEO_PIXELS: Final = 8192 * 4320
MAX_IMAGE_PIXELS: Final = 64_000_000
MAX_SIDE: Final = 16_383
"""The longest side of a picture; also the longest WebP can hold."""

# The parent's own deadline comes first; this one is for a child whose parent was killed.
_GRACE_SECONDS: Final = 2.0


def confine(*, seconds: float, threads: int = 1, file_bytes: int = FILE_BYTES) -> None:
    """Bound this process: time on the clock and on the processor, memory, sizes of files, no core dumps.

    So many `threads` may be busy all the time. The kernel ends the process at either deadline (SIGALRM, SIGXCPU), also in
    the middle of a decoder's loop.
    """
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.setitimer(signal.ITIMER_REAL, seconds + _GRACE_SECONDS)
    _lower(resource.RLIMIT_CPU, math.ceil(threads * (seconds + _GRACE_SECONDS)))
    _lower(resource.RLIMIT_FSIZE, file_bytes)
    _lower(resource.RLIMIT_NOFILE, OPEN_FILES)
    _lower(resource.RLIMIT_CORE, 0)
    with contextlib.suppress(ValueError, OSError):  # macOS knows this limit by name only and refuses to set it
        _lower(resource.RLIMIT_AS, MEMORY_BYTES)


def _lower(limit: int, to: int) -> None:
    _, hard = resource.getrlimit(limit)
    bound = to if hard == resource.RLIM_INFINITY else min(to, hard)
    resource.setrlimit(limit, (bound, bound))
