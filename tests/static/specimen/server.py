"""The specimen: every part on a few pages, served with the project's own content security policy.

`python -m tests.static.specimen` prints the address. `?theme=dark` and `?theme=light` choose; without, the system does.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from mimetypes import guess_type
from pathlib import Path
from threading import Thread
from urllib.parse import parse_qs, urlsplit

from django.conf import settings
from django.contrib.staticfiles import finders
from django.template.backends.django import DjangoTemplates

from tests.static.specimen.contexts import context
from tests.static.specimen.pictures import clip, still, strip

TEMPLATES = Path(__file__).parent / "templates"
_engine = DjangoTemplates(
    {
        "NAME": "specimen",
        "DIRS": [settings.BASE_DIR / "templates", TEMPLATES],
        "APP_DIRS": True,
        "OPTIONS": {"builtins": settings.TEMPLATES[0]["OPTIONS"]["builtins"]},
    }
)
PAGES = {path.stem.replace("_", "-"): path for path in sorted(TEMPLATES.glob("*.html")) if path.stem[0] != "_"}
ERRORS = ("403", "404", "500")
POLICY = "; ".join(f"{name} {' '.join(to)}" for name, to in settings.CONTENT_SECURITY_POLICY["DIRECTIVES"].items())


def render(page: str, theme: str) -> bytes:
    """One specimen page through the project's own template engine."""
    name = f"{page}.html" if page in ERRORS else PAGES[page].name
    return _engine.get_template(name).render({} if page == "500" else context(page, theme)).encode()


class Handler(BaseHTTPRequestHandler):
    """Pages by name, static files by the project's finders, and stills made on the spot; ranges for the clip."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        name = url.path.strip("/")
        if name.startswith("static/"):
            found = finders.find(name.removeprefix("static/"))
            body = Path(found).read_bytes() if isinstance(found, str) else None
            self.answer(200 if body is not None else 404, body or b"", guess_type(name)[0] or "font/woff2")
        elif match := re.fullmatch(r"still/(\w+)/(\d+)", name):
            self.answer(200, still(match[1], int(match[2])), "image/jpeg")
        elif name == "strip":
            self.answer(200, strip(), "image/jpeg")
        elif name == "clip.mp4":
            self.answer_range(clip())
        elif name == "live":
            self.answer(204, b"", "text/html")
        elif name in PAGES or name in ERRORS:
            theme = parse_qs(url.query).get("theme", [""])[0]
            self.answer(200, render(name, theme), "text/html; charset=utf-8")
        else:
            self.answer(404, b"no such specimen", "text/plain")

    def answer_range(self, body: bytes) -> None:
        wanted = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
        if not wanted:
            self.answer(200, body, "video/mp4", {"Accept-Ranges": "bytes"})
            return
        first, last = int(wanted[1]), min(int(wanted[2] or len(body) - 1), len(body) - 1)
        headers = {"Accept-Ranges": "bytes", "Content-Range": f"bytes {first}-{last}/{len(body)}"}
        self.answer(206, body[first : last + 1], "video/mp4", headers)

    def answer(self, status: int, body: bytes, kind: str, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        self.send_header("Content-Security-Policy", POLICY)
        for name, value in ({"Content-Type": kind, "Content-Length": str(len(body))} | (headers or {})).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Stay silent."""


@contextmanager
def serving() -> Iterator[str]:
    """Serve on a free port of this machine; gives the address."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
