"""Share links and the workspace by API."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection as database
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from lumaboard.accounts.models import Membership, Role
from lumaboard.generations.models import Generation
from lumaboard.sharing.models import ShareLink, SharePolicy
from tests.api.conftest import Program, program_of
from tests.factories import make_connection, make_generation, make_member

pytestmark = pytest.mark.django_db


@pytest.fixture
def row(alice: Membership) -> Generation:
    return make_generation(make_connection(alice.workspace), created_by=alice.user)


def test_a_link_is_made_opened_changed_revoked_and_brought_back(row: Generation, program: Program) -> None:
    made = program.ask("post", "/shares", {"generations": [row.pk], "name": "For the client"})
    assert made.status_code == 201
    link = made.json()
    assert (link["state"], link["generations"]) == ("open", [row.pk])
    path = "/s/" + link["url"].partition("/s/")[2]
    assert Client().get(path).status_code == 200
    changed = program.ask("patch", f"/shares/{link['id']}", {"view_limit": 3}).json()
    assert (changed["view_limit"], changed["name"], changed["expires_at"]) == (3, "For the client", link["expires_at"])
    assert program.ask("post", f"/shares/{link['id']}/revoke").json()["state"] == "revoked"
    assert Client().get(path).status_code == 404
    assert program.get("/shares")["items"] == []
    assert len(program.get("/shares?state=ended")["items"]) == 1
    assert program.ask("post", f"/shares/{link['id']}/bring-back").json()["state"] == "open"


def test_a_link_without_an_end_said_ends_in_a_month_or_as_the_workspace_demands(
    row: Generation, alice: Membership, program: Program
) -> None:
    for most_days, wanted in ((None, 30), (7, 7)):
        SharePolicy.objects.update_or_create(workspace=alice.workspace, defaults={"most_days": most_days})
        program.ask("post", "/shares", {"generations": [row.pk]})
        link = ShareLink.objects.latest("id")
        assert link.expires_at is not None
        assert link.expires_at - link.created_at == timedelta(days=wanted)


@pytest.mark.parametrize(
    ("terms", "status", "where"),
    [
        ({"generations": []}, 422, "body.generations"),
        ({"generations": [999_999]}, 422, "body.generations"),
        ({"expires_at": "2020-01-01T00:00:00Z"}, 422, "body.expires_at"),
        ({"expires_at": "9999-12-31T23:59:59Z"}, 422, "body.expires_at"),
        ({"expires_at": None}, 422, "body.expires_at"),
        ({"slug": "the-fox"}, 422, "body.password"),
        ({"slug": "Fox", "password": "open sesame"}, 422, "body.slug"),
        ({"slug": "taken", "password": "open sesame"}, 409, "body.slug"),
        ({"view_limit": 0}, 422, "body.view_limit"),
        ({"download": "raw"}, 422, "body.download"),
    ],
)
def test_terms_that_cannot_be_are_named(
    row: Generation, alice: Membership, program: Program, terms: dict[str, object], status: int, where: str
) -> None:
    program.ask("post", "/shares", {"generations": [row.pk], "slug": "taken", "password": "open sesame"})
    SharePolicy.objects.create(workspace=alice.workspace, most_days=90, most_download="watermarked")
    answer = program.ask("post", "/shares", {"generations": [row.pk], **terms})
    assert answer.status_code == status
    assert [one["where"] for one in answer.json()["error"]["fields"]] == [where]
    assert ShareLink.objects.count() == 1


def test_private_and_strangers_work_is_not_shared(alice: Membership, charlie: Membership, program: Program) -> None:
    private = make_generation(make_connection(alice.workspace), created_by=alice.user, is_private=True)
    strange = make_generation(make_connection(charlie.workspace))
    for pk in (private.pk, strange.pk):
        assert program.ask("post", "/shares", {"generations": [pk]}).status_code == 422
    assert not ShareLink.objects.exists()


def test_others_links_take_the_admin_scope_and_strangers_are_not_there(
    row: Generation, alice: Membership, charlie: Membership
) -> None:
    maker = make_member("Mia", role=Role.MEMBER, workspace=alice.workspace)
    pk = program_of(maker, "share").ask("post", "/shares", {"generations": [row.pk]}).json()["id"]
    asked = [
        program_of(who, *scopes).ask("post", f"/shares/{pk}/revoke")
        for who, *scopes in ((alice, "share"), (alice, "share", "admin"), (charlie, "share", "admin"))
    ]
    assert [answer.status_code for answer in asked] == [403, 200, 404]


def test_the_list_of_links_costs_the_same_however_long_it_is(row: Generation, program: Program) -> None:
    def cost() -> int:
        with CaptureQueriesContext(database) as queries:
            program.get("/shares")
        return len(queries)

    program.ask("post", "/shares", {"generations": [row.pk]})
    few = cost()
    for _ in range(4):
        program.ask("post", "/shares", {"generations": [row.pk]})
    assert cost() == few == 3
    page = program.get("/shares?limit=2")
    assert len(program.get(f"/shares?limit=9&after={page['next']}")["items"]) == 3


def test_members_connections_and_activity_are_told(row: Generation, alice: Membership, bob: Membership) -> None:
    program = program_of(alice)
    program.ask("patch", f"/generations/{row.pk}", {"title": "Fox"})
    assert [one["name"] for one in program.get("/members")["items"]] == ["Alice Adams", "Bob Brown"]
    assert [one["id"] for one in program.get("/connections")["items"]] == [row.connection_id]
    assert "token.made" not in {one["verb"] for one in program_of(alice, "read").get("/activity")["items"]}
    events = program.get("/activity")["items"]
    assert {"rename", "token.made"} <= {one["verb"] for one in events}
    first = program.get("/activity?limit=1")
    assert program.get(f"/activity?limit=1&after={first['next']}")["items"][0]["id"] == events[1]["id"]
    assert timezone.now().isoformat()[:10] == events[0]["at"][:10]
