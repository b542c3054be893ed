"""The one session through which everything leaves this program: upstream's API, media hosts, webhooks."""

from __future__ import annotations

import json as json_module
import logging
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from time import monotonic
from typing import Any
from urllib.parse import urlencode, urljoin

import requests
from urllib3.exceptions import (
    DecodeError,
    EmptyPoolError,
    HTTPError,
    LocationParseError,
    ProtocolError,
    ReadTimeoutError,
    SSLError,
)
from urllib3.util import Url, parse_url

from lumaboard.outbound.adapter import DoorSession
from lumaboard.outbound.errors import (
    AnswerCut,
    AnswerTooLarge,
    ExchangeTimeout,
    NotSendable,
    OutboundError,
    RedirectRefused,
)
from lumaboard.outbound.guard import AddressPolicy, Door, Resolver, look_up
from lumaboard.outbound.sockets import Bounds

CONNECT_SECONDS = 5.0
READ_SECONDS = 10.0
CHUNK_BYTES = 64 * 1024
REDIRECTS = frozenset({301, 302, 303, 307, 308})

# One endpoint wants its key in the query string, which urllib3, the floor under `requests`, would log: each request line
# at DEBUG, and the whole URL at WARNING when an answer's headers are malformed.
logging.getLogger("urllib3.connectionpool").setLevel(logging.INFO)
logging.getLogger("urllib3.connection").setLevel(logging.ERROR)


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer. `headers` finds names in any case; `body` is decoded from gzip and the like."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    elapsed: float


class Stream:
    """An answer whose bytes are still on their way. `content_length` is None when it is not known beforehand."""

    def __init__(self, response: requests.Response, *, host: str, max_bytes: int) -> None:
        self.status = response.status_code
        self.headers: Mapping[str, str] = response.headers
        self.url_host = host
        self.content_length = _content_length(response)
        self._response = response
        self._max_bytes = max_bytes

    def chunks(self) -> Iterator[bytes]:
        """Yield the decoded bytes. Raises AnswerTooLarge, AnswerCut or ExchangeTimeout; no byte over the cap is yielded."""
        if self.content_length is not None and self.content_length > self._max_bytes:
            raise AnswerTooLarge(f"{self.url_host} offers {self.content_length} bytes, the limit is {self._max_bytes}.")
        received = 0
        with _named_errors(self.url_host):
            for chunk in self._response.raw.stream(CHUNK_BYTES, decode_content=True):
                received += len(chunk)
                if received > self._max_bytes:
                    raise AnswerTooLarge(f"{self.url_host} sends more than {self._max_bytes} bytes.")
                yield chunk


class OutboundSession:
    """A `requests` session under one address policy. Safe to share between threads; meant to live as long as the process.

    No environment proxies, no netrc, no cookies, no retries. `resolver` and `tls` exist for tests and for operators with
    an authority of their own.
    """

    def __init__(
        self,
        policy: AddressPolicy,
        *,
        pool_size: int = 16,
        user_agent: str = "Lumaboard",
        max_answer_bytes: int = 1_048_576,
        resolver: Resolver = look_up,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._requests = DoorSession(Door(policy, resolver), tls, pool_size=pool_size)
        self._user_agent = user_agent
        self._max_answer_bytes = max_answer_bytes

    def exchange(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        params: Mapping[str, str] | None = None,
        json: Any = None,
        form: Mapping[str, str] | None = None,
        body: bytes | None = None,
        deadline: float = 20.0,
        read_timeout: float = READ_SECONDS,
        max_bytes: int | None = None,
    ) -> Answer:
        """Make one attempt and give the answer, whatever its status; a redirect is an answer too. Raises OutboundError.

        From the lookup of the name to the last byte it takes `deadline` seconds at most, however the other side behaves.
        `max_bytes` counts decoded bytes; without it the session's own limit holds. Of `json`, `form` and `body` one at most
        is given; `body` goes out as it stands, under the `Content-Type` of the headers.
        """
        started = monotonic()
        most = self._max_answer_bytes if max_bytes is None else max_bytes
        target = _target(url, params)
        bounds = _bounds(started + deadline, read_timeout)
        sent = {"User-Agent": self._user_agent, "Accept-Encoding": "gzip, deflate", **(headers or {})}
        if json is not None:
            body = json_module.dumps(json, ensure_ascii=False).encode()
            sent.setdefault("Content-Type", "application/json")
        elif form is not None:
            body = urlencode(form).encode()
            sent.setdefault("Content-Type", "application/x-www-form-urlencoded")
        with self._sent(method, target, sent, bounds, body) as response, _named_errors(_host(target)):
            content = response.raw.read(most + 1, decode_content=True)
            if len(content) > most:
                raise AnswerTooLarge(f"{_host(target)} sends more than {most} bytes.")
            return Answer(response.status_code, response.headers, content, monotonic() - started)

    @contextmanager
    def stream(
        self,
        url: str,
        *,
        max_bytes: int,
        deadline: float,
        max_redirects: int = 3,
        headers: Mapping[str, str] | None = None,
        pace_window: float = 30.0,
    ) -> Iterator[Stream]:
        """GET a file piece by piece, through up to `max_redirects` redirects, each checked like the first address.

        `headers` go to the first host only. Less than 16 KiB in `pace_window` seconds of waiting counts as stalled.
        """
        ends_at = monotonic() + deadline
        first = target = _target(url, None)
        for _ in range(max_redirects + 1):
            own = {"User-Agent": self._user_agent, "Accept-Encoding": "identity"}
            sent = {**own, **(headers or {})} if _origin(target) == _origin(first) else own
            bounds = _bounds(ends_at, READ_SECONDS, pace_window=pace_window)
            with self._sent("GET", target, sent, bounds, None) as response:
                if response.status_code not in REDIRECTS or "Location" not in response.headers:
                    yield Stream(response, host=_host(target), max_bytes=max_bytes)
                    return
                target = _redirected(target, response.headers["Location"])
        raise RedirectRefused(f"{_host(first)} redirects more than {max_redirects} times.")

    def close(self) -> None:
        """Close the idle connections. The session can be used again afterwards."""
        self._requests.close()

    @contextmanager
    def _sent(
        self, method: str, target: Url, headers: Mapping[str, str], bounds: Bounds, body: bytes | None
    ) -> Iterator[requests.Response]:
        """Send the request, lend the open answer, and give the connection back: closed, unless it was read to its end."""
        prepared = _prepared(method, target, headers, body)
        with _named_errors(_host(target)):
            response = self._requests.send(
                prepared,
                timeout=bounds,  # type: ignore[arg-type]  # the stubs forget that urllib3's own kind will do
                stream=True,
                allow_redirects=False,
                proxies={},
            )
        with response:
            yield response


def _bounds(ends_at: float, read: float, *, pace_window: float | None = None) -> Bounds:
    return Bounds(ends_at=ends_at, connect=CONNECT_SECONDS, read=read, pace_window=pace_window)


def _target(url: str, params: Mapping[str, str] | None) -> Url:
    """Take the URL apart once; everything after goes by these parts, so no two parsers can disagree about the host."""
    try:
        target = parse_url(url)
    except (LocationParseError, ValueError):
        raise NotSendable("That is not a web address.") from None
    if target.scheme not in {"http", "https"} or not target.host:
        raise NotSendable("A web address begins with https:// and a host.")
    if target.auth is not None:
        raise NotSendable(f"The address of {target.host} carries a user name or password, which is not sent.")
    if params:
        query = "&".join(part for part in (target.query, urlencode(params)) if part)
        target = target._replace(query=query)
    return target


def _redirected(target: Url, location: str) -> Url:
    try:
        return _target(urljoin(target.url, location), None)
    except (NotSendable, ValueError):
        raise RedirectRefused(f"{_host(target)} redirects to something that is not a web address.") from None


def _host(target: Url) -> str:
    return target.host or ""


def _origin(target: Url) -> tuple[str | None, str | None, int]:
    return target.scheme, target.host, target.port or (443 if target.scheme == "https" else 80)


def _prepared(method: str, target: Url, headers: Mapping[str, str], body: bytes | None) -> requests.PreparedRequest:
    _check_headers(headers)
    try:
        prepared = requests.Request(method, target.url, headers=headers, data=body).prepare()
    except (requests.RequestException, ValueError):
        raise NotSendable(f"The request to {_host(target)} cannot be sent.") from None
    # The URL as it was judged. `requests` rewrites escapes, which leads nowhere else but can break a signed link.
    prepared.url = target.url
    return prepared


def _check_headers(headers: Mapping[str, str]) -> None:
    for name, value in headers.items():
        if not (value.isascii() and value.isprintable() and name.isascii() and name.isprintable()):
            raise NotSendable(f"The header {name!a} holds characters that cannot be sent.")


def _content_length(response: requests.Response) -> int | None:
    length = response.headers.get("Content-Length", "")
    is_plain = response.headers.get("Content-Encoding", "identity").lower() == "identity"
    return int(length) if is_plain and length.isascii() and length.isdigit() and len(length) < 19 else None


@contextmanager
def _named_errors(host: str) -> Iterator[None]:
    """Turn the errors of `requests` (sending) and urllib3 (reading) into ours, and drop them: they may quote the URL."""
    try:
        yield
    except EmptyPoolError:
        raise ExchangeTimeout(f"All connections to {host} were busy until the deadline.", was_sent=False) from None
    except (requests.Timeout, ReadTimeoutError, TimeoutError):
        raise ExchangeTimeout(f"{host} did not answer in time.") from None
    except (requests.ConnectionError, ProtocolError, SSLError, DecodeError):
        raise AnswerCut(f"The answer of {host} broke off or cannot be decoded.") from None
    except (HTTPError, OSError, ValueError) as error:
        raise OutboundError(f"The exchange with {host} failed ({type(error).__name__}).") from None
