"""`requests` over our pools, and without what it does of its own accord: proxies, netrc, cookies, redirects, retries."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from requests.cookies import RequestsCookieJar
from requests.structures import CaseInsensitiveDict
from urllib3.connectionpool import HTTPConnectionPool
from urllib3.response import BaseHTTPResponse

from lumaboard.outbound.guard import Door
from lumaboard.outbound.pools import DoorPools

MOST_HOSTS = 64


class NoCookies(RequestsCookieJar):
    """A jar that stays empty, because it does not look; a policy would be asked only after all the parsing."""

    def extract_cookies(self, *args: Any) -> None:
        """Keep nothing."""


class DoorAdapter(HTTPAdapter):
    """The way from a prepared request to a connection that goes through the door."""

    def __init__(self, door: Door, tls: ssl.SSLContext | None, *, pool_size: int) -> None:
        self._door = door
        self._tls = tls
        super().__init__(pool_connections=MOST_HOSTS, pool_maxsize=pool_size, max_retries=0, pool_block=True)

    def init_poolmanager(self, connections: int, maxsize: int, block: bool = True, **pool_kwargs: Any) -> None:
        """Put our pools in the place of urllib3's; `requests` calls this when the adapter is made."""
        self.poolmanager = DoorPools(self._door, self._tls, most_hosts=connections, pool_size=maxsize)

    def get_connection_with_tls_context(
        self,
        request: requests.PreparedRequest,
        verify: bool | str | None,
        proxies: Mapping[str, str] | None = None,
        cert: tuple[str, str] | str | None = None,
    ) -> HTTPConnectionPool:
        """Find the pool with the same parser that judged the URL. Proxies and other certificates are not to be had."""
        pool: HTTPConnectionPool = self.poolmanager.connection_from_url(request.url)
        return pool

    def cert_verify(self, conn: Any, url: Any, verify: Any, cert: Any) -> None:
        """Leave the pool alone: its context verifies always, whatever one request may ask for.

        `requests` would load its file of authorities into our context, anew for every connection.
        """

    def build_response(self, req: requests.PreparedRequest, resp: BaseHTTPResponse) -> requests.Response:
        """Wrap the answer without reading its cookies: a hundred long ones take longer than most deadlines allow."""
        response = requests.Response()
        response.status_code = resp.status
        response.reason = resp.reason or ""
        response.headers = CaseInsensitiveDict(resp.headers)
        response.raw = resp
        response.url = req.url or ""
        response.request = req
        response.connection = self
        return response

    def request_url(self, request: requests.PreparedRequest, proxies: Mapping[str, str] | None) -> str:
        """Ask for the path; only a proxy would want more."""
        return request.path_url


class DoorSession(requests.Session):
    """A session that keeps nothing between two exchanges but connections."""

    def __init__(self, door: Door, tls: ssl.SSLContext | None, *, pool_size: int) -> None:
        super().__init__()
        self.trust_env = False
        self.cookies = NoCookies()
        adapter = DoorAdapter(door, tls, pool_size=pool_size)
        self.mount("https://", adapter)
        self.mount("http://", adapter)

    def get_redirect_target(self, resp: requests.Response) -> None:
        """Say that nothing redirects.

        Told not to follow a redirect, `requests` still reads all of its body, however long, to prepare the next request.
        """
