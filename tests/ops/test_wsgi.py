"""Whose address a request has, behind a proxy and without."""

from __future__ import annotations

from tests.ops.installation import Installation

WHO = """
from io import BytesIO
from django.core.signals import request_started
from lumaboard.wsgi import application
seen = []
request_started.connect(lambda environ, **_: seen.append((environ["REMOTE_ADDR"], environ["wsgi.url_scheme"])), weak=False)
application({
    "REQUEST_METHOD": "GET", "PATH_INFO": "/healthz", "SERVER_NAME": "board", "SERVER_PORT": "80", "HTTP_HOST": "localhost",
    "wsgi.url_scheme": "http", "wsgi.input": BytesIO(), "REMOTE_ADDR": "10.0.0.2",
    "HTTP_X_FORWARDED_FOR": "203.0.113.9, 198.51.100.7, 10.0.0.3", "HTTP_X_FORWARDED_PROTO": "https",
}, lambda *_: None)
print(*seen[0])
"""


def test_headers_of_an_unknown_proxy_are_not_believed(installation: Installation) -> None:
    assert installation.read(WHO) == "10.0.0.2 http"


def test_the_client_is_the_rightmost_address_that_is_no_proxy(installation: Installation) -> None:
    """What lies left of it was written by the client, and may be anything."""
    installation.env["LUMABOARD_TRUSTED_PROXIES"] = "10.0.0.0/8"
    assert installation.read(WHO) == "198.51.100.7 https"
