"""The rendered clips as files: made lazily, once, in a process of their own at low priority."""

import contextlib
import heapq
import itertools
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import Future
from pathlib import Path
from typing import Final

from .clips import FILES, ClipKey, ClipStyle
from .scenes import SCENES, SCENES_EDITION

_RENDER_TIMEOUT: Final = 300
_PACKAGE_PARENT: Final = Path(__file__).resolve().parents[2]

URGENT, SOON, SOMETIME = range(3)
"""Somebody waits for the file; a generation will need it; rendered ahead."""


class RenderError(Exception):
    """A clip could not be made; the message is the end of the renderer's output."""


class Library:
    """A folder of clips and the threads that fill it.

    A clip is a folder of four files which appears whole, by one rename; so several simulators may share a data directory.
    """

    def __init__(self, root: Path, style: ClipStyle, *, workers: int) -> None:
        self._style = style
        self._root = root / f"{SCENES_EDITION}-{style.folder_name}"
        self._root.mkdir(parents=True, exist_ok=True)
        self._sweep()
        self._wanted: dict[ClipKey, Future[Path]] = {}
        self._failed: set[ClipKey] = set()
        self._queue: list[tuple[int, int, ClipKey]] = []
        self._ticket = itertools.count()
        self._has_work = threading.Condition()
        self._children: set[subprocess.Popen[bytes]] = set()
        self._is_closed = False
        self.renders = 0
        """How many clips this library rendered itself."""
        for number in range(workers):
            threading.Thread(target=self._work, name=f"simulator-render-{number}", daemon=True).start()

    def want(self, key: ClipKey, priority: int = SOON) -> Future[Path]:
        """Return the folder of a clip as a future; asking again joins the same render, and may make it more urgent."""
        with self._has_work:
            wanted = self._wanted.get(key)
            if wanted is None:
                if key in self._failed and priority != URGENT:
                    return _failure()  # polls do not try again and again; somebody who waits for the file does
                wanted = self._wanted[key] = Future()
                if self._folder(key).exists():
                    self._finish(key, wanted)
                    return wanted
            elif wanted.done() or priority != URGENT:
                return wanted
            heapq.heappush(self._queue, (priority, next(self._ticket), key))
            self._has_work.notify()
            return wanted

    def has_settled(self, key: ClipKey) -> bool:
        """Say whether a clip is there, or at least will not come from waiting."""
        return self.want(key).done()

    def want_common(self) -> None:
        """Ask for the clips ids choose most often, at the lowest priority."""
        for aspect_ratio in ("16:9", "9:16", "1:1", "21:9"):
            for scene in SCENES:
                self.want(ClipKey(scene, aspect_ratio, 5), SOMETIME)

    def file(self, key: ClipKey, role: str, *, timeout: float) -> Path:
        """Return a file, rendering its clip if need be. Raises RenderError, or TimeoutError when it takes longer."""
        return self.want(key, URGENT).result(timeout) / FILES[role]

    def close(self) -> None:
        """Stop at once; a render under way is ended and leaves nothing behind but a folder named `.part`."""
        with self._has_work:
            self._is_closed = True
            self._has_work.notify_all()
            for child in self._children:
                child.kill()

    def _folder(self, key: ClipKey) -> Path:
        return self._root / key.folder_name

    def _sweep(self) -> None:
        """Remove what renders that were killed left behind; younger folders may belong to another simulator."""
        for leftover in self._root.glob("*.part"):
            with contextlib.suppress(FileNotFoundError):  # its own renderer was faster
                if time.time() - leftover.stat().st_mtime > 2 * _RENDER_TIMEOUT:
                    shutil.rmtree(leftover)

    def _finish(self, key: ClipKey, wanted: Future[Path]) -> None:
        wanted.set_result(self._folder(key))

    def _work(self) -> None:
        while True:
            with self._has_work:
                self._has_work.wait_for(lambda: self._queue or self._is_closed)
                if self._is_closed:
                    return
                _, _, key = heapq.heappop(self._queue)
                wanted = self._wanted.get(key)
                # A key that was made more urgent stands in the queue twice; whoever comes first takes the future.
                if wanted is None or wanted.running() or wanted.done():
                    continue
                wanted.set_running_or_notify_cancel()
            try:
                self._render(key)
            except (RenderError, OSError, subprocess.SubprocessError) as error:
                with self._has_work:
                    self._failed.add(key)
                    del self._wanted[key]  # the next to ask tries again
                wanted.set_exception(error if isinstance(error, RenderError) else RenderError(str(error)))
            else:
                wanted.set_result(self._folder(key))

    def _render(self, key: ClipKey) -> None:
        target = self._folder(key)
        with tempfile.TemporaryDirectory(prefix=f"{key.folder_name}.", suffix=".part", dir=self._root) as unfinished:
            self._run_renderer(key, Path(unfinished))
            if target.exists():
                return
            made = Path(unfinished) / "clip"
            with contextlib.suppress(FileExistsError):  # another simulator on the same folder was faster
                made.rename(target)
        self.renders += 1

    def _run_renderer(self, key: ClipKey, folder: Path) -> None:
        style = self._style
        command = [
            sys.executable,
            "-m",
            "lumaboard.simulator.render",
            str(folder / "clip"),
            key.scene,
            key.aspect_ratio,
        ]
        command += [str(key.seconds), str(style.short_side), str(style.fps), str(style.max_seconds)]
        paths = [str(_PACKAGE_PARENT), os.environ.get("PYTHONPATH", "")]
        environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, paths))}
        with tempfile.TemporaryFile() as output:
            child = subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL, stdout=output, stderr=output)  # noqa: S603 - our own module, our own words
            with self._has_work:
                self._children.add(child)
                if self._is_closed:
                    child.kill()
            try:
                status = child.wait(_RENDER_TIMEOUT)
            finally:
                child.kill()
                child.wait()
                with self._has_work:
                    self._children.discard(child)
            if status:
                output.seek(0)
                raise RenderError(output.read()[-2000:].decode(errors="replace") or f"the renderer ended with {status}")


def _failure() -> "Future[Path]":
    failure: Future[Path] = Future()
    failure.set_exception(RenderError("the clip could not be rendered before"))
    return failure
