"""Erasing a person: what goes, what stays without a name, and who cannot go yet."""

from __future__ import annotations

import threading

import pytest
from django.apps import apps
from django.db import connection as database
from django.test import Client
from django.utils import timezone

from lumaboard.accounts.models import Invitation, Membership, Role, Session, User, Workspace
from lumaboard.audit.models import AuditEvent
from lumaboard.generations import operations
from lumaboard.generations.models import Generation, State
from lumaboard.leaving import erasing
from lumaboard.leaving.jobs import purge_deleted
from lumaboard.ops.invariants import acts_are_audited, counts_are_right, workspaces_are_apart
from lumaboard.submission.models import Intent
from tests.accounts.pages import prove
from tests.conftest import client_of
from tests.factories import (
    PASSWORD,
    make_connection,
    make_generation,
    make_intent,
    make_kept_asset,
    make_member,
    make_user,
    make_workspace,
    record_how_they_came,
)

pytestmark = pytest.mark.django_db
URL = "/account/erase/"


@pytest.fixture
def dana(alice: Membership) -> Membership:
    return make_member("Dana Dale", role=Role.MEMBER, workspace=alice.workspace, email="dana@example.com")


def erase_by_page(client: Client, email: str) -> int:
    prove(client)
    return int(client.post(URL, {"typed": email}).status_code)


def test_what_they_made_stays_and_nothing_says_who_they_were(
    alice: Membership, alice_client: Client, dana: Membership
) -> None:
    invite = f"/w/{alice.workspace.slug}/settings/members/"
    dana.delete()
    alice_client.post(invite, {"email": "dana@example.com", "role": "member"})
    Invitation.objects.update(accepted_at=timezone.now())
    Membership.objects.create(user=dana.user, workspace=alice.workspace, role=Role.MEMBER)
    made = make_generation(make_connection(alice.workspace), created_by=dana.user, prompt="A quiet harbour")
    client = client_of(dana)
    assert "Dana Dale" in alice_client.get(f"/w/{alice.workspace.slug}/").content.decode()

    assert erase_by_page(client, "dana@example.com") == 302

    assert Generation.objects.get(pk=made.pk).prompt == "A quiet harbour"
    for path in ("", f"g/{made.pk}/", "settings/members/"):
        page = alice_client.get(f"/w/{alice.workspace.slug}/{path}").content.decode()
        assert "Dana" not in page
        assert ("Former member" in page) == (path != "settings/members/")
    for model in apps.get_models():
        for row in model._default_manager.values():
            assert "dana" not in repr(row).lower(), model
    event = AuditEvent.objects.get(verb="invitation.sent")
    assert (event.actor, event.detail["email"], event.detail["role"]) == (alice.user, "(erased)", "member")
    assert {one.verb for one in AuditEvent.objects.filter(actor=dana.user)} >= {"member.left", "person.erased"}


def test_they_are_out_everywhere_at_once_and_cannot_come_back_in(dana: Membership) -> None:
    here, elsewhere = client_of(dana), client_of(dana)
    erase_by_page(here, "dana@example.com")
    for client in (here, elsewhere):
        assert client.get(f"/w/{dana.workspace.slug}/").headers["Location"].startswith("/accounts/login/")
    assert not Session.objects.filter(user=dana.user).exists()
    for login in ("dana@example.com", f"erased-{dana.user_id}@erased.invalid"):
        page = Client().post("/accounts/login/", {"login": login, "password": PASSWORD})
        assert page.status_code == 200
    assert b"Your account is erased." in here.get("/accounts/login/").content


def test_the_address_may_be_invited_again_and_is_somebody_new(alice_client: Client, dana: Membership) -> None:
    erase_by_page(client_of(dana), "dana@example.com")
    answer = alice_client.post(
        f"/w/{dana.workspace.slug}/settings/members/", {"email": "dana@example.com", "role": "member"}
    )
    assert b"dana@example.com is invited" in answer.content
    assert make_user("Dana", email="dana@example.com").pk != dana.user_id


@pytest.mark.parametrize("typed", ["", "Dana Dale", "dana@example", "other@example.com"])
def test_another_address_erases_nothing(dana: Membership, typed: str) -> None:
    assert erase_by_page(client_of(dana), typed) == 422
    assert User.objects.get(pk=dana.user_id).is_active


def test_a_visitor_signs_in_and_everybody_proves_again_who_they_are(dana: Membership) -> None:
    assert Client().post(URL, {"typed": "dana@example.com"}).headers["Location"].startswith("/accounts/login/")
    asked = client_of(dana).post(URL, {"typed": "dana@example.com"})
    assert asked.headers["Location"].startswith("/accounts/reauthenticate/")
    assert User.objects.get(pk=dana.user_id).is_active


def test_who_took_long_to_confirm_proves_it_once_more_and_is_erased_as_sent(dana: Membership) -> None:
    client = client_of(dana)
    asked = client.post(URL, {"typed": "dana@example.com"})
    done = client.post(asked.headers["Location"], {"password": PASSWORD})
    assert done.headers["Location"] == "/accounts/login/"
    assert not User.objects.get(pk=dana.user_id).is_active


def test_the_last_owner_of_others_cannot_go_and_is_told_of_what(alice: Membership, dana: Membership) -> None:
    own = Membership.objects.create(user=alice.user, workspace=make_workspace("Only mine"), role=Role.OWNER)
    client = client_of(alice)
    prove(client)
    page = client.get(URL).content.decode()
    assert "You are the last owner of Northlight, and others are there." in " ".join(page.split())
    assert f"/w/{alice.workspace.slug}/settings/members/" in page
    assert client.post(URL, {"typed": alice.user.email}).status_code == 409
    assert User.objects.get(pk=alice.user_id).is_active
    assert Workspace.objects.present().filter(pk=own.workspace.pk).exists()


def test_workspaces_they_are_alone_in_are_deleted_with_them(alice: Membership, charlie: Membership) -> None:
    client = client_of(alice)
    prove(client)
    assert "Deleted with you: Northlight." in client.get(URL).content.decode()
    assert erase_by_page(client, alice.user.email) == 302
    assert not Workspace.objects.present().filter(pk=alice.workspace.pk).exists()
    assert Workspace.objects.present().filter(pk=charlie.workspace.pk).exists()
    assert AuditEvent.objects.get(verb="workspace.deleted").detail["name"] == "Northlight"


def test_a_member_who_cannot_sign_in_any_more_keeps_no_workspace_alive(alice: Membership) -> None:
    make_member("Gone", role=Role.MEMBER, workspace=alice.workspace, is_active=False)
    erasing.erase(alice.user, now=timezone.now())
    assert not Workspace.objects.present().filter(pk=alice.workspace.pk).exists()


def test_an_empty_installation_can_be_set_up_again(alice: Membership, client: Client) -> None:
    erasing.erase(alice.user, now=timezone.now())
    assert b"set-up link" in client.get("/").content


def test_invariants_hold_afterwards(alice: Membership, dana: Membership) -> None:
    record_how_they_came(alice, dana)
    erasing.erase(dana.user, now=timezone.now())
    for check in (workspaces_are_apart, acts_are_audited):
        assert list(check(timezone.now())) == []


def test_private_work_goes_with_the_person_and_gives_its_room_back(alice: Membership, dana: Membership) -> None:
    connection = make_connection(alice.workspace)
    shared = make_generation(connection, created_by=dana.user, state=State.SUCCEEDED)
    private = make_generation(connection, created_by=dana.user, is_private=True, state=State.SUCCEEDED, prompt="Hidden")
    operations.rename(private, "A hidden lagoon", actor_id=dana.user.pk, now=timezone.now())
    for generation, bodies in ((shared, {"raw": b"a film"}), (private, {"raw": b"a film", "watermarked": b"another"})):
        for role, body in bodies.items():
            make_kept_asset(generation, body, role=role)
    kept = make_intent(connection, dana.user)
    make_intent(connection, dana.user, is_private=True)
    make_intent(connection, dana.user, state="accepted", is_private=True, generation=private, task_id=private.task_id)
    Workspace.objects.filter(pk=alice.workspace.pk).update(stored_bytes=len(b"a film") + len(b"another"))
    erasing.erase(dana.user, now=timezone.now())
    purge_deleted()
    assert list(Generation.objects.filter(workspace=alice.workspace)) == [shared]
    assert list(Intent.objects.all()) == [kept]
    assert list(counts_are_right(timezone.now())) == []
    alice.workspace.refresh_from_db()
    assert alice.workspace.stored_bytes == len(b"a film")  # the shared one's
    assert not AuditEvent.objects.filter(detail__icontains="hidden").exists()


@pytest.mark.django_db(transaction=True)
def test_of_two_owners_who_go_at_once_one_is_still_needed(alice: Membership, dana: Membership) -> None:
    Membership.objects.filter(pk=dana.pk).update(role=Role.OWNER)
    make_member("Bob Brown", role=Role.VIEWER, workspace=alice.workspace)
    start, ended = threading.Barrier(2), []

    def go(user: User) -> None:
        start.wait()
        try:
            erasing.erase(user, now=timezone.now())
            ended.append("erased")
        except erasing.StillNeeded as refusal:
            ended.append(str(refusal))
        finally:
            database.close()

    threads = [threading.Thread(target=go, args=(one.user,)) for one in (alice, dana)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(ended) == ["Northlight", "erased"]
    assert Membership.objects.filter(workspace=alice.workspace, role=Role.OWNER, user__is_active=True).count() == 1


def test_somebody_in_no_workspace_finds_the_way(client: Client) -> None:
    client.force_login(make_user("Nobody's"))
    page = client.get("/").content.decode()
    assert URL in page
    assert "/account/take-out/" in page
