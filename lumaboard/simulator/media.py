"""Media as object storage serves them: signed links, ranges, and whatever the directives spoil."""

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Final

from .clips import FILES
from .fate import Fate, fate_of
from .http_parts import Reply, Request, html_reply, wanted_range, xml_error
from .library import Library, RenderError
from .links import LinkSigner
from .sightings import Sightings

_ROLES: Final = {name: role for role, name in FILES.items()}
_TYPES: Final = {".mp4": "video/mp4", ".jpg": "image/jpeg"}
_RENDER_PATIENCE: Final = 45.0
_PRIVATE_ADDRESS: Final = "http://169.254.169.254/latest/meta-data/"


class Media:
    """Answers `/media/<id>/<file>`."""

    def __init__(
        self,
        sightings: Sightings,
        library: Library,
        signer: LinkSigner,
        *,
        clock: Callable[[], float],
        slow_seconds: float,
    ) -> None:
        self._sightings = sightings
        self._library = library
        self._signer = signer
        self._clock = clock
        self._slow_seconds = slow_seconds

    def answer(self, request: Request) -> Reply:
        if request.method not in ("GET", "HEAD"):
            return xml_error(405, "MethodNotAllowed", "The specified method is not allowed against this resource.")
        refusal = self._signer.refusal(request.path, request.query, now=self._clock())
        if refusal is not None:
            return xml_error(403, "AccessDenied", refusal)
        task_id, _, name = request.path.removeprefix("/media/").rpartition("/")
        sighting = self._sightings.first(task_id, self._clock())
        role = _ROLES.get(name)
        if role is None or sighting.is_deleted:
            return xml_error(404, "NoSuchKey", "The specified key does not exist.")
        fate = fate_of(task_id, sighting.request)
        return _spoiled_at_once(fate) or self._file(request, fate, role)

    def _file(self, request: Request, fate: Fate, role: str) -> Reply:
        try:
            path = self._library.file(fate.clip, role, timeout=_RENDER_PATIENCE)
        except TimeoutError:
            return xml_error(503, "SlowDown", "The clip is still being rendered.", Retry_After="5")
        except RenderError as error:
            return xml_error(500, "InternalError", f"The clip could not be rendered: {type(error).__name__}")
        size = path.stat().st_size
        is_cut = "cut-container" in fate.directives and path.suffix == ".mp4"
        reply = _ranged(request, fate, path, size // 2 if is_cut else size)
        if "cut-file" in fate.directives and path.suffix == ".mp4":
            reply.cut_after = reply.length // 2
        if "slow-media" in fate.directives:
            reply.delay, reply.is_trickled = self._slow_seconds, True
        return reply


def _spoiled_at_once(fate: Fate) -> Reply | None:
    told = fate.directives
    if "html-media" in told:
        return html_reply()
    if "redirect-private" in told:
        return Reply(status=302, content_type="text/html", headers={"Location": _PRIVATE_ADDRESS})
    if "media-503" in told:
        return xml_error(503, "SlowDown", "Please reduce your request rate.", Retry_After="2")
    if "oversize" in told:
        return Reply(content_type="video/mp4", is_endless=True)
    if "empty-file" in told:
        return Reply(content_type="video/mp4")
    return None


def _ranged(request: Request, fate: Fate, path: Path, size: int) -> Reply:
    etag = f'"{hashlib.md5(f"{fate.clip.folder_name}/{path.name}/{size}".encode(), usedforsecurity=False).hexdigest()}"'
    reply = Reply(content_type=_TYPES[path.suffix], file=path, length=size, headers={"ETag": etag})
    if "media-no-ranges" in fate.directives:
        return reply
    reply.headers["Accept-Ranges"] = "bytes"
    if request.headers.get("If-None-Match") == etag:
        return Reply(status=304, content_type=reply.content_type, headers=reply.headers)
    if request.headers.get("If-Range", etag) != etag:
        return reply
    try:
        span = wanted_range(request.headers.get("Range"), size)
    except ValueError:
        refused = xml_error(416, "InvalidRange", "The requested range is not satisfiable")
        refused.headers["Content-Range"] = f"bytes */{size}"
        return refused
    if span is not None:
        first, last = span
        reply.status, reply.start, reply.length = 206, first, last - first + 1
        reply.headers["Content-Range"] = f"bytes {first}-{last}/{size}"
    return reply
