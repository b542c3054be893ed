"""Sockets that keep to the bounds of the exchange they serve.

An ordinary socket timeout starts anew with every byte, so a server that drips one byte every few seconds, in the headers
already, holds a thread for ever. Here every single read is given only what is left until the deadline. That costs one
clock reading and one `settimeout` per read (under a microsecond), and no second thread.
"""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable
from functools import cache
from time import monotonic
from typing import Any

import certifi
from urllib3.util.timeout import Timeout

PACE_BYTES = 16 * 1024


class Bounds(Timeout):
    """When one exchange has to be over, how long one read may take, and (for files) in which time 16 KiB must come.

    It travels through `requests` and urllib3 as their timeout, and is copied there: one object for each exchange.
    """

    def __init__(self, *, ends_at: float, connect: float, read: float, pace_window: float | None = None) -> None:
        super().__init__(connect=connect, read=read)
        self.ends_at = ends_at
        self.connect_seconds = connect
        self.read_seconds = read
        self.pace_window = pace_window
        self._waited = 0.0
        self._received = 0

    def clone(self) -> Bounds:
        return Bounds(
            ends_at=self.ends_at, connect=self.connect_seconds, read=self.read_seconds, pace_window=self.pace_window
        )

    def remaining(self) -> float:
        return self.ends_at - monotonic()

    def watch(self, sock: socket.socket, transfer: Callable[..., int], *args: Any) -> int:
        """Move some bytes within what is left of the time. Raises TimeoutError, which urllib3 understands."""
        started = monotonic()
        if started >= self.ends_at:
            raise TimeoutError("past the deadline")
        sock.settimeout(min(self.read_seconds, self.ends_at - started))
        count = transfer(*args)
        if self.pace_window is not None:
            self._keep_pace(self.pace_window, count, monotonic() - started)
        return count

    def _keep_pace(self, window: float, count: int, seconds: float) -> None:
        """Count only time spent waiting for the other side, not the time our disk took between two reads."""
        self._waited += seconds
        self._received += count
        if self._waited >= window:
            if self._received < PACE_BYTES:
                raise TimeoutError("below the least pace")
            self._waited, self._received = 0.0, 0


class BoundedSocket(socket.socket):
    """A TCP socket under the bounds of the exchange at hand."""

    bounds: Bounds | None = None

    def recv_into(self, *args: Any) -> int:
        if self.bounds is None:
            return super().recv_into(*args)
        return self.bounds.watch(self, super().recv_into, *args)


class BoundedTLSSocket(ssl.SSLSocket):
    """The same over TLS; sending is bounded too, because here a long body is sent in many pieces."""

    bounds: Bounds | None = None

    def recv_into(self, *args: Any) -> int:
        if self.bounds is None:
            return super().recv_into(*args)
        return self.bounds.watch(self, super().recv_into, *args)

    def send(self, *args: Any) -> int:
        if self.bounds is None:
            return super().send(*args)
        return self.bounds.watch(self, super().send, *args)


def tls_context(*, extra_authorities: str | None = None) -> ssl.SSLContext:
    """Make a verifying context that trusts the system's authorities and the bundled ones (macOS may have no file of them)."""
    context = ssl.create_default_context()
    context.load_verify_locations(cafile=certifi.where())
    if extra_authorities is not None:
        context.load_verify_locations(cadata=extra_authorities)
    context.sslsocket_class = BoundedTLSSocket
    return context


@cache
def shared_tls_context() -> ssl.SSLContext:
    """Give the process's one context: making one costs more than ten connections that share it."""
    return tls_context()
