"""Where `/` leads, and people's and workspaces' settings."""

from __future__ import annotations

import pytest
from django.test import Client

from lumaboard.accounts.models import Membership, Role
from lumaboard.audit.models import AuditEvent
from tests.conftest import client_of
from tests.factories import make_member, make_user, make_workspace

pytestmark = pytest.mark.django_db


def test_an_empty_installation_says_how_to_begin(client: Client) -> None:
    page = client.get("/")
    assert page.status_code == 200
    assert b"set-up link" in page.content


def test_a_visitor_is_sent_to_sign_in(client: Client, alice: Membership) -> None:
    assert client.get("/").headers["Location"] == "/accounts/login/"


def test_somebody_without_a_workspace_is_told_what_to_do(client: Client) -> None:
    client.force_login(make_user("Alice"))
    page = client.get("/").content
    assert b"You are in no workspace" in page
    assert b"Sign out" in page


def test_home_is_the_workspace_used_last(client: Client) -> None:
    first = make_member("Alice Adams", workspace=make_workspace("Day"))
    second = Membership.objects.create(user=first.user, workspace=make_workspace("Night"), role=Role.VIEWER)
    client.post("/accounts/login/", {"login": first.user.email, "password": "a long enough password"})
    assert client.get("/").headers["Location"] == f"/w/{first.workspace.slug}/"
    client.get(f"/w/{second.workspace.slug}/settings/profile/")
    assert client.get("/").headers["Location"] == f"/w/{second.workspace.slug}/"
    second.delete()
    assert client.get("/").headers["Location"] == f"/w/{first.workspace.slug}/"


def test_a_fragment_does_not_count_as_use(client: Client) -> None:
    first = make_member("Alice Adams")
    second = Membership.objects.create(user=first.user, workspace=make_workspace("Night"), role=Role.VIEWER)
    client.post("/accounts/login/", {"login": first.user.email, "password": "a long enough password"})
    client.get(f"/w/{second.workspace.slug}/settings/profile/", headers={"HX-Request": "true"})
    assert client.get("/").headers["Location"] == f"/w/{first.workspace.slug}/"


def test_people_choose_name_theme_time_zone_and_language(bob: Membership) -> None:
    client = client_of(bob)
    url = f"/w/{bob.workspace.slug}/settings/profile/"
    chosen = {"name": "Bob B.", "theme": "dark", "time_zone": "Asia/Tokyo", "language": "en"}
    assert client.post(url, chosen).headers["Location"] == url
    bob.user.refresh_from_db()
    assert {field: getattr(bob.user, field) for field in chosen} == chosen
    page = client.get(url).content.decode()
    assert 'data-theme="dark"' in page
    assert '<option value="Asia/Tokyo" selected>' in page


@pytest.mark.parametrize(
    ("field", "value"), [("time_zone", "Mars/Olympus"), ("theme", "neon"), ("language", "xx"), ("name", " ")]
)
def test_values_that_do_not_exist_are_refused(bob: Membership, field: str, value: str) -> None:
    chosen = {"name": "Bob", "theme": "", "time_zone": "", "language": ""} | {field: value}
    answer = client_of(bob).post(f"/w/{bob.workspace.slug}/settings/profile/", chosen)
    assert answer.status_code == 200
    assert f'id="id_{field}_error"' in answer.content.decode()


def test_a_profile_cannot_be_used_to_become_more(bob: Membership) -> None:
    chosen = {"name": "Bob", "email": "x@example.com", "is_active": "", "password": "x", "role": "owner"}
    client_of(bob).post(f"/w/{bob.workspace.slug}/settings/profile/", chosen)
    email = bob.user.email
    bob.refresh_from_db()
    bob.user.refresh_from_db()
    assert (bob.user.email, bob.user.is_active, bob.role) == (email, True, Role.VIEWER)


@pytest.mark.parametrize("role", [Role.OWNER, Role.ADMIN])
def test_owners_and_admins_rename_the_workspace_and_its_address_stays(alice: Membership, role: Role) -> None:
    member = make_member("Ada", role=role, workspace=alice.workspace)
    url = f"/w/{alice.workspace.slug}/settings/"
    assert client_of(member).post(url, {"name": "Southlight"}).headers["Location"] == url
    slug = alice.workspace.slug
    alice.workspace.refresh_from_db()
    assert (alice.workspace.name, alice.workspace.slug) == ("Southlight", slug)
    assert AuditEvent.objects.get(verb="workspace.renamed").detail["new"] == "Southlight"


@pytest.mark.parametrize("role", [Role.MEMBER, Role.REVIEWER, Role.VIEWER])
def test_others_are_led_to_their_profile_and_cannot_rename(alice: Membership, role: Role) -> None:
    client = client_of(make_member("Mo", role=role, workspace=alice.workspace))
    url = f"/w/{alice.workspace.slug}/settings/"
    assert client.get(url).headers["Location"] == f"{url}profile/"
    assert client.post(url, {"name": "Mine"}).status_code == 403
    alice.workspace.refresh_from_db()
    assert alice.workspace.name == "Northlight"
