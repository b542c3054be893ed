"""Requests that no browser sends: seeded, so that each can be sent again."""

from __future__ import annotations

import random
from collections.abc import Iterable
from typing import Any
from urllib.parse import quote_from_bytes, urlencode

TEXTS = (
    "",
    "0",
    "1",
    "-1",
    "²",
    "٣",
    "1e9",
    "NaN",
    "9" * 30,
    "9" * 5000,
    "9223372036854775808-9223372036854775808",
    "99999999999999999-999999999999999999",
    "9999-12-31",
    "0001-01-01",
    "2026-02-31",
    "\x00",
    "a\x00b",
    "\r\nSet-Cookie: stolen=1",
    "\ud800",
    "\u202egnp.exe",
    "🎬" * 400,
    "x" * 5000,
    "%s%n%x",
    "%",
    "_",
    "\\",
    "' OR 1=1 --",
    '"><script>alert(1)</script>',
    "{{ 7*7 }}",
    "../../etc/passwd",
    "..%2f..%2f",
    "//evil.example/",
    "javascript:alert(1)",
    "https://[::1",
    "http://127.0.0.1:99999",
    "1:ed0c1edd-29a7-41b8-9a8b-1d6f3a5c0d36",
    "²:ed0c1edd-29a7-41b8-9a8b-1d6f3a5c0d36",
    "9" * 25 + ":ed0c1edd-29a7-41b8-9a8b-1d6f3a5c0d36",
    "1:" + "x" * 191,
    "1:a\x00bcdefgh",
    "[" * 3000,
    '{"id": "' + "y" * 300 + '"}',
    "id,prompt\n" + "z" * 50 + ",a\x00b\n",
)
_NAMES = """
    text connection do_track wanted rest prompt_of prompt file title name key kind pace_factor anyway leave trash
    login password password1 password2 email next theme time_zone language workspace_name csrfmiddlewaretoken
    typed code credential error
    q after before from to owner model state since beating role newest pages start view
"""
NAMES = tuple(_NAMES.split())
METHODS = (
    "GET",
    "GET",
    "GET",
    "HEAD",
    "POST",
    "POST",
    "POST",
    "PUT",
    "PATCH",
    "DELETE",
    "OPTIONS",
    "TRACE",
    "LOCK",
    "X-LOCK",
)
CONTENT_TYPES = (
    "application/x-www-form-urlencoded",
    "application/x-www-form-urlencoded",
    "application/x-www-form-urlencoded; charset=utf-7",
    "application/x-www-form-urlencoded; charset=no-such-charset",
    "multipart/form-data",
    "multipart/form-data; boundary=",
    "multipart/form-data; boundary=b",
    "multipart/form-data; boundary=" + "b" * 300,
    "application/json",
    "text/plain; charset=²",
    "text/html",
    "\xff/\xfe",
    "",
)
HEADERS = {
    "HTTP_HX_REQUEST": ("true", "false", "🎬"),
    "HTTP_HX_CURRENT_URL": ("https://[::1", "//evil", "http://testserver/w/x/?after=²", "%", "x" * 9000),
    "HTTP_HX_CURRENT_URL_URI_AUTOENCODED": ("true",),
    "HTTP_HX_HISTORY_RESTORE_REQUEST": ("true",),
    "HTTP_HX_TRIGGERING_EVENT": ("{", "[" * 5000, "null", '"\\ud800"'),
    "HTTP_HX_BOOSTED": ("true",),
    "HTTP_HX_TARGET": ("x" * 5000, "²"),
    "HTTP_RANGE": ("bytes=", "bytes=9-1", "bytes=-0", "bytes=" + "9" * 5000 + "-", "bytes=0-1,3-4", "²"),
    "HTTP_IF_RANGE": ('W/"x"', "²"),
    "HTTP_IF_NONE_MATCH": ("*", '"' * 999, "W/" * 2000),
    "HTTP_IF_MODIFIED_SINCE": ("yesterday", "Thu, 99 Foo 99999 99:99:99 GMT"),
    "HTTP_ACCEPT_LANGUAGE": ("xx" * 3000, "de;q=NaN", "*;q=²", "en-" + "x-" * 800),
    "HTTP_ACCEPT": ("", "x/" * 2000),
    "HTTP_REFERER": ("https://[::1", "javascript:1", "http://testserver/²", "\xff"),
    "HTTP_ORIGIN": ("null", "https://evil.example", "https://[::1"),
    "HTTP_HOST": ("", "evil.example", "testserver:99999", "[::1", "\xff", "a" * 5000),
    "HTTP_X_FORWARDED_FOR": ("1.2.3.4, ²", "x" * 5000),
    "HTTP_X_FORWARDED_PROTO": ("gopher",),
    "HTTP_AUTHORIZATION": ("Bearer ²", "Basic !!!!", "\xff"),
    "HTTP_SEC_FETCH_SITE": ("cross-site",),
    "HTTP_X_CSRFTOKEN": ("²", "x" * 5000),
    "HTTP_TRANSFER_ENCODING": ("chunked",),
    "CONTENT_LENGTH": ("", "-1", "²", "9" * 30, "5"),
    "REMOTE_ADDR": ("", "::1%eth0", "not an address"),
}


class Noise:
    """Makes hostile requests out of seeded chance."""

    def __init__(self, dice: random.Random) -> None:
        self.dice = dice

    def _happens(self, share: float) -> bool:
        return self.dice.random() < share

    def text(self) -> str:
        if self._happens(0.1):
            return "".join(chr(self.dice.randrange(1, 0x11000)) for _ in range(self.dice.randrange(1, 60)))
        return self.dice.choice(TEXTS)

    def arguments(self, parameters: Iterable[str]) -> dict[str, object]:
        """Values for a route's parameters; mostly none, so that the page behind it is reached."""
        return {name: self._without_surrogates(self.text()) for name in parameters if self._happens(0.1)}

    def spoil_path(self, path: str) -> str:
        """Rarely add what belongs into no path."""
        return path + self._without_surrogates(self.text())[:300] if self._happens(0.05) else path

    def request(self, path: str) -> dict[str, Any]:
        """The arguments of `Client.generic`."""
        asked = {
            "method": self.dice.choice(METHODS),
            "path": path.replace("?", "%3F"),
            "data": self._body(),
            "content_type": self.dice.choice(CONTENT_TYPES),
            "QUERY_STRING": self._query(),
        }
        for name, values in HEADERS.items():
            if self._happens(0.08):
                asked[name] = self.dice.choice(values).encode().decode("latin-1")  # as WSGI passes headers on
        return asked

    def cookies(self) -> str:
        """What a client may send as cookies; the session mostly stays as it is."""
        if self._happens(0.9):
            return ""
        return self.dice.choice(
            ("session=", "session=x", 'csrf="', "session=" + "x" * 5000, "a=b; session=; ;;=", "ü=ü")
        )

    def _query(self) -> str:
        if self._happens(0.3):
            return ""
        if self._happens(0.1):
            return "&".join("a=b" for _ in range(2000)) if self._happens(0.3) else "%ff%fe=%&=&&q=%00%"
        return self._form()

    def _form(self) -> str:
        pairs = [(self.dice.choice(NAMES), self.text()) for _ in range(self.dice.randrange(1, 9))]
        return urlencode(pairs, errors="surrogatepass")

    def _body(self) -> bytes:
        kind = self.dice.randrange(5)
        if kind <= 1:
            return self._form().encode()
        if kind == 2:
            return self.dice.randbytes(self.dice.randrange(2000))
        if kind == 3:
            return self._multipart()
        return quote_from_bytes(self.dice.randbytes(50)).encode() * 20

    def _multipart(self) -> bytes:
        parts = []
        for _ in range(self.dice.randrange(1, 6)):
            value = self.text().encode("utf-8", "surrogatepass")
            name = self.dice.choice(NAMES).encode()
            file = b'; filename="\x00/../x.txt"' if self._happens(0.3) else b""
            parts.append(b'--b\r\nContent-Disposition: form-data; name="' + name + b'"' + file + b"\r\n\r\n" + value)
        return b"\r\n".join(parts) + (b"" if self._happens(0.3) else b"\r\n--b--\r\n")

    @staticmethod
    def _without_surrogates(text: str) -> str:
        return text.encode("utf-8", "replace").decode()
