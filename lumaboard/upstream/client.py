"""One method for each thing we ask of upstream; one attempt for each call.

Every method gives a typed answer or raises an UpstreamError. When to ask again is not decided here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from urllib.parse import quote, unquote, urlsplit

from lumaboard.outbound import (
    AddressRefused,
    Answer,
    AnswerCut,
    AnswerTooLarge,
    NotSendable,
    OutboundError,
    OutboundSession,
)
from lumaboard.upstream.balances import parse_balance
from lumaboard.upstream.concepts import parse_concepts
from lumaboard.upstream.creates import Outcome, judged, without_answer
from lumaboard.upstream.errors import (
    GenerationNotFound,
    KeyRefused,
    NotAnApi,
    NotUnderstood,
    RequestRefused,
    UpstreamError,
    UpstreamUnavailable,
)
from lumaboard.upstream.fields import LONGEST_ID
from lumaboard.upstream.parse import parse_answer
from lumaboard.upstream.types import Balance, Batch, Snapshot

API_PATH = "/dream-machine/v1"
COMETAPI_HOST = "api.cometapi.com"
COMETAPI_BALANCE_URL = "https://query.cometapi.com/user/quota"
NOBODYS_ID = "00000000-0000-0000-0000-000000000000"
KINDS = frozenset({"cometapi", "luma", "simulator"})
KINDS_WITH_LIST = frozenset({"luma", "simulator"})
"""Upstreams that can be asked for everything made with a key."""

KINDS_WITH_CONCEPTS = frozenset({"luma", "simulator"})
"""Upstreams that list the concepts which a create takes; relays may pass them on, but tell of none."""

CREATE_SECONDS = 90.0
LONGEST_PATH = 1_000
_OURS_TO_SAY = frozenset({"authorization", "host", "cookie", "content-length", "transfer-encoding", "connection"})
LARGEST_LIST = 8 * 1_048_576


def normalised_base_url(text: str) -> str:
    """Cut what people paste down to scheme, host and prefix: no trailing slash, API path, query or `/v1`.

    Raises NotAnApi when it is no web address.
    """
    try:
        parts = urlsplit(text.strip())
        host, port = parts.hostname, parts.port
    except ValueError:
        host = port = None
    if not host or parts.scheme not in {"http", "https"} or parts.username is not None:
        raise NotAnApi("The base URL must look like https://api.example.com, without user name or password.")
    path = parts.path.partition(API_PATH)[0].rstrip("/").removesuffix("/v1").rstrip("/")
    netloc = f"[{host}]" if ":" in host else host
    return f"{parts.scheme}://{netloc}{f':{port}' if port else ''}{path}"


class Client:
    """Speaks to one upstream with one key, over a session that belongs to somebody else. Safe to share between threads."""

    def __init__(
        self,
        session: OutboundSession,
        *,
        kind: str,
        base_url: str,
        key: str,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        if kind not in KINDS:
            raise ValueError(f"There is no upstream of the kind {kind!r}.")
        self._session = session
        self._kind = kind
        self._base_url = normalised_base_url(base_url)
        self._key = key.strip()
        self._clock = clock

    def get_generation(self, task_id: str) -> Snapshot:
        """Ask for one generation. An answer that names other ids only counts as not understood."""
        if not task_id.strip() or len(task_id) > LONGEST_ID or set(task_id) <= {"."}:
            raise RequestRefused("That cannot be the id of a generation.")  # dots would climb to another path
        answer = self._get(f"{self._base_url}{API_PATH}/generations/{quote(task_id, safe='')}")
        return self.generation_in(answer, task_id)

    def generation_in(self, answer: Answer, task_id: str) -> Snapshot:
        """Read an answer to `GET /generations/<task id>`; raises UpstreamError where it says nothing about that one."""
        found = parse_answer(answer, now=self._clock())
        candidates = found.snapshots if isinstance(found, Batch) else (found,)
        for snapshot in candidates:
            if snapshot.is_about(task_id):
                return snapshot
        raise NotUnderstood("Upstream answered about another generation than the one asked for.")

    def list_generations(self, *, limit: int = 100, offset: int = 0) -> Batch:
        """Ask for a page of what was made with this key, newest first. Raises NotAnApi where upstream has no list."""
        if self._kind not in KINDS_WITH_LIST:
            raise NotAnApi("This provider has no list of generations.")
        answer = self.exchange("GET", "/generations", query=f"limit={limit}&offset={offset}", max_bytes=LARGEST_LIST)
        found = parse_answer(answer, now=self._clock())
        return found if isinstance(found, Batch) else Batch(snapshots=(found,))

    def list_concepts(self) -> tuple[str, ...]:
        """Ask which concepts a create takes; somebody is waiting, so not for long. Raises NotAnApi where there is no list."""
        if self._kind not in KINDS_WITH_CONCEPTS:
            raise NotAnApi("This provider has no list of concepts.")
        answer = self.exchange("GET", "/generations/concepts/list", deadline=6.0, read_timeout=5.0)
        return parse_concepts(answer, now=self._clock())

    def create(self, path: str, body: bytes) -> Outcome:
        """Ask for something to be made: one attempt, never repeated here, judged whatever comes of it. Raises nothing."""
        try:
            answer = self.exchange("POST", path, body=body, deadline=CREATE_SECONDS, read_timeout=CREATE_SECONDS)
        except UpstreamError as error:
            return without_answer(error)
        return judged(answer, now=self._clock())

    def exchange(
        self,
        method: str,
        path: str,
        *,
        query: str = "",
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        deadline: float = 20.0,
        read_timeout: float = 10.0,
        max_bytes: int | None = None,
    ) -> Answer:
        """Pass one call through: `path` is what comes behind `/dream-machine/v1`, quoted as it shall be sent.

        The answer is given as it came, whatever its status. Raises UpstreamError where none came whole; its `was_sent`
        tells whether the request may have arrived. The key always is this client's, and the host its own.
        """
        if not is_path(path):
            raise _unsent(RequestRefused("That cannot be a path of this API."))
        sent = {"Accept": "application/json"}
        if body is not None:
            sent["Content-Type"] = "application/json"
        sent |= {name: value for name, value in (headers or {}).items() if name.lower() not in _OURS_TO_SAY}
        return self._exchange(
            f"{self._base_url}{API_PATH}{path}{'?' if query else ''}{query}",
            method=method,
            headers={**sent, "Authorization": f"Bearer {self._key}"},
            body=body,
            deadline=deadline,
            read_timeout=read_timeout,
            max_bytes=max_bytes,
        )

    def get_balance(self) -> Balance | None:
        """Ask what is left on the account; None where this upstream has no such question."""
        if self._kind != "cometapi":
            return parse_balance(self._get(f"{self._base_url}{API_PATH}/credits"), now=self._clock())
        if self._base_url != f"https://{COMETAPI_HOST}":
            return None  # the balance lives on a host of its own, which must not get the key of some other relay
        answer = self._exchange(COMETAPI_BALANCE_URL, headers={}, params={"key": self._key})
        return parse_balance(answer, now=self._clock())

    def check(self) -> Balance | None:
        """Find out whether host, path and key are good, by asking for an id that nobody has.

        "Not found" is the healthy answer. Anything wrong is raised. Gives the balance if it can be had.
        """
        with suppress(GenerationNotFound):  # spoken by an API that accepted the key
            self.get_generation(NOBODYS_ID)
        try:
            return self.get_balance()
        except UpstreamError:
            return None  # host and key have just proved good; the balance is an extra that not every upstream gives

    def _get(self, url: str) -> Answer:
        return self._exchange(url, headers={"Authorization": f"Bearer {self._key}", "Accept": "application/json"})

    def _exchange(
        self,
        url: str,
        *,
        method: str = "GET",
        headers: Mapping[str, str],
        params: Mapping[str, str] | None = None,
        body: bytes | None = None,
        deadline: float = 20.0,
        read_timeout: float = 10.0,
        max_bytes: int | None = None,
    ) -> Answer:
        if not self._key or not (self._key.isascii() and self._key.isprintable()) or " " in self._key:
            raise _unsent(KeyRefused("The key is empty or holds characters that no key has."))
        try:
            return self._session.exchange(
                method,
                url,
                headers=headers,
                params=params,
                body=body,
                deadline=deadline,
                read_timeout=read_timeout,
                max_bytes=max_bytes,
            )
        except OutboundError as error:
            said = _said_of(error)
            said.was_sent = error.was_sent
            raise said from error


def is_path(path: str) -> bool:
    """Say whether this can stand behind `/dream-machine/v1` and lead nowhere else: no query, no climbing, no second host."""
    if not path.startswith("/") or len(path) > LONGEST_PATH or not path.isascii() or not path.isprintable():
        return False
    if set(path) & set("?#\\ "):
        return False
    return all(step and not set(step) <= {"."} for step in unquote(path[1:]).split("/"))


def _unsent(error: UpstreamError) -> UpstreamError:
    error.was_sent = False
    return error


def _said_of(error: OutboundError) -> UpstreamError:
    if isinstance(error, AddressRefused | NotSendable):
        return NotAnApi(str(error))
    if isinstance(error, AnswerCut | AnswerTooLarge):
        return NotUnderstood(str(error))
    return UpstreamUnavailable(str(error))
