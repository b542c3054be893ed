"""Programs with a token, and the counters of how often they ask, fresh for each test."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from lumaboard.accounts.access import scopes_for
from lumaboard.accounts.models import Membership, Scope
from tests.factories import make_token

V1 = "/api/v1"


class Program:
    """What asks the API with a token; bodies are JSON."""

    def __init__(self, token: str = "") -> None:
        self._client = Client(raise_request_exception=False)
        self.headers = {"Authorization": f"Bearer {token}"} if token else {}

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        sent: dict[str, Any] = {} if body is None else {"data": body, "content_type": "application/json"}
        ask = getattr(self._client, method.lower())
        return ask(V1 + path, headers={**self.headers, **headers}, **sent)

    def get(self, path: str, **headers: str) -> Any:
        """What a GET answers, which has to be a 200."""
        answer = self.ask("get", path, **headers)
        assert answer.status_code == 200, answer.content
        return answer.json()


def program_of(membership: Membership, *scopes: str) -> Program:
    """A program of this person, with every scope they may give unless some are named."""
    return Program(make_token(membership, *(scopes or scopes_of(membership))).token)


def scopes_of(membership: Membership) -> list[str]:
    return [scope.value for scope in Scope if scope in scopes_for(membership.role)]


@pytest.fixture
def program(alice: Membership) -> Program:
    """Alice's, with every scope."""
    return program_of(alice)
