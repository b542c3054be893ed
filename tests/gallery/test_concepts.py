"""Concepts as the provider lists them: asked once, beside the page, and a plain field wherever that does not work."""

from __future__ import annotations

import json
from typing import Any
from uuid import uuid4

import pytest
from django.core.cache import cache
from django.test import Client

from lumaboard.accounts.models import Membership
from lumaboard.connections.models import Connection
from lumaboard.submission.models import Intent
from tests.factories import make_connection
from tests.submission.conftest import Serve, connection_at, saying_json
from tests.submission.conftest import serve as serve  # the fixture

pytestmark = pytest.mark.django_db
LISTED = ["dolly_zoom", "orbit_left", "static"]


@pytest.fixture(autouse=True)
def nothing_known() -> None:
    cache.clear()


@pytest.fixture
def path(alice: Membership) -> str:
    return f"/w/{alice.workspace.slug}/new/"


def boxes(answer: Any) -> list[tuple[str, bool]]:
    return list(answer.context["choices"])


def test_they_are_asked_for_beside_the_page_once_and_kept(
    alice: Membership, alice_client: Client, path: str, serve: Serve
) -> None:
    server = serve(saying_json(LISTED))
    connection_at(alice, server.url)
    page = alice_client.get(path)
    assert (boxes(page), len(server.requests)) == ([], 0)
    assert "toggle from:closest details once" in page.content.decode()
    for _look in range(2):
        asked = alice_client.get(f"{path}concepts/?concepts=static&concepts=our_own")
        assert boxes(asked) == [("our_own", True), ("dolly_zoom", False), ("orbit_left", False), ("static", True)]
    assert len(server.requests) == 1
    assert b"/generations/concepts/list" in server.requests[0]
    assert boxes(alice_client.get(path)) == [(name, False) for name in LISTED]


@pytest.mark.parametrize("document", [{"detail": "no"}, "static", [], [1, None, {"key": 7}, "Not A Key"]])
def test_what_is_no_list_leaves_the_field_and_is_not_asked_for_by_every_page(
    alice: Membership, alice_client: Client, path: str, serve: Serve, document: Any
) -> None:
    server = serve(saying_json(document))
    connection_at(alice, server.url)
    for _look in range(2):
        answer = alice_client.get(f"{path}concepts/?concepts=orbit_left")
        assert 'name="concepts" value="orbit_left"' in answer.content.decode()
        assert boxes(answer) == []
    assert len(server.requests) == 1


def test_a_provider_that_documents_no_list_is_not_asked(
    alice: Membership, alice_client: Client, path: str, serve: Serve
) -> None:
    server = serve(saying_json(LISTED))
    connection_at(alice, server.url, kind="cometapi")
    assert "toggle" not in alice_client.get(path).content.decode()
    assert boxes(alice_client.get(f"{path}concepts/")) == []
    assert server.requests == []


@pytest.mark.parametrize("fields", [{"pause_reason": "key_refused"}, {"calls_left": 0.0, "allowance_per_minute": 0.0}])
def test_a_key_that_rests_is_left_in_peace(
    alice: Membership, alice_client: Client, path: str, serve: Serve, fields: dict[str, Any]
) -> None:
    server = serve(saying_json(LISTED))
    connection_at(alice, server.url, **fields)
    assert boxes(alice_client.get(f"{path}concepts/")) == []
    assert server.requests == []


def test_a_connection_of_another_workspace_is_none(
    alice: Membership, alice_client: Client, charlie: Membership, path: str, serve: Serve
) -> None:
    server = serve(saying_json(LISTED))
    theirs = connection_at(charlie, server.url)
    assert boxes(alice_client.get(f"{path}concepts/?connection={theirs.pk}")) == []
    assert server.requests == []


def test_boxes_and_a_typed_field_are_sent_alike(alice: Membership, alice_client: Client, path: str) -> None:
    connection: Connection = make_connection(alice.workspace)
    for number, concepts in enumerate((["dolly_zoom", "static"], ["dolly_zoom, static"])):
        form = {"token": str(uuid4()), "connection": connection.pk, "prompt": "A quiet harbour", "count": "1"}
        assert alice_client.post(path, form | {"concepts": concepts}).status_code == 302
        sent = json.loads(Intent.objects.order_by("pk")[number].request)
        assert sent["concepts"] == [{"key": "dolly_zoom"}, {"key": "static"}]
