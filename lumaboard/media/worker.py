"""Looks at media files from a safe distance: each in a process of its own, ended at a deadline.

A crash, a loop or a memory bomb inside a decoder then costs one child, not the worker that runs the jobs.
"""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryFile
from time import monotonic
from typing import Final

import lumaboard
from lumaboard.media.errors import MediaCrashed, MediaError, MediaRefused, MediaTimeout, MediaUnreadable
from lumaboard.media.facts import Inspection, MadeFile, MediaFacts

_SOURCE_ROOT: Final = Path(lumaboard.__file__).parent.parent
_LOOK_UP_SECONDS: Final = 1.0
_ANSWER_BYTES: Final = 64 * 1024
_COMPLAINT_CHARACTERS: Final = 2_000
_TYPED_EXITS: Final[dict[int, type[MediaError]]] = {3: MediaRefused, 4: MediaUnreadable}
_DEADLINES: Final = frozenset([signal.SIGALRM, signal.SIGXCPU])


def inspect(
    path: Path,
    *,
    out_dir: Path,
    want_sprite: bool = True,
    poster_at: float | None = None,
    mark: str = "",
    timeout: float = 60.0,
) -> Inspection:
    """What the file holds, and its stills, written to `out_dir`. Raises a `MediaError` that says what went wrong.

    `out_dir` is the caller's, private and empty: after an error it may hold part of the work. With a `mark`, a name, the
    stills for outsiders are made as well, with that name in them.
    """
    options = [_out_dir(out_dir), "--sprite" if want_sprite else "--no-sprite", _mark(mark)]
    if poster_at is not None:
        options.append(f"--poster-at={poster_at}")
    return _ask("inspect", path, options, timeout)


def make_preview(
    path: Path, *, out_dir: Path, mark: str, timeout: float, while_waiting: Callable[[], None] | None = None
) -> Inspection:
    """Write a smaller rendition with this name in every picture. Raises a `MediaError`.

    `while_waiting` is called every second; what it raises ends the work.
    """
    return _ask("preview", path, [_out_dir(out_dir), _mark(mark)], timeout, while_waiting)


def make_social(poster: Path, *, out_dir: Path, mark: str, is_film: bool, timeout: float = 30.0) -> Inspection:
    """Write the stills for outsiders, of a poster made before. Raises a `MediaError`."""
    return _ask("social", poster, [_out_dir(out_dir), _mark(mark), "--film" if is_film else "--no-film"], timeout)


def draw_logo(path: Path, *, out_dir: Path, timeout: float = 10.0) -> MadeFile:
    """Draw a picture anew as a small PNG that keeps what is transparent. Raises a `MediaError`."""
    return _ask("logo", path, [_out_dir(out_dir)], timeout).files[0]


def probe(path: Path, *, timeout: float = 30.0) -> MediaFacts:
    """What the file holds, without making anything of it. Raises a `MediaError`."""
    return _ask("probe", path, [], timeout).facts


def _out_dir(folder: Path) -> str:
    return f"--out-dir={folder.absolute()}"


def _mark(name: str) -> str:
    return "--mark=" + "".join(letter for letter in name if letter.isprintable())


def _ask(
    verb: str, path: Path, options: Sequence[str], timeout: float, while_waiting: Callable[[], None] | None = None
) -> Inspection:
    command = [sys.executable, "-P", "-m", "lumaboard.media", verb, f"--timeout={timeout}", *options]
    answer = run_confined([*command, "--", str(path.absolute())], timeout=timeout, while_waiting=while_waiting)
    try:
        return Inspection.from_json(json.loads(answer))
    except (KeyError, TypeError, ValueError, RecursionError) as error:
        raise MediaCrashed("the media process gave no usable answer", detail=repr(error)) from error


def run_confined(command: Sequence[str], *, timeout: float, while_waiting: Callable[[], None] | None = None) -> bytes:
    """Run a media process and return what it printed. Raises a `MediaError` for every other way it may end.

    Its environment holds none of our settings, and it inherits no file of ours. It stays in our process group: who ends
    the worker with its group ends it too.
    """
    with TemporaryFile() as answer, TemporaryFile() as complaints:  # files, so that their size is bounded by its limits
        process = subprocess.Popen(  # noqa: S603 — the command is ours, no shell, and the only foreign thing in it is a path
            command, stdin=subprocess.DEVNULL, stdout=answer, stderr=complaints, env=_environment(), cwd="/"
        )
        try:
            exit_code = _wait(process, timeout, while_waiting)
        except subprocess.TimeoutExpired as error:
            raise MediaTimeout(f"looking at the file took longer than {timeout:g} seconds") from error
        finally:
            process.kill()  # also when our own job is interrupted while waiting; without effect on one that has ended
            process.wait()
        answer.seek(0)
        complaints.seek(0)
        printed, complained = (
            answer.read(_ANSWER_BYTES),
            complaints.read(_COMPLAINT_CHARACTERS).decode(errors="replace"),
        )
    if exit_code != 0:
        raise _error_for(exit_code, printed, complained, timeout)
    return printed


def _wait(process: subprocess.Popen[bytes], timeout: float, while_waiting: Callable[[], None] | None) -> int:
    ends_at = monotonic() + timeout
    while True:
        try:
            return process.wait(min(_LOOK_UP_SECONDS, max(0.0, ends_at - monotonic())))
        except subprocess.TimeoutExpired:
            if monotonic() >= ends_at:
                raise
        if while_waiting is not None:
            while_waiting()


def _environment() -> dict[str, str]:
    passed_on = {name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR") if name in os.environ}
    return {
        **passed_on,
        "PYTHONPATH": str(_SOURCE_ROOT),
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONUTF8": "1",
        "MALLOC_ARENA_MAX": "2",  # each thread's arena reserves address space, which the memory limit counts
    }


def _error_for(exit_code: int, printed: bytes, complained: str, timeout: float) -> MediaError:
    if exit_code in _TYPED_EXITS:
        reason, detail = _typed_reason(printed)
        return _TYPED_EXITS[exit_code](reason, detail=detail)
    if -exit_code in _DEADLINES:
        return MediaTimeout(f"looking at the file took longer than {timeout:g} seconds")
    how = f"signal {-exit_code}" if exit_code < 0 else f"exit code {exit_code}"
    return MediaCrashed(f"the decoder crashed on this file ({how})", detail=complained)


def _typed_reason(printed: bytes) -> tuple[str, str]:
    try:
        document = json.loads(printed)
        return str(document["reason"]), str(document["detail"])
    except (KeyError, TypeError, ValueError, RecursionError):
        return "the file cannot be decoded", ""
