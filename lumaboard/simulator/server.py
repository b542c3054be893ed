"""The simulator: the provider's paths, answered from the fates of the ids."""

import os
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from .api import Api
from .clips import ClipStyle
from .http_parts import Reply, Request, Server, json_reply
from .library import Library
from .links import LinkSigner, load_secret
from .media import Media
from .requests_seen import RequestsSeen
from .sightings import Sightings

DEFAULT_LINK_SECONDS: Final = 3600


class Simulator:
    """A fake upstream on a real socket; a context manager, or `start()` and `stop()`.

    `pace` stretches the life of a generation (0.1 is ten times faster), `clock` gives the time of day in seconds,
    `link_seconds` is how long a link lives, `slow_seconds` what the slow directives and keys take.
    With `waits_for_renders` a generation keeps running until its clip is there; else it completes in its own time.
    """

    def __init__(
        self,
        *,
        data_dir: Path | str,
        bind: tuple[str, int] = ("127.0.0.1", 0),
        pace: float = 1.0,
        clock: Callable[[], float] = time.time,
        link_seconds: int = DEFAULT_LINK_SECONDS,
        slow_seconds: float = 5.0,
        style: ClipStyle | None = None,
        render_ahead: bool = False,
        waits_for_renders: bool = False,
        workers: int | None = None,
    ) -> None:
        folder = Path(data_dir)
        folder.mkdir(parents=True, exist_ok=True)
        style = style or ClipStyle()
        self.requests = RequestsSeen()
        self.library = Library(folder / "media", style, workers=workers or max(1, (os.cpu_count() or 2) // 2))
        self._sightings = Sightings(folder / "sightings.sqlite3")
        signer = LinkSigner(load_secret(folder / "link-secret"), link_seconds)
        self._media = Media(self._sightings, self.library, signer, clock=clock, slow_seconds=slow_seconds)
        self._api = Api(
            self._sightings,
            self.library,
            signer,
            self.requests,
            clock=clock,
            pace=pace,
            slow_seconds=slow_seconds,
            style=style,
            waits_for_renders=waits_for_renders,
        )
        self._server = Server(bind, self._answer)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), name="simulator", daemon=True)
        if render_ahead:
            self.library.want_common()

    @property
    def url(self) -> str:
        return f"http://{self._server.address}"

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Stop listening, end every connection and every render."""
        self._server.shutdown()
        self._server.server_close()
        self._server.end_connections()
        self.library.close()
        self._sightings.close()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()

    def _answer(self, request: Request) -> Reply:
        self.requests.note(request.method, request.path)
        try:
            return self._media.answer(request) if request.path.startswith("/media/") else self._api.answer(request)
        except Exception as error:  # a defect of ours must look like one, not like a lost connection
            return json_reply({"error": {"message": f"simulator defect: {error!r}", "type": "simulator_error"}}, 500)
