"""Ask for every address, with every method, as everybody, and hold each answer against the table of routes.

Beside what is answered, each cell is looked at for what must not happen: a refused request or a look that writes or
mails, a word in the answer that is hidden from who asks, a refusal that tells what exists from what does not.
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import product
from typing import Any
from urllib.parse import quote, urlsplit

from django.core import mail
from django.core.cache import caches
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection as database
from django.db import transaction
from django.http.response import HttpResponseBase
from django.test import Client, override_settings

from lumaboard.accounts.models import Role
from lumaboard.accounts.strangers import BEGINNINGS
from lumaboard.api import auth
from lumaboard.ops.routes import NOBODYS, ROUTES, Access, Kind
from tests.access.addresses import ADDRESSES, METHODS, Address
from tests.access.people import (
    ACTORS,
    ELSEWHERE,
    GUEST,
    METRICS_TOKEN,
    OPERATOR,
    PROGRAMS,
    PROGRAMS_ON_PAGES,
    VISITOR,
    Actor,
)
from tests.access.samples import SAMPLES, Sample
from tests.access.world import (
    DEAD_LINKS,
    FROM_OUR_PAGE,
    LINK_PASSWORD,
    LINKS,
    MISSING,
    NO_WORKSPACE,
    Of,
    Planted,
    Which,
    World,
    email_of,
)
from tests.accounts.pages import steady_text

OWNER = ACTORS[0]
SAFE = ("GET", "HEAD", "OPTIONS")
LET_IN, SIGN_IN = "in", "sign in"
OWN_BOOKS = {"accounts_session", "cache", "sharing_unlocktry"}
"""Tables in which a browser's own state is kept, and counts that slow down guessing."""
COUNTED = (
    'UPDATE "sharing_sharelink" SET "download_count"',
    'INSERT INTO "audit_auditevent"',
    'UPDATE "mfa_authenticator" SET "data"',  # that recovery codes were shown, which they are once
)
"""The beginnings of what a look may write: that, and how often, somebody looked."""
CALLS = ('UPDATE "connections_connection" SET "calls_left"', 'UPDATE "connections_connection" AS t SET "calls_left"')
"""The same of a look at the provider's: that a call of the key's budget was spent."""
TOLD = 'INSERT INTO "audit_auditevent"'
NO_CHANGE = 'UPDATE "accounts_workspace" SET "seq"'
"""All that an act writes which finds everything as it wants it."""
UNRECORDED = {"profile", "mfa_edit_webauthn", "gallery:favourite", "news:read", "news:preferences"}
"""What people change of nothing but their own: how they are called, how things look to them, what they like and hear of."""
RECORDED_LATER = {"gallery:new", "api:make", "api:pictures"}
"""What is told once it is so: of a request that something came of, and with it of the pictures in it."""
CARDS = ("sharing:card", "sharing:item_card")
"""Always a picture: where nothing may be told, one and the same."""
FOR_OTHER_SITES = (*CARDS, "sharing:oembed", "sharing:embed", "sharing:item_embed")
"""What programs of other sites ask for. They are let in nowhere, so these answer all alike."""
TELL_LINKS_FROM_NOTHING = {"sharing:page", *FOR_OTHER_SITES} - set(CARDS)
"""Where a locked link answers other than none at all: it says that it is locked, as any other does."""
WAYS: tuple[dict[str, str], ...] = (
    {"HX-Request": "true"},
    {"Range": "bytes=0-3"},
    {"If-None-Match": "*"},
    {"Accept": "application/json"},
)
"""Headers that change how a page answers; none may change what a refusal tells."""
IN_ALL_WAYS = (Role.MEMBER, ELSEWHERE.name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """One request, as one person: one cell of the matrix."""

    address: Address
    method: str
    actor: Actor
    which: Which
    last: str

    @property
    def access(self) -> Access:
        return ROUTES[self.address.name]

    @property
    def sample(self) -> Sample:
        return SAMPLES[self.address.name]

    @property
    def names_nothing_in_bulk(self) -> bool:
        """Whether a form lists things that are not there for this person; such a form does nothing."""
        if not self.sample.is_bulk or self.method not in self.access.methods:
            return False
        return self.which == Which.ABROAD or (
            self.which == Which.PRIVATE and self.actor.may(self.access.rights[self.method])
        )

    @property
    def is_somebodys_own(self) -> bool:
        """Whether the thing exists for one person alone, and that is somebody else."""
        if self.sample.of == Of.TOKEN and self.actor.may("manage_members"):
            return False
        return self.sample.of in (Of.SIGN_IN, Of.PASSKEY, Of.TOKEN, Of.TAKES, Of.PICTURE) and self.which == Which.OTHERS

    @property
    def is_by_a_link_that_is_shut(self) -> bool:
        """Whether the link lets nobody in, or not this person, or, being locked, nothing out to other sites."""
        if self.which == Which.LOCKED:
            return self.actor != GUEST or self.address.name in FOR_OTHER_SITES
        return self.which in DEAD_LINKS

    def __str__(self) -> str:
        thing = " ".join(filter(None, (self.which, self.last)))
        return f"{self.method} {self.address.name}{f' ({thing})' if thing else ''} as {self.actor.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A response that was read to its end, streamed or not."""

    url: str
    status: int
    headers: dict[str, str]
    cookies: tuple[str, ...]
    body: bytes

    @classmethod
    def read(cls, response: HttpResponseBase, url: str) -> Answer:
        return cls(
            url=url,
            status=response.status_code,
            headers=dict(response.headers),
            cookies=tuple(sorted(response.cookies)),
            body=response.getvalue(),
        )

    @property
    def word(self) -> str:
        target = urlsplit(self.headers.get("Location", ""))
        if target.path == "/accounts/login/" and target.query.startswith("next="):
            return SIGN_IN
        return LET_IN if self.status < 400 else str(self.status)

    @property
    def shape(self) -> tuple[Any, ...]:
        """All of it to the byte, but for the asker's own words, the clock, and what is random at every look."""
        headers = sorted((name, self._without_own_words(value)) for name, value in self.headers.items())
        body = self._without_own_words(steady_text(self.body.decode("latin-1")))
        return self.status, headers, self.cookies, body

    def _without_own_words(self, text: str) -> str:
        path, _mark, query = self.url.partition("?")
        address = path.split("/")[2] if path.startswith("/s/") else path
        for word in filter(None, (self.url, path, query, address)):
            text = text.replace(word, "…").replace(quote(word, safe=""), "…").replace(quote(word), "…")
        return text

    @property
    def everything(self) -> bytes:
        return repr(self.headers).encode() + self.body


@dataclass(frozen=True, slots=True)
class Write:
    """The beginning of a statement, and whether it found rows to change."""

    sql: str
    has_effect: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """What came of it."""

    ask: Ask
    answer: str
    expected: frozenset[str]
    faults: tuple[str, ...]

    @property
    def is_right(self) -> bool:
        return self.answer in self.expected and not self.faults

    def __str__(self) -> str:
        wrong = f"{self.answer} instead of {' or '.join(sorted(self.expected))}"
        return f"{self.ask}: " + "; ".join([*([] if self.answer in self.expected else [wrong]), *self.faults])


def expected(ask: Ask) -> frozenset[str]:
    """What the table says about this person, this method and this thing."""
    access, actor = ask.access, ask.actor
    method = "GET" if ask.method == "HEAD" else ask.method
    right = access.stricter.get(ask.last) or access.rights.get(method, "")
    match access.kind:
        case _ if ask.sample.is_dead:
            answers = {"404"}
        case Kind.PUBLIC | Kind.SIGNED | Kind.CALLBACK:
            answers = {LET_IN}
        case Kind.LOGIN:
            answers = {SIGN_IN if not actor.is_signed_in else "404" if ask.is_somebodys_own else LET_IN}
        case Kind.ONE_TIME:  # made for somebody: whoever else is signed in can read it, not use it
            answers = {LET_IN, "403"} if method == "POST" and actor.is_signed_in else {LET_IN}
        case Kind.SHARE:
            answers = {_by_link(ask, method)}
        case Kind.STAFF:
            answers = {LET_IN if actor == OPERATOR else "401"}
        case Kind.API if actor.scopes is None:
            answers = {"401"}
        case Kind.API if actor.role is None:  # what is asked for is that of their own workspace; ids in bodies are ours
            answers = {"404"} if ask.sample.of else {LET_IN} if method == "GET" else {LET_IN, "422"}
        case Kind.API if method in access.methods and not right:
            answers = {LET_IN}
        case Kind.ROLE if not actor.is_signed_in:
            answers = {SIGN_IN}
        case Kind.ROLE if ask.names_nothing_in_bulk:
            answers = {LET_IN}
        case Kind.ROLE if actor.role is None or ask.which == Which.ABROAD or ask.is_somebodys_own:
            answers = {"404"}
        case Kind.API if ask.is_somebodys_own and actor.may(right):
            answers = {"404"}
        case Kind.ROLE | Kind.API if ask.which == Which.PRIVATE:
            answers = {"404"} if right and actor.may(right) else {"403", "404"}
        case Kind.ROLE | Kind.API:
            is_just_read = access.kind == Kind.API and method == "GET"
            is_others = ask.which == Which.OTHERS and access.others is not None and not is_just_read
            needed = {right, access.others or NOBODYS} if is_others else {right}
            answers = {LET_IN if all(one and actor.may(one) for one in needed) else "403"}
    if ask.sample.is_far:  # there is no provider
        answers = {"502" if answer == LET_IN else answer for answer in answers}
    if method not in access.methods:
        answers = {"405"} | (answers - {LET_IN})
    return frozenset(answers)


def _by_link(ask: Ask, method: str) -> str:
    """What a link answers to somebody who has its address; who may do what in the workspace is nothing to it."""
    name = ask.address.name
    if name in CARDS or not ask.is_by_a_link_that_is_shut:
        return "404" if ask.which == Which.SHOWN and name == "sharing:download" else LET_IN
    if ask.which == Which.LOCKED and name in FOR_OTHER_SITES:
        return LET_IN
    if ask.which == Which.LOCKED and name == "sharing:page":
        return LET_IN if method == "GET" else "403"
    return "404"


def asks(addresses: Sequence[Address] = tuple(ADDRESSES)) -> Iterator[Ask]:
    """Every cell there is.

    HEAD, and methods that an address does not have, are tried by four, with the first thing only; programs on pages try
    the first thing alone.
    """
    for address in addresses:
        sample, access = SAMPLES[address.name], ROUTES[address.name]
        for actor in _who_asks(access.kind):
            things = list(product(which_of(sample, actor), sample.last or ("",)))
            for number, (which, last) in enumerate(things[:1] if actor in PROGRAMS_ON_PAGES else things):
                tries_all = number == 0 and actor in (OWNER, ELSEWHERE, VISITOR, PROGRAMS[0])
                for method in METHODS if tries_all else access.methods:
                    yield Ask(address=address, method=method, actor=actor, which=which, last=last)


def _who_asks(kind: Kind) -> tuple[Actor, ...]:
    """Whose answers may differ: to a share link roles are nothing, to a page tokens are."""
    match kind:
        case Kind.API:
            return (*ACTORS, *PROGRAMS)
        case Kind.SHARE:
            return (OWNER, ELSEWHERE, VISITOR, GUEST, *PROGRAMS_ON_PAGES)
        case _:
            return (*ACTORS, *PROGRAMS_ON_PAGES)


def which_of(sample: Sample, actor: Actor) -> tuple[Which, ...]:
    """Which things this person asks for; somebody from elsewhere also tries our ids behind the name of their workspace."""
    match sample.of:
        case Of.NOTHING:
            return (Which.THE_WORKSPACES,)
        case Of.LINK:
            return LINKS
        case Of.GENERATION | Of.INTENT:
            ours: tuple[Which, ...] = (Which.OTHERS, Which.PRIVATE)
        case Of.NOTE | Of.DELETED_NOTE:
            ours = (Which.OTHERS, Which.PRIVATE)
        case Of.SHARE:
            ours = (Which.OTHERS,)
        case Of.PASSKEY:
            return (Which.OWN, Which.OTHERS) if actor.is_signed_in else (Which.OTHERS,)
        case Of.SIGN_IN | Of.TOKEN | Of.TAKES | Of.PICTURE:
            ours = (Which.OTHERS,)
        case _:
            return (Which.THE_WORKSPACES, Which.ABROAD) if actor == ELSEWHERE else (Which.THE_WORKSPACES,)
    if actor == ELSEWHERE:
        return (*ours, Which.ABROAD)
    return (Which.OWN, *ours) if actor.role else ours


@override_settings(METRICS_TOKEN=METRICS_TOKEN)
def walk(world: World, asked: Iterator[Ask]) -> list[Cell]:
    """Ask, and take back what each request did, so that all of them find the same world."""
    browser = Client(raise_request_exception=False)
    with quiet():
        return [_visit(world, browser, ask) for ask in asked]


def _visit(world: World, browser: Client, ask: Ask) -> Cell:
    answers = expected(ask)
    with taken_back(), writes() as written:
        mails = len(mail.outbox)
        found = send(world, browser, ask, values_of(world, ask))
        answer = found.word
        faults = []
        if answer != LET_IN or ask.method in SAFE or ask.names_nothing_in_bulk:
            allowed = COUNTED if answer == LET_IN else CALLS if ask.sample.is_far and answer == "502" else ()
            faults += [f"wrote: {write.sql}" for write in written if not write.sql.startswith(allowed)]
            faults += ["sent a mail"] if len(mail.outbox) > mails else []
        elif ask.access.kind in (Kind.ROLE, Kind.API) and not (written or ask.sample.is_idle):
            faults.append("nothing happened, so its sample is no sample")
        else:
            faults += untold(ask, written)
    faults += [f"tells {word}" for word in hidden_words(world, ask) if word.encode() in found.everything]
    if answer != LET_IN or ask.is_by_a_link_that_is_shut or ask.names_nothing_in_bulk:
        faults += differences(world, browser, ask, found)
    return Cell(ask=ask, answer=answer, expected=answers, faults=tuple(faults))


def untold(ask: Ask, written: Sequence[Write]) -> list[str]:
    """Say what somebody who was let in has changed without a row in the audit trail."""
    changes = [write.sql for write in written if write.has_effect and not write.sql.startswith(NO_CHANGE)]
    is_recorded = any(statement.startswith(TOLD) for statement in changes)
    if ask.access.kind == Kind.SHARE or ask.address.name in UNRECORDED | RECORDED_LATER or is_recorded:
        return []  # guests are counted, not recorded
    return [f"no audit row tells of {statement}" for statement in changes[:1]]


def hidden_words(world: World, ask: Ask) -> tuple[str, ...]:
    """What the answer may not hold."""
    if ask.access.kind == Kind.ONE_TIME:  # whoever holds such a link is told whom it is from
        return ()
    if ask.access.kind == Kind.SHARE:
        return Planted.hidden_by_links(lets_in=not ask.is_by_a_link_that_is_shut)
    addresses = () if ask.actor.may("share") else (*world.links.values(), world.other_locked_link)
    return (*Planted.hidden_from(ask.actor), *addresses)


def values_of(world: World, ask: Ask) -> dict[str, object]:
    """What stands in the path, and in forms and queries, when the thing is asked for."""
    values: dict[str, object] = {
        "workspace": (world.abroad if ask.which == Which.ABROAD else world.workspace).slug,
        **world.secrets.get(ask.address.name, {}),
        **world.values(ask.sample.of, ask.which, ask.actor),
    }
    return {**values, ask.address.parameters[-1]: ask.last} if ask.last else values


def twin_of(world: World, ask: Ask) -> dict[str, object]:
    """Values of what this person must not be able to tell from the thing asked for: of nothing, mostly. Empty: there is none."""
    if ask.which == Which.LOCKED and ask.address.name in TELL_LINKS_FROM_NOTHING:
        return {**values_of(world, ask), "address": world.other_locked_link}
    nothing = {**values_of(world, ask), **MISSING}
    if ask.actor.role is None and ask.address.is_in_workspace and ask.which != Which.ABROAD:
        return {**nothing, "workspace": NO_WORKSPACE}
    is_hidden = ask.which in (Which.ABROAD, Which.PRIVATE) or ask.is_somebodys_own or ask.access.kind == Kind.SHARE
    return nothing if is_hidden else {}


def differences(world: World, browser: Client, ask: Ask, plain: Answer) -> list[str]:
    """Say in which ways of asking the answer differs from that about something that does not exist; the plain one is known."""
    values, twin, found = values_of(world, ask), twin_of(world, ask), []
    for headers, has_query in ways_of(ask) if twin else ():
        with taken_back():
            real = send(world, browser, ask, values, headers=headers, has_query=has_query) if headers else plain
            missing = send(world, browser, ask, twin, headers=headers, has_query=has_query)
        if real.shape != missing.shape:
            found.append(f"is not the answer to {twin}, asked with {headers} and {'a' if has_query else 'no'} query")
    return found


def ways_of(ask: Ask) -> list[tuple[dict[str, str], bool]]:
    """Headers, and whether there is a query, to compare with: all there are, for one from inside and one from outside."""
    if ask.actor.name in IN_ALL_WAYS and ask.method in ask.access.methods:
        return [({}, True), *product(WAYS, (True, False) if ask.sample.query else (True,))]
    return [({}, True)]


def send(
    world: World,
    browser: Client,
    ask: Ask,
    values: dict[str, object],
    *,
    headers: dict[str, str] | None = None,
    has_query: bool = True,
) -> Answer:
    known = {
        "email": email_of(ask.actor),
        "connection": world.connection.pk,
        "addable": world.generations[OWNER.name].pk,
        "link_password": LINK_PASSWORD if ask.actor == GUEST else "a guess",
        **values,
    }
    query = ask.sample.query.format(**known) if has_query else ""
    path = ask.address.path(**values)
    for window in (auth.REQUESTS, auth.REFUSALS, BEGINNINGS):
        window.forget()  # how many asked before is of no concern here
    url = f"{path}?{query}" if query else path
    told = {**ask.actor.headers, **(headers or {})}
    world.hand_over(browser, ask.actor)
    if ask.sample.json is not None and ask.method not in SAFE:
        body = json.dumps(ask.sample.json).replace('"{addable}"', str(known["addable"]))
        return Answer.read(browser.generic(ask.method, url, body, "application/json", headers=told), url)
    if ask.method == "POST":
        form: dict[str, object] = {name: value.format(**known) for name, value in ask.sample.form.items()}
        if ask.sample.file:
            form["file"] = SimpleUploadedFile("first.jpg", ask.sample.file)
        return Answer.read(browser.post(url, form, headers=told | FROM_OUR_PAGE), url)
    return Answer.read(browser.generic(ask.method, url, headers=told), url)


@contextmanager
def quiet() -> Iterator[None]:
    """Without a line in the log for each of thousands of refusals."""
    logging.disable(logging.WARNING)
    try:
        yield
    finally:
        logging.disable(logging.NOTSET)


@contextmanager
def taken_back() -> Iterator[None]:
    with transaction.atomic():
        yield
        transaction.set_rollback(True)
    caches["default"].clear()


@contextmanager
def writes() -> Iterator[list[Write]]:
    """List the statements that change a table, but for the browser's own."""
    found: list[Write] = []

    def note(execute: Callable[..., Any], sql: str, params: Any, many: bool, context: dict[str, Any]) -> Any:
        match = re.match(r'\s*(?:INSERT (?:OR \w+ )?INTO|UPDATE|DELETE FROM) "?(\w+)', sql, re.IGNORECASE)
        result = execute(sql, params, many, context)
        if match and match[1] not in OWN_BOOKS:
            is_insert = sql.lstrip().upper().startswith("INSERT")  # SQLite counts its rows when they are read
            found.append(Write(sql[:120], has_effect=is_insert or context["cursor"].rowcount != 0))
        return result

    with database.execute_wrapper(note):
        yield found
