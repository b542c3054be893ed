"""A program with a token, and an upstream on a real socket that says what a test wants."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import connection as database
from django.http import HttpResponse
from django.test import Client

from lumaboard.accounts.models import Membership, Scope
from tests.factories import make_token
from tests.submission.conftest import serve as serve

ALL = (Scope.READ, Scope.TRACK, Scope.SUBMIT)


class Program:
    """Sends requests with a token, as a script does that knows the provider's API."""

    def __init__(self, token: str) -> None:
        self.headers = {"Authorization": f"Bearer {token}"}
        self._client = Client(raise_request_exception=False)

    def ask(
        self,
        path: str,
        method: str = "GET",
        body: bytes | str = b"",
        *,
        content_type: str = "application/json",
        headers: Mapping[str, str] | None = None,
    ) -> HttpResponse:
        return self._client.generic(
            method,
            f"/dream-machine/v1{path}",
            body,
            content_type=content_type if body else "",
            headers={**self.headers, **(headers or {})},
        )

    def create(self, body: bytes, path: str = "/generations", **headers: str) -> HttpResponse:
        return self.ask(path, "POST", body, headers={name.replace("_", "-"): value for name, value in headers.items()})


MakeProgram = Callable[..., Program]


@pytest.fixture
def program_of() -> MakeProgram:
    """Make a program of somebody, with these scopes or with all that the proxy knows."""

    def make(membership: Membership, *scopes: str, **fields: Any) -> Program:
        return Program(make_token(membership, *(scopes or ALL), **fields).token)

    return make


@pytest.fixture
def program(alice: Membership, program_of: MakeProgram) -> Program:
    return program_of(alice)


@contextmanager
def refusing_rows_in(table: str) -> Iterator[None]:
    """Let a table take no new rows, as with a full disk; for tests that are not inside a transaction."""
    body = (
        "BEGIN SELECT RAISE(ABORT, 'full'); END"
        if database.vendor == "sqlite"
        else "FOR EACH ROW EXECUTE FUNCTION refuse()"
    )
    with database.cursor() as cursor:
        if database.vendor != "sqlite":
            function = "BEGIN RAISE EXCEPTION 'full'; END"
            cursor.execute(f"CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ {function} $$")
        cursor.execute(f"CREATE TRIGGER refuse BEFORE INSERT ON {table} {body}")
    try:
        yield
    finally:
        with database.cursor() as cursor:  # a new one: what could not be written down may have ended the connection
            cursor.execute("DROP TRIGGER refuse" if database.vendor == "sqlite" else "DROP FUNCTION refuse CASCADE")
