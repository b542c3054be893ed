"""Who is in a workspace, as what, and who may change it."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest
from django.core.exceptions import PermissionDenied
from django.db import connection as database
from django.http import Http404
from django.test import Client
from django.test.utils import CaptureQueriesContext

from lumaboard.accounts import members as operations
from lumaboard.accounts.models import Membership, Role
from lumaboard.audit.models import AuditEvent
from lumaboard.generations.models import Generation, State
from tests.accounts.pages import steady
from tests.conftest import client_of
from tests.factories import (
    acting,
    make_connection,
    make_generation,
    make_kept_asset,
    make_member,
    make_workspace,
)

pytestmark = pytest.mark.django_db
ROLES = tuple(Role)
GIVES = {Role.OWNER: set(Role), Role.ADMIN: set(Role) - {Role.OWNER}}
"""Who may give, and take, which roles; whoever is not named gives none."""


def members_url(membership: Membership, path: str = "") -> str:
    return f"/w/{membership.workspace.slug}/settings/members/{path}"


def colleague(alice: Membership, role: Role, name: str = "Dana Dale") -> Membership:
    return make_member(name, role=role, workspace=alice.workspace)


def set_role(actor: Membership, target: Membership, role: str) -> int:
    answer = client_of(actor).post(members_url(actor, f"{target.pk}/role/"), {"role": role})
    return int(answer.status_code)


def roles_in(alice: Membership) -> dict[int, str]:
    return dict(Membership.objects.filter(workspace=alice.workspace).values_list("pk", "role"))


@pytest.mark.parametrize("actor_role", ROLES)
@pytest.mark.parametrize("old", ROLES)
@pytest.mark.parametrize("new", ROLES)
def test_roles_are_changed_by_who_may_give_both_and_by_nobody_else(
    alice: Membership, actor_role: Role, old: Role, new: Role
) -> None:
    actor, target = colleague(alice, actor_role, "Ada Actor"), colleague(alice, old)
    is_allowed = {old, new} <= GIVES.get(actor_role, set())
    assert set_role(actor, target, new) == (302 if is_allowed else 403)
    target.refresh_from_db()
    assert target.role == (new if is_allowed else old)
    noted = AuditEvent.objects.filter(verb="member.role_changed")
    if is_allowed and old != new:
        event = noted.get()
        assert (event.actor, event.target_id, event.workspace) == (actor.user, str(target.user_id), alice.workspace)
        assert event.detail == {"old": old, "new": new}
    else:
        assert not noted.exists()


@pytest.mark.parametrize("actor_role", ROLES)
@pytest.mark.parametrize("role", ROLES)
def test_members_are_removed_by_who_may_give_their_role_and_by_nobody_else(
    alice: Membership, actor_role: Role, role: Role
) -> None:
    actor, target = colleague(alice, actor_role, "Ada Actor"), colleague(alice, role)
    is_allowed = role in GIVES.get(actor_role, set())
    client, url = client_of(actor), members_url(actor, f"{target.pk}/remove/")
    assert client.get(url).status_code == (200 if is_allowed else 403)
    assert client.post(url).status_code == (302 if is_allowed else 403)
    assert Membership.objects.filter(pk=target.pk).exists() != is_allowed
    assert AuditEvent.objects.filter(verb="member.removed", target_id=str(target.user_id)).exists() == is_allowed


@pytest.mark.parametrize("role", ROLES)
def test_everybody_may_leave_and_what_they_made_stays(alice: Membership, role: Role) -> None:
    leaver = colleague(alice, role)
    made = make_generation(make_connection(alice.workspace), created_by=leaver.user)
    client, url = client_of(leaver), members_url(leaver, "leave/")
    page = client.get(url)
    assert b"What you made stays" in page.content
    assert client.post(url).headers["Location"] == "/"
    assert not Membership.objects.filter(pk=leaver.pk).exists()
    assert Generation.objects.get(pk=made.pk).created_by == leaver.user
    event = AuditEvent.objects.get(verb="member.left")
    assert (event.actor, event.detail) == (leaver.user, {"role": role})
    assert b"You are in no workspace" in client.get("/").content
    assert client.get(url).status_code == 404


@pytest.mark.parametrize("role", ROLES)
def test_the_page_shows_everybody_and_offers_only_what_one_may(alice: Membership, role: Role) -> None:
    looker = colleague(alice, role, "Lou Looker")
    others = {one: colleague(alice, one, f"{one.label} Other") for one in ROLES}
    page = client_of(looker).get(members_url(looker)).content.decode()
    assert page.count('<span class="tag">You</span>') == 1
    for one, other in others.items():
        assert other.user.email in page
        is_changeable = one in GIVES.get(role, set())
        assert (members_url(looker, f"{other.pk}/role/") in page) == is_changeable
        assert (members_url(looker, f"{other.pk}/remove/") in page) == is_changeable
    assert members_url(looker, "leave/") in page
    assert members_url(looker, f"{looker.pk}/remove/") not in page
    assert ('value="owner"' in page) == (role == Role.OWNER)
    assert f'href="{members_url(looker)}" aria-current="page"' in page


def test_the_page_says_what_each_role_may_do(bob: Membership, bob_client: Client) -> None:
    page = bob_client.get(members_url(bob)).content.decode()
    assert [label for label in Role.labels if f"<dt>{label}</dt>" not in page] == []


def test_a_role_that_does_not_exist_changes_nothing(alice: Membership, bob: Membership) -> None:
    for role in ("", "king", "Owner", "owner\x00"):
        assert set_role(alice, bob, role) == 302
    bob.refresh_from_db()
    assert bob.role == Role.VIEWER
    assert not AuditEvent.objects.exists()


def test_the_last_owner_can_neither_step_down_nor_leave_nor_be_removed(
    alice: Membership, alice_client: Client, bob: Membership
) -> None:
    ways: dict[str, dict[str, str]] = {
        members_url(alice, f"{alice.pk}/role/"): {"role": Role.ADMIN},
        members_url(alice, "leave/"): {},
    }
    for url, entered in ways.items():
        answer = alice_client.post(url, entered)
        assert answer.headers["Location"] == members_url(alice)
        assert b"A workspace needs an owner" in alice_client.get(members_url(alice)).content
    url = members_url(alice, f"{alice.pk}/remove/")
    assert alice_client.post(url).headers["Location"] == members_url(alice, "leave/")
    alice.refresh_from_db()
    assert alice.role == Role.OWNER
    assert not AuditEvent.objects.exists()


def test_ownership_is_handed_over_by_making_an_owner_and_stepping_down(alice: Membership, bob: Membership) -> None:
    set_role(alice, bob, Role.OWNER)
    set_role(alice, alice, Role.MEMBER)
    assert roles_in(alice) == {alice.pk: Role.MEMBER, bob.pk: Role.OWNER}
    assert set_role(alice, bob, Role.VIEWER) == 403


def test_an_owner_who_is_switched_off_does_not_count_as_one(
    alice: Membership, alice_client: Client, bob: Membership
) -> None:
    Membership.objects.filter(pk=bob.pk).update(role=Role.OWNER)
    bob.user.is_active = False
    bob.user.save()
    alice_client.post(members_url(alice, "leave/"))
    assert Membership.objects.filter(pk=alice.pk).exists()


def test_a_removed_member_is_out_at_the_next_request_everywhere(alice: Membership, alice_client: Client) -> None:
    member = colleague(alice, Role.MEMBER)
    client = client_of(member)
    generation = make_generation(make_connection(alice.workspace), state=State.SUCCEEDED, created_by=member.user)
    make_kept_asset(generation)
    slug = alice.workspace.slug
    gallery = f"/w/{slug}/"
    paths = [
        gallery,
        f"{gallery}live?since=0",
        f"{gallery}g/{generation.pk}/",
        f"{gallery}g/{generation.pk}/live",
        f"/media/{slug}/{generation.pk}/raw/",
        f"/media/{slug}/{generation.pk}/raw/download/",
        members_url(alice),
    ]
    assert [client.get(path).status_code for path in paths] == [200] * len(paths)
    alice_client.post(members_url(alice, f"{member.pk}/remove/"))
    missing = client.get("/w/no-such-workspace/").content
    for path in paths:
        answer = client.get(path)
        assert (answer.status_code, answer.content) == (404, missing), path
    assert client.post(f"{gallery}g/{generation.pk}/trash/").status_code == 404
    assert Generation.objects.get(pk=generation.pk).created_by == member.user


def test_a_lowered_role_holds_at_the_next_request(alice: Membership) -> None:
    member = colleague(alice, Role.MEMBER)
    client, track = client_of(member), f"/w/{alice.workspace.slug}/track/"
    assert client.get(track).status_code == 200
    set_role(alice, member, Role.VIEWER)
    refused = client.get(track)
    assert refused.status_code == 403
    assert b"Your role in this workspace does not allow it" in refused.content


@pytest.mark.parametrize("path", ["role/", "remove/"])
def test_a_membership_of_another_workspace_is_one_that_does_not_exist(
    alice: Membership, alice_client: Client, charlie: Membership, path: str
) -> None:
    there = alice_client.post(members_url(alice, f"{charlie.pk}/{path}"), {"role": Role.VIEWER})
    nowhere = alice_client.post(members_url(alice, f"999999/{path}"), {"role": Role.VIEWER})
    assert there.status_code == nowhere.status_code == 404
    assert steady(there) == steady(nowhere)
    charlie.refresh_from_db()
    assert charlie.role == Role.OWNER


def test_looking_changes_nothing(alice: Membership, alice_client: Client, bob: Membership) -> None:
    before = roles_in(alice)
    for path in ("", "leave/", f"{bob.pk}/role/", f"{bob.pk}/remove/"):
        assert alice_client.get(members_url(alice, path)).status_code in (200, 405)
    assert roles_in(alice) == before
    assert not AuditEvent.objects.exists()


def test_the_page_costs_the_same_with_two_members_and_with_twenty(alice: Membership, bob: Membership) -> None:
    client = client_of(alice)

    def cost() -> int:
        with CaptureQueriesContext(database) as queries:
            assert client.get(members_url(alice)).status_code == 200
        return len(queries)

    with_two = cost()
    for number in range(18):
        colleague(alice, Role.MEMBER, f"Member {number}")
    assert cost() == with_two


def test_an_actor_who_was_removed_meanwhile_is_a_stranger(alice: Membership, bob: Membership) -> None:
    stale = acting(alice)
    make_member("Olga Owner", workspace=alice.workspace)
    alice.delete()
    with pytest.raises(Http404):
        operations.change_role(stale, bob.pk, Role.ADMIN)


# Two at once, in real transactions ------------------------------------------------------------------------------------


def at_once(*acts: Callable[[], object]) -> list[object]:
    """Start every act at the same moment in a thread of its own; what each gave, or raised."""
    barrier, outcomes = threading.Barrier(len(acts)), [object()] * len(acts)

    def run(number: int, act: Callable[[], object]) -> None:
        barrier.wait()
        try:
            outcomes[number] = act()
        except (PermissionDenied, Http404, operations.LastOwner, Membership.DoesNotExist) as error:
            outcomes[number] = error
        finally:
            database.close()

    threads = [threading.Thread(target=run, args=(number, act)) for number, act in enumerate(acts)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    return outcomes


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("way", ["demote each other", "remove each other", "step down", "leave", "demote and leave"])
@pytest.mark.parametrize("attempt", range(3))
def test_two_owners_at_once_leave_one_owner(way: str, attempt: int) -> None:
    workspace = make_workspace()
    one = make_member("Alice Adams", workspace=workspace)
    other = make_member("Olga Owner", workspace=workspace)
    acts: dict[str, tuple[Callable[[], object], Callable[[], object]]] = {
        "demote each other": (
            lambda: operations.change_role(acting(one), other.pk, Role.VIEWER),
            lambda: operations.change_role(acting(other), one.pk, Role.VIEWER),
        ),
        "remove each other": (
            lambda: operations.remove(acting(one), other.pk),
            lambda: operations.remove(acting(other), one.pk),
        ),
        "step down": (
            lambda: operations.change_role(acting(one), one.pk, Role.ADMIN),
            lambda: operations.change_role(acting(other), other.pk, Role.ADMIN),
        ),
        "leave": (lambda: operations.leave(acting(one)), lambda: operations.leave(acting(other))),
        "demote and leave": (
            lambda: operations.change_role(acting(one), other.pk, Role.VIEWER),
            lambda: operations.leave(acting(one)),
        ),
    }
    outcomes = at_once(*acts[way])
    owners = Membership.objects.filter(workspace=workspace, role=Role.OWNER)
    if way != "demote and leave":
        assert owners.count() == 1
        assert sum(isinstance(outcome, Exception) for outcome in outcomes) == 1
    assert owners.count() >= 1
    assert AuditEvent.objects.filter(workspace=workspace).count() == sum(
        not isinstance(outcome, Exception) for outcome in outcomes
    )
