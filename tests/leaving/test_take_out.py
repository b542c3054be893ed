"""What a person takes along: everything about them, nothing about others, and never all of it in memory at once."""

from __future__ import annotations

import json
import tracemalloc
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection as database
from django.http import StreamingHttpResponse
from django.test import Client
from django.test.utils import CaptureQueriesContext

from lumaboard.accounts.models import Invitation, Membership, Role
from lumaboard.audit.models import AuditEvent
from lumaboard.audit.operations import record
from lumaboard.generations.models import Generation
from lumaboard.generations.remarks import Favourite, Note
from lumaboard.leaving import take_out
from tests.accounts.pages import prove
from tests.conftest import client_of
from tests.factories import NOW, make_connection, make_generation, make_intent, make_invitation, make_member

pytestmark = pytest.mark.django_db
URL = "/account/take-out/"


def taken_by(membership: Membership) -> dict[str, Any]:
    client = client_of(membership)
    prove(client)
    answer = client.post(URL)
    assert isinstance(answer, StreamingHttpResponse)
    assert answer.headers["Content-Disposition"].startswith('attachment; filename="lumaboard-')
    assert answer.headers["Content-Type"] == "application/json"
    found: dict[str, Any] = json.loads(b"".join(answer))  # type: ignore[arg-type]  # it is no asynchronous one
    return found


def test_the_file_tells_what_is_kept_about_them_and_nothing_of_others(alice: Membership, bob: Membership) -> None:
    connection = make_connection(alice.workspace, key="sk-planted-key-0123456789")
    mine = make_generation(connection, created_by=alice.user, title='A "quoted"\ntitle </script>', prompt="Häfen, 夜")
    make_generation(connection, created_by=bob.user, prompt="Not hers")
    make_invitation(alice, email="dana@example.com", token="secret-token")
    record("rename", workspace_id=alice.workspace.pk, actor_id=alice.user.pk, target=mine, old="x", new="y")
    record("signed_in", workspace_id=None, actor_id=bob.user.pk, target=bob.user)

    taken = taken_by(alice)

    assert taken["account"]["email"] == alice.user.email
    assert [(one["workspace"], one["role"]) for one in taken["workspaces"]] == [("Northlight", "owner")]
    assert [(one["title"], one["prompt"]) for one in taken["generations"]] == [(mine.title, "Häfen, 夜")]
    assert [one["email"] for one in taken["invitations_sent"]] == ["dana@example.com"]
    acts = {one["act"]: one for one in taken["acts"]}
    assert acts["rename"]["detail"] == {"old": "x", "new": "y"}
    assert "person.took_out" in acts
    assert taken["sign_ins"][0]["address"] == "127.0.0.1"
    text = json.dumps(taken)
    for secret in ("Not hers", bob.user.email, "secret-token", alice.user.password, "sk-planted"):
        assert secret not in text


def test_what_they_asked_for_is_told_whatever_came_of_it(alice: Membership, bob: Membership) -> None:
    connection = make_connection(alice.workspace)
    make_intent(connection, alice.user, state="refused", is_private=True)
    make_intent(connection, bob.user, request='{"prompt": "Not hers"}')
    (told,) = taken_by(alice)["requests"]
    assert (told["request"], told["state"]) == ('{"prompt": "A quiet harbour"}', "refused")


def test_notes_and_favourites_are_told_but_for_what_has_become_private_to_another(
    alice: Membership, bob: Membership
) -> None:
    connection = make_connection(alice.workspace)
    starred = make_generation(connection, created_by=bob.user)
    hidden = make_generation(connection, created_by=bob.user, is_private=True)
    for row in (starred, hidden):
        Favourite.objects.create(user=alice.user, generation=row)
        Note.objects.create(author=alice.user, generation=row, text="Too dark", created_at=NOW)
    Note.objects.create(author=bob.user, generation=starred, text="Not hers", created_at=NOW)
    Note.objects.create(author=alice.user, generation=starred, text="Taken back", created_at=NOW, deleted_at=NOW)
    taken = taken_by(alice)
    assert [one["task_id"] for one in taken["favourites"]] == [starred.task_id]
    assert [(one["task_id"], one["text"]) for one in taken["notes"]] == [(starred.task_id, "Too dark")]


def test_generations_of_workspaces_they_have_left_are_not_theirs_to_take(alice: Membership) -> None:
    dana = make_member("Dana", role=Role.MEMBER, workspace=alice.workspace)
    make_generation(make_connection(alice.workspace), created_by=dana.user)
    dana.delete()
    assert taken_by(dana)["generations"] == []


def test_whether_the_invited_joined_is_nothing_to_who_has_left(alice: Membership) -> None:
    dana = make_member("Dana", role=Role.ADMIN, workspace=alice.workspace)
    invitation = make_invitation(dana, email="erin@example.com")
    Invitation.objects.update(accepted_at=invitation.created_at)
    assert taken_by(dana)["invitations_sent"][0]["accepted_at"] is not None
    dana.delete()
    assert taken_by(dana)["invitations_sent"][0]["accepted_at"] is None


def test_looking_at_the_page_takes_nothing_out(alice_client: Client) -> None:
    prove(alice_client)
    assert b"One JSON file" in alice_client.get(URL).content
    assert not AuditEvent.objects.filter(verb="person.took_out").exists()


def test_a_visitor_signs_in_and_everybody_proves_again_who_they_are(alice_client: Client) -> None:
    assert Client().post(URL).headers["Location"].startswith("/accounts/login/")
    assert alice_client.post(URL).headers["Location"].startswith("/accounts/reauthenticate/")


def many(membership: Membership, count: int) -> None:
    connection = make_connection(membership.workspace)
    Generation.objects.bulk_create(
        Generation(
            workspace=membership.workspace,
            connection=connection,
            created_by=membership.user,
            task_id=f"task-{number}",
            prompt="p" * 2000,
            next_refresh_at=NOW,
        )
        for number in range(count)
    )


def test_a_long_file_is_read_page_by_page(alice: Membership) -> None:
    many(alice, 1200)
    with CaptureQueriesContext(database) as asked:
        taken = json.loads("".join(take_out.pieces_of(alice.user)))
    assert [one["task_id"] for one in taken["generations"]] == [f"task-{number}" for number in range(1200)]
    assert sum('FROM "generations_generation"' in query["sql"] for query in asked) == 4


def test_a_long_file_takes_little_memory(alice: Membership) -> None:
    many(alice, 4000)  # 8 MB of prompts

    def written(pieces: Iterator[str]) -> int:
        return sum(map(len, pieces))

    tracemalloc.start()
    try:
        length = written(take_out.pieces_of(alice.user))
        _now, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert length > 8_000_000
    assert peak < 6_000_000
