"""Read settings from the environment, and stop with one clear sentence where a value cannot be read.

Only `lumaboard.settings` uses this module: everybody else reads `django.conf.settings`.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeVar, overload
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured

PREFIX = "LUMABOARD_"
Network = ipaddress.IPv4Network | ipaddress.IPv6Network
T = TypeVar("T")

_UNITS = {"": 1, "K": 2**10, "KIB": 2**10, "M": 2**20, "MIB": 2**20, "G": 2**30, "GIB": 2**30, "T": 2**40, "TIB": 2**40}


class Env:
    """Typed readers over one mapping; remembers which names were asked for, so that misspelt ones can be refused."""

    def __init__(self, values: Mapping[str, str]) -> None:
        self._values = values
        self._known: set[str] = set()

    def _read(self, name: str, default: T, parse: Callable[[str], T], wanted: str) -> T:
        self._known.add(name)
        text = self._values.get(PREFIX + name, "").strip()
        if not text:
            return default
        try:
            return parse(text)
        except (ValueError, KeyError) as error:
            raise ImproperlyConfigured(f"{PREFIX}{name} should be {wanted}, but it is {text!r}.") from error

    def text(self, name: str, default: str = "") -> str:
        return self._read(name, default, str, "text")

    def secret(self, name: str) -> str:
        """Like `text`, but a value that cannot be read is never shown."""
        self._known.add(name)
        return self._values.get(PREFIX + name, "").strip()

    def boolean(self, name: str, *, default: bool) -> bool:
        return self._read(name, default, lambda text: {"True": True, "False": False}[text], "True or False")

    def integer(self, name: str, default: int, *, least: int = 0) -> int:
        def parse(text: str) -> int:
            if (number := int(text)) < least:
                raise ValueError(text)
            return number

        return self._read(name, default, parse, f"a whole number of at least {least}")

    @overload
    def size(self, name: str, default: int) -> int: ...
    @overload
    def size(self, name: str, default: None) -> int | None: ...
    def size(self, name: str, default: int | None) -> int | None:
        """Bytes: `2147483648`, `2GiB`, `500M`."""

        def parse(text: str) -> int:
            digits = text.rstrip("BbIiKkMmGgTt ")
            unit = text[len(digits) :].strip().upper()
            return int(digits) * _UNITS[unit.removesuffix("B") if unit in {"B", "KB", "MB", "GB", "TB"} else unit]

        return self._read(name, default, parse, "a size such as 2GiB")

    def path(self, name: str, default: Path) -> Path:
        return self._read(name, default, lambda text: Path(text).expanduser().resolve(), "a path")

    def networks(self, name: str) -> tuple[Network, ...]:
        return self._read(
            name,
            (),
            lambda text: tuple(ipaddress.ip_network(part.strip()) for part in text.split(",") if part.strip()),
            "networks separated by commas, such as 127.0.0.0/8,10.0.0.0/8",
        )

    def address(self, name: str, default: str) -> tuple[str, int]:
        """A host and port to listen on; IPv6 hosts stand in brackets."""

        def parse(text: str) -> tuple[str, int]:
            parts = urlsplit(f"//{text}")
            if parts.hostname is None or parts.port is None or parts.path:
                raise ValueError(text)
            return parts.hostname, parts.port

        return self._read(name, parse(default), parse, "an address such as 127.0.0.1:8000")

    def origin(self, name: str, default: str) -> str:
        """A URL without a path, such as https://board.example.org."""

        def parse(text: str) -> str:
            parts = urlsplit(text)
            if parts.scheme not in {"http", "https"} or not parts.hostname or parts.path.strip("/") or parts.query:
                raise ValueError(text)
            return f"{parts.scheme}://{parts.netloc}"

        return self._read(name, default, parse, "an address such as https://board.example.org, without a path")

    def issuer(self, name: str) -> str:
        """The URL of an issuer of identities, perhaps with a path; without the slash at its end."""

        def parse(text: str) -> str:
            parts = urlsplit(text)
            if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment:
                raise ValueError(text)
            return text.rstrip("/")

        return self._read(name, "", parse, "an address such as https://login.example.org/realms/team")

    def choice(self, name: str, default: str, among: tuple[str, ...]) -> str:
        def parse(text: str) -> str:
            if text not in among:
                raise ValueError(text)
            return text

        return self._read(name, default, parse, f"one of {', '.join(among)}")

    def refuse_unknown(self) -> None:
        """Stop the start when a `LUMABOARD_` variable is set that nothing reads: it is most likely misspelt."""
        unknown = sorted(
            name for name in self._values if name.startswith(PREFIX) and name[len(PREFIX) :] not in self._known
        )
        if unknown:
            raise ImproperlyConfigured(
                f"Unknown setting {', '.join(unknown)}. Lumaboard knows {', '.join(PREFIX + n for n in sorted(self._known))}."
            )
