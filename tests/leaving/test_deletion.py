"""Deleting a workspace: who may, what everybody finds afterwards, and that nothing of it is left."""

from __future__ import annotations

import os
import threading
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from django.core.exceptions import PermissionDenied
from django.db import connection as database
from django.http import Http404
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import Settings

from lumaboard.accounts.access import Member
from lumaboard.accounts.models import Invitation, Membership, Role, User, Workspace
from lumaboard.archive import storage, sweeping
from lumaboard.audit.models import AuditEvent
from lumaboard.connections.models import Connection
from lumaboard.generations.counters import Count
from lumaboard.generations.models import Asset, CopyState, Generation, State, Transition
from lumaboard.leaving import deletion
from lumaboard.ops.invariants import acts_are_audited, counts_are_right, workspaces_are_apart
from lumaboard.refresh.claim import claim_due
from tests.accounts.pages import prove, steady
from tests.conftest import client_of
from tests.factories import (
    PASSWORD,
    make_asset,
    make_connection,
    make_generation,
    make_invitation,
    make_member,
    record_how_they_came,
)

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def media_root(settings: Settings, tmp_path: Path) -> Path:
    settings.MEDIA_ROOT = tmp_path / "media"
    return tmp_path / "media"


def delete_url(membership: Membership) -> str:
    return f"/w/{membership.workspace.slug}/settings/delete/"


def member(membership: Membership) -> Member:
    return Member(user=membership.user, workspace=membership.workspace, role=Role(membership.role))


def keep_file(workspace: Workspace, content: bytes = b"film") -> str:
    with storage.PartFile(workspace.pk) as part:
        part.write(content)
        return part.keep(extension="mp4").name


def fill(membership: Membership, count: int = 1) -> list[Generation]:
    """Generations, each with a kept file."""
    connection = make_connection(membership.workspace)
    made = []
    for number in range(count):
        row = make_generation(
            connection, state=State.SUCCEEDED, copy_state=CopyState.ARCHIVED, created_by=membership.user
        )
        name = keep_file(membership.workspace, f"film {number}".encode())
        make_asset(row, copy_state=CopyState.ARCHIVED, stored_name=name, sha256=Path(name).stem, size=6)
        made.append(row)
    return made


def later(minutes: float) -> datetime:
    return timezone.now() + timedelta(minutes=minutes)


@pytest.mark.parametrize("role", Role)
def test_only_owners_may_delete(alice: Membership, role: Role) -> None:
    client = client_of(make_member("Dana Dale", role=role, workspace=alice.workspace))
    prove(client)
    is_allowed = role == Role.OWNER
    assert client.get(delete_url(alice)).status_code == (200 if is_allowed else 403)
    answer = client.post(delete_url(alice), {"typed": alice.workspace.name})
    assert answer.status_code == (302 if is_allowed else 403)
    assert Workspace.objects.present().filter(pk=alice.workspace.pk).exists() != is_allowed


def test_a_stranger_finds_no_such_page(alice: Membership, charlie_client: Client) -> None:
    prove(charlie_client)
    there = charlie_client.post(delete_url(alice), {"typed": alice.workspace.name})
    nowhere = charlie_client.post("/w/no-such-workspace/settings/delete/", {"typed": alice.workspace.name})
    assert there.status_code == nowhere.status_code == 404
    assert steady(there) == steady(nowhere)
    assert Workspace.objects.present().filter(pk=alice.workspace.pk).exists()


def test_the_password_is_asked_again_before_anything_is_shown_or_done(alice: Membership, alice_client: Client) -> None:
    asked = alice_client.get(delete_url(alice))
    assert asked.headers["Location"] == f"/accounts/reauthenticate/?next={delete_url(alice).replace('/', '%2F')}"
    alice_client.post(delete_url(alice), {"typed": alice.workspace.name})
    assert Workspace.objects.present().filter(pk=alice.workspace.pk).exists()


def test_who_took_long_to_confirm_proves_it_once_more_and_deletes_as_sent(
    alice: Membership, alice_client: Client
) -> None:
    asked = alice_client.post(delete_url(alice), {"typed": alice.workspace.name})
    done = alice_client.post(asked.headers["Location"], {"password": PASSWORD})
    assert done.headers["Location"] == "/"
    assert not Workspace.objects.present().filter(pk=alice.workspace.pk).exists()


@pytest.mark.parametrize("typed", ["", "northlight", "Northlight!", "North light"])
def test_another_name_deletes_nothing(alice: Membership, alice_client: Client, typed: str) -> None:
    prove(alice_client)
    answer = alice_client.post(delete_url(alice), {"typed": typed})
    assert answer.status_code == 422
    assert 'id="id_typed_error"' in answer.content.decode()
    assert Workspace.objects.present().filter(pk=alice.workspace.pk).exists()


def test_the_page_says_what_goes(alice: Membership, bob: Membership, alice_client: Client) -> None:
    fill(alice, 2)
    Workspace.objects.filter(pk=alice.workspace.pk).update(stored_bytes=3 * 2**30)
    prove(alice_client)
    page = " ".join(alice_client.get(delete_url(alice)).content.decode().split())
    for fact in ("Generations</dt><dd>2<", "Files</dt><dd>3.0 GB<", "Members</dt><dd>2<", "There is no way back"):
        assert fact in page


def test_the_page_costs_the_same_however_much_there_is(alice: Membership, alice_client: Client) -> None:
    prove(alice_client)
    costs = []
    for count in (1, 5):
        fill(alice, count)
        with CaptureQueriesContext(database) as queries:
            alice_client.get(delete_url(alice))
        costs.append(len(queries))
    assert costs[0] == costs[1]


def test_at_once_everybody_finds_what_a_stranger_does_and_keys_are_forgotten(
    alice: Membership, bob: Membership, alice_client: Client, bob_client: Client
) -> None:
    (row,) = fill(alice)
    make_generation(row.connection, next_refresh_at=timezone.now())
    make_invitation(alice, token="a-link")
    gallery = f"/w/{alice.workspace.slug}/"
    assert bob_client.get(gallery).status_code == 200
    prove(alice_client)
    gone = alice_client.post(delete_url(alice), {"typed": alice.workspace.name}, follow=True)
    assert b"Northlight is deleted." in gone.content
    for path in ("", f"g/{row.pk}/", "live?since=0", "settings/", "settings/delete/"):
        for client in (alice_client, bob_client):
            answer = client.get(gallery + path)
            assert answer.status_code == 404
            assert steady(answer) == steady(client.get("/w/no-such-workspace/" + path))
    assert b"You are in no workspace" in bob_client.get("/").content
    assert Client().get("/invitation/a-link/").status_code == 404
    assert not Invitation.objects.filter(workspace=alice.workspace).exists()
    connection = Connection.objects.get(pk=row.connection_id)
    assert (bytes(connection.key_box), connection.key_last4) == (b"", "")
    assert claim_due(now=timezone.now(), limit=10) == []


def test_the_deletion_is_recorded_beyond_the_workspace(alice: Membership, bob: Membership) -> None:
    fill(alice)
    deletion.delete(member(alice), now=timezone.now())
    deletion.purge(now=later(40), seconds=60)
    event = AuditEvent.objects.get(verb="workspace.deleted")
    assert (event.workspace, event.actor, event.target_id) == (None, alice.user, str(alice.workspace.pk))
    assert event.detail == {"name": "Northlight", "generations": 1, "bytes": 0, "members": 2, "links": 0}


def test_of_two_owners_at_once_the_second_finds_nothing_left_to_delete(alice: Membership) -> None:
    other = make_member("Olga Owner", role=Role.OWNER, workspace=alice.workspace)
    deletion.delete(member(other), now=timezone.now())
    with pytest.raises(Http404):
        deletion.delete(member(alice), now=timezone.now())
    assert AuditEvent.objects.filter(verb="workspace.deleted").count() == 1


@pytest.mark.django_db(transaction=True)
def test_two_owners_deleting_in_the_same_moment_delete_once(alice: Membership) -> None:
    other = make_member("Olga Owner", role=Role.OWNER, workspace=alice.workspace)
    start, ended = threading.Barrier(2), []

    def act(one: Membership) -> None:
        start.wait()
        try:
            deletion.delete(member(one), now=timezone.now())
            ended.append("deleted")
        except Http404:
            ended.append("found nothing")
        finally:
            database.close()

    threads = [threading.Thread(target=act, args=(one,)) for one in (alice, other)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(ended) == ["deleted", "found nothing"]
    assert AuditEvent.objects.filter(verb="workspace.deleted").count() == 1


def test_somebody_made_an_admin_meanwhile_deletes_nothing(alice: Membership) -> None:
    asked_as_owner = member(alice)
    make_member("Olga Owner", role=Role.OWNER, workspace=alice.workspace)
    Membership.objects.filter(pk=alice.pk).update(role=Role.ADMIN)
    with pytest.raises(PermissionDenied):
        deletion.delete(asked_as_owner, now=timezone.now())
    assert Workspace.objects.present().filter(pk=alice.workspace.pk).exists()


def test_nothing_of_it_is_left_and_others_keep_theirs(alice: Membership, charlie: Membership) -> None:
    fill(alice, 3)
    (kept,) = fill(charlie)
    deletion.delete(member(alice), now=timezone.now())
    assert not deletion.purge(now=later(3), seconds=60)
    assert not (storage.root() / str(alice.workspace.pk)).exists()
    assert Workspace.objects.filter(pk=alice.workspace.pk).exists()  # a late copy may still look for it
    assert not deletion.purge(now=later(31), seconds=60)
    assert not Workspace.objects.filter(pk=alice.workspace.pk).exists()
    assert list(Generation.objects.all()) == [kept]
    assert {asset.generation_id for asset in Asset.objects.all()} == {kept.pk}
    assert {row.generation_id for row in Transition.objects.all()} == {kept.pk}
    assert {row.workspace_id for row in Count.objects.all()} == {charlie.workspace.pk}
    assert {row.workspace_id for row in Connection.objects.all()} == {charlie.workspace.pk}
    assert storage.exists(Asset.objects.get().stored_name)
    assert User.objects.filter(pk=alice.user.pk, is_active=True).exists()


def test_what_is_still_being_asked_is_left_to_end(alice: Membership) -> None:
    fill(alice)
    deletion.delete(member(alice), now=timezone.now())
    assert not deletion.purge(now=later(1), seconds=60)
    assert Generation.objects.exists()


def test_a_purge_that_is_cut_short_goes_on_where_it_ended(alice: Membership, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deletion, "_AT_ONCE", 2)
    fill(alice, 5)
    deletion.delete(member(alice), now=timezone.now())
    runs = 0
    while deletion.purge(now=later(3), seconds=0):
        runs += 1
        assert runs < 50
    assert runs > 2
    assert not Generation.objects.exists()
    assert not deletion.purge(now=later(3), seconds=0)


def test_invariants_hold_between_deletion_and_its_end(alice: Membership, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deletion, "_AT_ONCE", 2)
    fill(alice, 3)
    record_how_they_came(alice)
    deletion.delete(member(alice), now=timezone.now())
    deletion.purge(now=later(3), seconds=0)
    for check in (workspaces_are_apart, counts_are_right, acts_are_audited):
        assert list(check(timezone.now())) == []


def test_a_file_that_a_late_copy_brought_goes_with_its_folder(alice: Membership) -> None:
    deletion.delete(member(alice), now=timezone.now())
    deletion.purge(now=later(31), seconds=60)
    late = storage.path_of(keep_file(alice.workspace))
    sweeping.sweep(now=timezone.now())
    assert late.exists()
    long_ago = (timezone.now() - timedelta(days=2)).timestamp()
    os.utime(late, (long_ago, long_ago))
    sweeping.sweep(now=timezone.now())
    assert not (storage.root() / str(alice.workspace.pk)).exists()


def test_the_sweep_leaves_folders_of_workspaces_that_are_there(alice: Membership) -> None:
    folder = storage.path_of(keep_file(alice.workspace)).parent
    next(folder.iterdir()).unlink()
    sweeping.sweep(now=timezone.now())
    assert folder.is_dir()
