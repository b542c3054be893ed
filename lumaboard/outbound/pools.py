"""The connections and pools under `requests`, which are urllib3's, with our door, our sockets and our deadline in them."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import HTTPError
from urllib3.poolmanager import PoolManager
from urllib3.response import BaseHTTPResponse

from lumaboard.outbound.errors import ConnectionFailed, ExchangeTimeout
from lumaboard.outbound.guard import Door
from lumaboard.outbound.sockets import BoundedSocket, BoundedTLSSocket, Bounds, shared_tls_context


@contextmanager
def _nothing_sent_yet(host: str) -> Iterator[None]:
    """Name failures of connecting and of the TLS handshake, while it is still certain that no request has left."""
    try:
        yield
    except TimeoutError:
        raise ExchangeTimeout(f"{host} did not complete the connection in time.", was_sent=False) from None
    except (OSError, HTTPError) as error:
        reason = getattr(error, "verify_message", "") or "the connection could not be secured"
        raise ConnectionFailed(f"{host}: {reason}.") from None


class PlainConnection(HTTPConnection):
    """A connection without TLS: only towards networks the operator allowed."""

    bounds: Bounds

    def __init__(self, *args: Any, door: Door, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.door = door

    def begin(self, bounds: Bounds) -> None:
        """Put the exchange that starts now under its own bounds, on a new socket or on a kept one."""
        self.bounds = bounds
        if isinstance(self.sock, BoundedSocket):
            self.sock.bounds = bounds

    def _new_conn(self) -> BoundedSocket:
        return self.door.open(self._dns_host, self.port, self.bounds, is_plain=True)

    def connect(self) -> None:
        with _nothing_sent_yet(self.host):
            super().connect()
        self.begin(self.bounds)


class TLSConnection(HTTPSConnection):
    """A connection with TLS; certificate and SNI go by the name although the socket goes to a checked address."""

    bounds: Bounds

    def __init__(self, *args: Any, door: Door, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.door = door

    def begin(self, bounds: Bounds) -> None:
        """As above. During the handshake the socket still carries the timeout it was connected with."""
        self.bounds = bounds
        if isinstance(self.sock, BoundedTLSSocket):
            self.sock.bounds = bounds

    def _new_conn(self) -> BoundedSocket:
        return self.door.open(self._dns_host, self.port, self.bounds, is_plain=False)

    def connect(self) -> None:
        with _nothing_sent_yet(self.host):
            super().connect()
        self.begin(self.bounds)


class _BoundedPool(HTTPConnectionPool):
    """Connections to one host and port. The timeout that urllib3 hands around is the exchange's `Bounds`."""

    def urlopen(self, *args: Any, **kwargs: Any) -> BaseHTTPResponse:
        """Wait for a free connection until the deadline at most; `requests` would wait for ever."""
        return super().urlopen(*args, **{**kwargs, "pool_timeout": max(0.0, kwargs["timeout"].remaining())})

    def _make_request(self, *args: Any, **kwargs: Any) -> BaseHTTPResponse:
        """Take over a connection: urllib3 calls this before anything else is done to it."""
        args[0].begin(kwargs["timeout"])
        return super()._make_request(*args, **kwargs)


class PlainPool(_BoundedPool):
    """Connections without TLS."""

    ConnectionCls = PlainConnection


class TLSPool(_BoundedPool, HTTPSConnectionPool):
    """Connections with TLS."""

    ConnectionCls = TLSConnection


class DoorPools(PoolManager):
    """A pool for each host, all behind one door. The host unused for longest is forgotten first.

    Forgotten, not closed: exchanges under way end normally, and idle sockets go with the pool.
    """

    def __init__(self, door: Door, tls: ssl.SSLContext | None, *, most_hosts: int, pool_size: int) -> None:
        super().__init__(num_pools=most_hosts)
        self._door = door
        self._tls = tls
        self._pool_size = pool_size

    def _new_pool(
        self, scheme: str, host: str, port: int, request_context: dict[str, Any] | None = None
    ) -> HTTPConnectionPool:
        """Make the pool; urllib3 means this method to be overridden. Callers have no say in how TLS is done."""
        if scheme == "http":
            return PlainPool(host, port, maxsize=self._pool_size, block=True, door=self._door)
        context = self._tls or shared_tls_context()
        return TLSPool(host, port, maxsize=self._pool_size, block=True, door=self._door, ssl_context=context)
