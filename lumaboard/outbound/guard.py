"""Which addresses may be connected to, asked at the one place where a socket is opened.

A URL says nothing: a name can lead anywhere, `2130706433` and `0x7f.1` are loopback too, and a second lookup may answer
differently from the first. So the name is looked up once, every address in that answer is judged, and the socket is
connected to the very address that was judged.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from time import monotonic

from lumaboard.outbound.errors import AddressRefused, ConnectionFailed, ExchangeTimeout
from lumaboard.outbound.sockets import BoundedSocket, Bounds

IPAddress = IPv4Address | IPv6Address
IPNetwork = IPv4Network | IPv6Network
Resolver = Callable[[str, int], Sequence[str]]

# Written out although `is_global` covers most of it: that property differs between Python versions and lets some through.
_NEVER_V4 = tuple(
    ip_network(block)
    for block in (
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",  # carrier-grade NAT
        "127.0.0.0/8",
        "168.63.129.16/32",  # Azure's platform services, an ordinary-looking public address
        "169.254.0.0/16",  # link-local, and the metadata services of most clouds
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.88.99.0/24",  # 6to4 relays
        "192.168.0.0/16",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",
        "240.0.0.0/4",
    )
)
# Everything outside is loopback, link-local, unique-local, site-local, multicast, NAT64, IPv4-mapped or -compatible.
_GLOBAL_V6 = IPv6Network("2000::/3")
_NEVER_V6 = tuple(
    ip_network(block)
    for block in (
        "2001::/23",  # Teredo and other protocol assignments
        "2001:db8::/32",
        "2002::/16",  # 6to4
        "3fff::/20",
    )
)
_LOOPBACK_V4 = IPv4Address("127.0.0.1")


@dataclass(frozen=True, slots=True)
class AddressPolicy:
    """Public addresses, and the networks the operator of this installation allowed besides."""

    allowed_networks: tuple[IPNetwork, ...] = ()

    @classmethod
    def from_text(cls, networks: str) -> AddressPolicy:
        """Read a list such as `127.0.0.0/8, 10.1.0.0/16`. Raises ValueError on anything that is not a network."""
        return cls(tuple(ip_network(part) for part in networks.replace(",", " ").split()))

    def permits(self, ip: str | IPAddress) -> bool:
        """Say whether a socket may be connected to this address."""
        address = _parsed(ip)
        return address is not None and (self._is_allowed(address) or _is_public(address))

    def is_allowed_by_operator(self, ip: str | IPAddress) -> bool:
        """Say whether the operator named a network this address lies in; only there plain http may go."""
        address = _parsed(ip)
        return address is not None and self._is_allowed(address)

    def _is_allowed(self, address: IPAddress) -> bool:
        twin = _v4_twin(address)
        return any(address in network or (twin is not None and twin in network) for network in self.allowed_networks)


def _parsed(ip: str | IPAddress) -> IPAddress | None:
    if not isinstance(ip, str):
        return ip
    try:
        return ip_address(ip)
    except ValueError:
        return None


def _v4_twin(address: IPAddress) -> IPv4Address | None:
    """Give the IPv4 address that this IPv6 address stands for.

    `::1` counts as 127.0.0.1, because `localhost` leads to both and an operator who allows the one means the machine.
    """
    if isinstance(address, IPv4Address):
        return None
    return _LOOPBACK_V4 if address.is_loopback else address.ipv4_mapped


def _is_public(address: IPAddress) -> bool:
    if address.is_multicast or address.is_reserved or not address.is_global:
        return False
    if isinstance(address, IPv4Address):
        return not any(address in block for block in _NEVER_V4)
    return address in _GLOBAL_V6 and not any(address in block for block in _NEVER_V6)


def look_up(host: str, port: int) -> list[str]:
    """Ask the system's resolver, once. Every address it names is in the answer, in its order."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(sockaddr[0]) for *_, sockaddr in found))


class Door:
    """Opens sockets, and is the only thing that does."""

    # The system's resolver cannot be interrupted, so lookups run beside the exchange; this many may hang at once.
    _lookups = threading.BoundedSemaphore(64)

    def __init__(self, policy: AddressPolicy, resolver: Resolver = look_up) -> None:
        self.policy = policy
        self._resolver = resolver

    def open(self, host: str, port: int, bounds: Bounds, *, is_plain: bool) -> BoundedSocket:
        """Connect to the first address of `host` that answers, after all of them were found fit."""
        addresses = self._resolve(host.strip("[]"), port, bounds)
        self._check(host, addresses, is_plain=is_plain)
        failure: OSError | None = None
        for address in addresses:
            seconds = min(bounds.connect_seconds, bounds.remaining())
            if seconds <= 0:
                break
            try:
                return _connected(address, port, seconds)
            except OSError as error:
                failure = error
        if failure is None or isinstance(failure, TimeoutError):
            raise ExchangeTimeout(f"{host} did not accept a connection in time.", was_sent=False)
        raise ConnectionFailed(f"{host} did not accept a connection: {failure.strerror or 'unreachable'}.")

    def _check(self, host: str, addresses: Sequence[str], *, is_plain: bool) -> None:
        for address in addresses:
            if not self.policy.permits(address):
                raise AddressRefused(f"{host} leads to an address that may not be contacted from here.")
            if is_plain and not self.policy.is_allowed_by_operator(address):
                raise AddressRefused(f"{host} can be contacted by https only.")

    def _resolve(self, host: str, port: int, bounds: Bounds) -> Sequence[str]:
        answer: list[Sequence[str]] = []

        def ask() -> None:
            try:
                answer.append(self._resolver(host, port))
            except (OSError, UnicodeError):
                answer.append(())  # no such name, or a name that cannot be one
            finally:
                self._lookups.release()

        ends_at = monotonic() + max(0.0, min(bounds.connect_seconds, bounds.remaining()))
        if not self._lookups.acquire(timeout=max(0.0, ends_at - monotonic())):
            raise ExchangeTimeout(f"The name {host} could not be looked up in time.", was_sent=False)
        asking = threading.Thread(target=ask, name="lookup", daemon=True)
        asking.start()
        asking.join(max(0.0, ends_at - monotonic()))
        if asking.is_alive():
            raise ExchangeTimeout(f"The name {host} could not be looked up in time.", was_sent=False)
        if not answer or not answer[0]:
            raise ConnectionFailed(f"The name {host} is not known.")
        return answer[0]


def _connected(address: str, port: int, seconds: float) -> BoundedSocket:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    sock = BoundedSocket(family, socket.SOCK_STREAM)
    try:
        sock.settimeout(seconds)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.connect((address, port))
    except BaseException:
        sock.close()
        raise
    return sock
