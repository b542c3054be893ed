"""Ports: whether one is free, and whether somebody answers there."""

from __future__ import annotations

import errno
import socket
import time

from django.core.management.base import CommandError

Address = tuple[str, int]


def refuse_if_taken(address: Address, setting: str) -> None:
    """Raise `CommandError` with one sentence when we could not listen there."""
    host, port = address
    where = f"{host}:{port}"
    try:
        family, kind, protocol, _, resolved = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(resolved)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise CommandError(
                f"{where} is taken by another program, perhaps by another Lumaboard: stop it, or set {setting}."
            ) from error
        raise CommandError(f"Cannot listen on {where} ({error.strerror or error}): set {setting}.") from error


def wait_until_open(address: Address) -> None:
    """Return once somebody accepts connections there; for as long as that takes."""
    host, port = address
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104  (compared, not listened on)
    while True:
        try:
            socket.create_connection((host, port), timeout=1).close()
            return
        except OSError:
            time.sleep(0.1)
