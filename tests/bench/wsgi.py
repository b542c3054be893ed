"""Ask the application as its server does, in this process and without a socket: what is left is our own cost."""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO
from typing import Any

from django.core.wsgi import get_wsgi_application
from django.urls import clear_url_caches, set_urlconf


class Site:
    """The application with all its middleware; `urls` names another root of addresses."""

    def __init__(self, urls: str | None = None) -> None:
        from django.conf import settings

        if urls is not None:
            settings.ROOT_URLCONF = urls
            set_urlconf(None)
            clear_url_caches()
        self._application = get_wsgi_application()

        self._end: Callable[[], None] = lambda: None

    def get(self, path: str, *, cookie: str = "", status: int = 200, **headers: str) -> bytes:
        """Read one answer to its end; anything but the expected status is an error of the bench.

        Headers are named as the gateway names them: `HTTP_AUTHORIZATION`.
        """
        try:
            return self.read(path, cookie=cookie, status=status, **headers)
        finally:
            self.end()

    def end(self) -> None:
        """Close the answer that was read last, as the server does when its last byte has gone out."""
        self._end()

    def read(self, path: str, *, cookie: str = "", status: int = 200, **headers: str) -> bytes:
        """The same until the last byte: what the application does afterwards, nobody waits for. To be followed by `end`."""
        path, _, query = path.partition("?")
        environ: dict[str, Any] = {
            "REQUEST_METHOD": "GET",
            "SCRIPT_NAME": "",
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "SERVER_NAME": "127.0.0.1",
            "SERVER_PORT": "8000",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "REMOTE_ADDR": "127.0.0.1",
            "HTTP_HOST": "127.0.0.1",
            "HTTP_COOKIE": cookie,
            "wsgi.url_scheme": "http",
            "wsgi.input": BytesIO(),
            **headers,
        }
        statuses: list[str] = []
        answer = self._application(environ, lambda line, headers, error=None: statuses.append(line))  # type: ignore[arg-type]  # nobody calls what it returns
        self._end = answer.close
        body = b"".join(answer)
        assert statuses[0].startswith(str(status)), f"{path} answered {statuses[0]}"
        return body
