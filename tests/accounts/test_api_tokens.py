"""Tokens of programs: who may make which, what they leave of a role, how they end, and where they are shown."""

from __future__ import annotations

import logging
from datetime import timedelta
from urllib.parse import urlsplit

import pytest
from django.core.exceptions import PermissionDenied
from django.db import connection as database
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from lumaboard.accounts import api_tokens
from lumaboard.accounts.access import RIGHTS, SCOPES, Member
from lumaboard.accounts.api_tokens import member_by_token
from lumaboard.accounts.models import ApiToken, Membership, Role, Scope
from lumaboard.accounts.operations import set_password
from lumaboard.accounts.tokens import hash_token
from lumaboard.audit.models import AuditEvent
from lumaboard.core.logs import WithoutTokens
from lumaboard.ops.links import new_password_url
from tests.accounts.pages import prove
from tests.conftest import client_of
from tests.factories import NOW, PASSWORD, acting, make_connection, make_member, make_token

pytestmark = pytest.mark.django_db


def url_of(membership: Membership, path: str = "") -> str:
    return f"/w/{membership.workspace.slug}/settings/tokens/{path}"


def holder_of(token: str) -> Member | None:
    return member_by_token(f"Bearer {token}", now=NOW)


def rights_of(token: str) -> set[str]:
    member = holder_of(token)
    assert member is not None
    return {right for right in RIGHTS if member.may(right)}


def make(client: Client, membership: Membership, *scopes: str, days: str = "30") -> str:
    """Make a token on the page, and return what the page shows of it."""
    prove(client)
    answer = client.post(url_of(membership), {"name": "Nightly render", "scopes": scopes, "days": days})
    assert answer.status_code == 200
    shown = answer.content.decode().partition('id="api-token"')[2].partition(">")[2]
    return shown.partition("<")[0]


def test_a_token_is_shown_once_and_only_its_hash_is_kept(alice: Membership, alice_client: Client) -> None:
    token = make(alice_client, alice, "read", "track")
    row = ApiToken.objects.get()
    assert token.startswith("lb_")
    assert len(token) == 46
    assert (row.token_hash, row.last4, row.scopes) == (hash_token(token), token[-4:], ["read", "track"])
    page = alice_client.get(url_of(alice)).content.decode()
    assert token not in page
    assert f"lb_…{token[-4:]}" in page
    assert "Nightly render" in page


def test_where_there_are_several_connections_a_token_may_be_for_one_of_them(
    alice: Membership, charlie: Membership, alice_client: Client
) -> None:
    make_connection(alice.workspace)
    assert 'name="connection"' not in alice_client.get(url_of(alice)).content.decode()
    spare, strange = make_connection(alice.workspace, name="The spare key"), make_connection(charlie.workspace)
    prove(alice_client)
    for number, count in ((strange.pk, 0), (spare.pk, 1)):
        wanted = {"name": "Nightly render", "scopes": ["read"], "connection": str(number)}
        page = alice_client.post(url_of(alice), wanted).content.decode()
        assert ApiToken.objects.count() == count
    assert ApiToken.objects.get().connection_id == spare.pk
    assert "through The spare key" in page


def test_a_token_acts_for_its_maker_in_its_workspace(alice: Membership) -> None:
    member = holder_of(make_token(alice, "read").token)
    assert member is not None
    assert (member.user, member.workspace, member.role) == (alice.user, alice.workspace, Role.OWNER)


@pytest.mark.parametrize("scope", Scope)
def test_each_scope_leaves_an_owner_just_its_rights(alice: Membership, scope: Scope) -> None:
    assert rights_of(make_token(alice, scope).token) == SCOPES[scope]


def test_no_scope_leaves_the_right_to_change_people_keys_policies_or_the_workspace() -> None:
    left = frozenset().union(*SCOPES.values())
    closed = {right for right in RIGHTS if right.startswith("manage_") and right != "manage_shares"}
    assert not left & (closed | {"delete_workspace"})


def test_a_program_gives_no_roles(alice: Membership) -> None:
    member = holder_of(make_token(alice, *Scope).token)
    assert member is not None
    assert member.gives == ()
    with pytest.raises(PermissionDenied):
        member.require_giving(Role.VIEWER)


def test_a_token_makes_no_tokens(alice: Membership) -> None:
    member = holder_of(make_token(alice, *Scope).token)
    assert member is not None
    with pytest.raises(PermissionDenied):
        api_tokens.make(member, name="More", scopes=["read"], expires_at=None, now=NOW)
    assert ApiToken.objects.count() == 1


@pytest.mark.parametrize(
    ("role", "refused"),
    [
        (Role.VIEWER, ["track", "submit", "share", "admin"]),
        (Role.REVIEWER, ["track", "submit", "share", "admin"]),
        (Role.MEMBER, ["admin"]),
    ],
)
def test_nobody_gives_a_scope_above_their_role(alice: Membership, role: Role, refused: list[str]) -> None:
    maker = make_member("Mia", role=role, workspace=alice.workspace)
    client = client_of(maker)
    prove(client)
    for scope in refused:
        with pytest.raises(PermissionDenied):
            make_token(maker, "read", scope)
        answer = client.post(url_of(maker), {"name": "X", "scopes": ["read", scope], "days": "30"})
        assert "Select a valid choice" in answer.content.decode()
    assert not ApiToken.objects.exists()


def test_a_demoted_makers_token_loses_rights_at_once(alice: Membership) -> None:
    maker = make_member("Mia", role=Role.ADMIN, workspace=alice.workspace)
    token = make_token(maker, *Scope).token
    assert {"change_all", "track"} <= rights_of(token)
    Membership.objects.filter(pk=maker.pk).update(role=Role.VIEWER)
    assert rights_of(token) == {"see"}
    assert "Less now" in client_of(maker).get(url_of(maker)).content.decode()


def test_a_removed_members_token_is_dead_and_stays_so_when_they_come_back(alice: Membership, bob: Membership) -> None:
    token = make_token(bob, "read").token
    client_of(alice).post(f"/w/{alice.workspace.slug}/settings/members/{bob.pk}/remove/")
    assert holder_of(token) is None
    Membership.objects.create(user=bob.user, workspace=bob.workspace, role=Role.VIEWER)
    assert holder_of(token) is None


def test_tokens_of_deactivated_people_and_deleted_workspaces_are_dead(alice: Membership, charlie: Membership) -> None:
    tokens = [make_token(one, "read").token for one in (alice, charlie)]
    alice.user.is_active = False
    alice.user.save()
    charlie.workspace.deleted_at = NOW
    charlie.workspace.save()
    assert [holder_of(token) for token in tokens] == [None, None]


def test_a_token_ends_with_its_time(alice: Membership) -> None:
    token = make_token(alice, "read", expires_at=NOW + timedelta(days=7)).token
    assert member_by_token(f"Bearer {token}", now=NOW + timedelta(days=6, hours=23)) is not None
    assert member_by_token(f"Bearer {token}", now=NOW + timedelta(days=7)) is None


@pytest.mark.parametrize(
    "header",
    [
        "",
        "Bearer",
        "Bearer ",
        "Basic {token}",
        "{token}",
        "Bearer {token}x",
        "Bearer lb_{hash}",
        "Bearer LB_",
        "Bearer é",
    ],
)
def test_anything_but_the_very_token_is_nobody(alice: Membership, header: str) -> None:
    made = make_token(alice, "read")
    assert member_by_token(header.format(token=made.token, hash=made.row.token_hash), now=NOW) is None


def test_the_use_of_a_token_is_noted_once_a_minute_and_costs_one_query_in_between(alice: Membership) -> None:
    made = make_token(alice, "read")
    assert holder_of(made.token)
    with CaptureQueriesContext(
        database,
    ) as queries:
        member_by_token(f"Bearer {made.token}", now=NOW + timedelta(seconds=59))
    assert len(queries) == 1
    made.row.refresh_from_db()
    assert made.row.last_used_at == NOW
    member_by_token(f"Bearer {made.token}", now=NOW + timedelta(seconds=60))
    made.row.refresh_from_db()
    assert made.row.last_used_at == NOW + timedelta(seconds=60)


def test_revoking_asks_first_and_is_final(alice: Membership, alice_client: Client) -> None:
    made = make_token(alice, "read")
    url = url_of(alice, f"{made.row.pk}/revoke/")
    assert "never works again" in alice_client.get(url).content.decode()
    assert holder_of(made.token)
    for said in ("is revoked", "was revoked before"):
        assert said in alice_client.post(url, follow=True).content.decode()
    assert holder_of(made.token) is None
    assert AuditEvent.objects.filter(verb="token.revoked").count() == 1


def test_admins_see_and_revoke_everybodys_tokens_and_members_their_own(alice: Membership, bob: Membership) -> None:
    made = [make_token(one, "read", name=f"of {one.user.name}") for one in (alice, bob)]
    pages = [client_of(one).get(url_of(one)).content.decode() for one in (alice, bob)]
    assert "of Alice Adams" in pages[0]
    assert "of Bob Brown" in pages[0]
    assert "of Alice Adams" not in pages[1]
    assert client_of(bob).post(url_of(bob, f"{made[0].row.pk}/revoke/")).status_code == 404
    assert client_of(alice).post(url_of(alice, f"{made[1].row.pk}/revoke/")).status_code == 302
    assert [holder_of(one.token) is None for one in made] == [False, True]


def test_the_page_costs_the_same_however_many_tokens_there_are(alice: Membership, alice_client: Client) -> None:
    def cost() -> int:
        with CaptureQueriesContext(database) as queries:
            alice_client.get(url_of(alice))
        return len(queries)

    make_token(alice)
    few = cost()
    for name in ("Dana", "Eve", "Finn"):
        make_token(make_member(name, role=Role.MEMBER, workspace=alice.workspace))
    assert cost() == few


def test_making_and_revoking_are_recorded_without_the_token(alice: Membership) -> None:
    made = make_token(alice, "read", "share", name="Nightly render")
    api_tokens.revoke(acting(alice), made.row, now=timezone.now())
    events = AuditEvent.objects.filter(target_kind="apitoken").order_by("id")
    assert [event.verb for event in events] == ["token.made", "token.revoked"]
    assert all(event.actor == alice.user for event in events)
    assert made.token not in str([event.detail for event in events])
    page = client_of(alice).get(f"/w/{alice.workspace.slug}/activity/").content.decode()
    assert "made the API token “Nightly render”" in page


def test_a_token_in_a_log_line_is_cut_out(alice: Membership) -> None:
    token = make_token(alice).token
    line = logging.LogRecord("x", logging.INFO, "", 0, "refused %s", (f"Bearer {token}",), None)
    WithoutTokens().filter(line)
    assert line.getMessage() == "refused Bearer lb_…"


def test_making_a_token_takes_a_fresh_proof_and_then_goes_on(alice: Membership, alice_client: Client) -> None:
    form = {"name": "Nightly render", "scopes": ["read"], "days": "30"}
    asked = alice_client.post(url_of(alice), form)
    assert asked.headers["Location"].startswith("/accounts/reauthenticate/?next=")
    assert not ApiToken.objects.exists()
    shown = alice_client.post(asked.headers["Location"], {"password": PASSWORD})
    assert 'id="api-token"' in shown.content.decode()
    assert ApiToken.objects.count() == 1


def test_who_resets_a_lost_password_ends_their_tokens_everywhere_and_nobody_elses(
    alice: Membership, bob: Membership
) -> None:
    elsewhere = Membership.objects.create(user=alice.user, workspace=make_member("Eve").workspace, role=Role.MEMBER)
    hers, there, his = make_token(alice), make_token(elsewhere), make_token(bob)
    client = Client()
    form = client.get(urlsplit(new_password_url(alice.user)).path, follow=True)
    client.post(form.request["PATH_INFO"], {"password1": PASSWORD + "!", "password2": PASSWORD + "!"})
    assert [holder_of(one.token) is not None for one in (hers, there, his)] == [False, False, True]
    rows = AuditEvent.objects.filter(verb="token.revoked", actor=alice.user).order_by("pk")
    assert [row.workspace for row in rows] == [alice.workspace, elsewhere.workspace]


def test_who_changes_a_password_that_they_know_keeps_their_tokens(alice: Membership, alice_client: Client) -> None:
    made, new = make_token(alice), PASSWORD + "!"
    alice_client.post("/accounts/password/change/", {"oldpassword": PASSWORD, "password1": new, "password2": new})
    assert holder_of(made.token) is not None


def test_a_password_that_the_operator_sets_ends_the_tokens(alice: Membership) -> None:
    made = make_token(alice)
    set_password(alice.user.email, PASSWORD + "!", NOW)
    assert holder_of(made.token) is None


@pytest.mark.parametrize("is_ticked", [True, False])
def test_signing_out_everywhere_ends_the_tokens_where_it_is_ticked(
    alice: Membership, bob: Membership, alice_client: Client, is_ticked: bool
) -> None:
    hers, his = make_token(alice), make_token(bob)
    settings = url_of(alice).removesuffix("tokens/")
    page = alice_client.get(f"{settings}sign-ins/").content.decode()
    assert '<input type="checkbox" name="tokens" checked>' in page
    alice_client.post(f"{settings}sign-out-everywhere/", {"tokens": "on"} if is_ticked else {})
    assert (holder_of(hers.token) is None) == is_ticked
    assert holder_of(his.token) is not None
