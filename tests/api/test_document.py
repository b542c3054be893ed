"""The OpenAPI document: what it says holds for requests that somebody who knows nothing of us makes up from it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections, transaction
from django.test import Client
from hypothesis import HealthCheck, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from lumaboard.accounts.models import Membership
from lumaboard.api import auth
from lumaboard.api.main import api
from lumaboard.generations.models import State
from lumaboard.ops.routes import ROUTES
from tests.api.conftest import V1, Program, scopes_of
from tests.factories import make_connection, make_generation, make_kept_asset, make_token

DOCUMENT: dict[str, Any] = json.loads(json.dumps(api.get_openapi_schema(), default=str))
schema = schemathesis.openapi.from_dict(DOCUMENT)
CHECKS = (not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance)


@pytest.fixture
def token(alice: Membership) -> str:
    """Alice's, in a workspace with something to find under the smallest numbers."""
    row = make_generation(make_connection(alice.workspace), state=State.SUCCEEDED, created_by=alice.user)
    make_kept_asset(row)
    made = make_token(alice, *scopes_of(alice)).token
    Program(made).ask("post", "/shares", {"generations": [row.pk]})
    return made


@pytest.fixture
def one_connection() -> Iterator[None]:
    """Keep the test's connection to the database over requests, as Django's own test client does."""
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


@schema.parametrize()
@settings(max_examples=8, derandomize=True, database=None, deadline=None, suppress_health_check=list(HealthCheck))
def test_made_up_requests_are_answered_as_the_document_says(case: Any, token: str, one_connection: None) -> None:
    for window in (auth.REQUESTS, auth.REFUSALS):
        window.forget()
    with transaction.atomic():
        answer = case.call(
            base_url="http://testserver",
            app=get_wsgi_application(),
            headers={"Authorization": f"Bearer {token}"},
        )
        transaction.set_rollback(True)
    case.validate_response(answer, checks=CHECKS)


def test_every_address_and_method_of_the_api_is_described() -> None:
    told = {method.upper() for path in DOCUMENT["paths"].values() for method in path}
    registered = {name for name in ROUTES if name.startswith("api:")} - {"api:openapi-json", "api:docs", "api:api-root"}
    assert len(DOCUMENT["paths"]) == len(registered)
    assert told == {"GET", "POST", "PATCH", "DELETE"}
    assert DOCUMENT["openapi"].startswith("3.1")


def test_every_operation_says_how_it_fails_in_one_shape() -> None:
    for path in DOCUMENT["paths"].values():
        for operation in path.values():
            failures = {status for status in operation["responses"] if int(status) >= 400}
            assert {"401", "403", "404", "405", "422", "429", "500"} <= failures
            shapes = {json.dumps(operation["responses"][status]["content"]) for status in failures}
            assert len(shapes) == 1


def test_the_document_and_its_page_are_open_to_all(client: Client) -> None:
    told = client.get(f"{V1}/openapi.json")
    assert told.status_code == 200
    assert told.json() == DOCUMENT
    page = client.get(f"{V1}/docs")
    assert page.status_code == 200
    assert "script-src 'self';" in page.headers["Content-Security-Policy"]
    assert not page.cookies
