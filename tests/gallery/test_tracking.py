"""Pasting, the dry run, and tracking."""

from __future__ import annotations

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from lumaboard.accounts.models import Membership
from lumaboard.audit.models import AuditEvent
from lumaboard.generations.counts import Bucket, counts_of
from lumaboard.generations.models import Generation, State, Transition
from tests.factories import make_connection, make_generation

A = "ed0c1edd-29a7-41b8-9a8b-1d6f3a5c0d36"
B = "7f1f5a0c-93cb-4b57-b6f1-0a2c3d9b1e77"


@pytest.fixture
def path(alice: Membership) -> str:
    return f"/w/{alice.workspace.slug}/track/"


def test_without_a_connection_the_page_leads_to_one(alice_client: Client, path: str) -> None:
    assert "First connect a provider" in alice_client.get(path).content.decode()


def test_the_dry_run_tells_new_from_known_and_stores_nothing(
    alice: Membership, alice_client: Client, path: str
) -> None:
    connection = make_connection(alice.workspace)
    make_generation(connection, task_id=B, created_by=alice.user)
    answer = alice_client.post(path, {"connection": connection.pk, "text": f"{A}\n{B}\nno id here"})
    text = answer.content.decode()
    for words in (
        "2 ids found",
        "1 new",
        "1 already here",
        "1 line unreadable",
        "Track 1 generation",
        "Alice Adams tracks it since",
    ):
        assert words in text
    assert Generation.objects.count() == 1


def test_tracking_twice_is_once(alice: Membership, alice_client: Client, path: str) -> None:
    connection = make_connection(alice.workspace)
    for _time in range(2):
        answer = alice_client.post(
            path, {"do_track": "1", "wanted": [f"{connection.pk}:{A}"], "rest": f"{connection.pk}:{B}"}
        )
        assert answer.status_code == 302
    assert set(Generation.objects.values_list("task_id", flat=True)) == {A, B}
    assert Transition.objects.filter(number=1, to_state=State.QUEUED).count() == 2
    assert counts_of(alice.workspace.pk)[Bucket.QUEUED] == 2
    assert AuditEvent.objects.filter(verb="track").count() == 1
    alice.workspace.refresh_from_db()
    assert alice.workspace.seq >= 1


def test_a_link_names_the_connection_it_belongs_to(alice: Membership, alice_client: Client, path: str) -> None:
    chosen = make_connection(alice.workspace)
    other = make_connection(alice.workspace, kind="cometapi", base_url="https://api.cometapi.com")
    text = f"https://api.cometapi.com/dream-machine/v1/generations/{A}"
    answer = alice_client.post(path, {"connection": chosen.pk, "text": text})
    assert f"{other.pk}:{A}" in answer.content.decode()


def test_a_connection_of_another_workspace_cannot_be_used(alice_client: Client, charlie: Membership, path: str) -> None:
    theirs = make_connection(charlie.workspace)
    assert alice_client.post(path, {"connection": theirs.pk, "text": A}).status_code == 422
    alice_client.post(path, {"do_track": "1", "wanted": [f"{theirs.pk}:{A}"]})
    assert not Generation.objects.exists()


def test_a_pasted_key_is_masked_and_nowhere_kept(alice: Membership, alice_client: Client, path: str) -> None:
    connection = make_connection(alice.workspace)
    text = f'curl https://x.example/dream-machine/v1/generations/{A} -H "Authorization: Bearer sk-planted-secret-9999"'
    shown = alice_client.post(path, {"connection": connection.pk, "text": text}).content.decode()
    assert "sk-planted-secret-9999" not in shown
    assert "A key in the text was masked" in shown


def test_ten_thousand_ids_go_in_at_once(alice: Membership, alice_client: Client, path: str) -> None:
    connection = make_connection(alice.workspace)
    text = "\n".join(f"generation-number-{n}" for n in range(10_000))
    shown = alice_client.post(path, {"connection": connection.pk, "text": text})
    dry_run = shown.context["dry_run"]
    wanted = [row.value for row in dry_run.listed]
    alice_client.post(path, {"do_track": "1", "wanted": wanted, "rest": dry_run.rest})
    assert Generation.objects.count() == 10_000
    assert counts_of(alice.workspace.pk)[Bucket.QUEUED] == 10_000


def test_ten_thousand_lines_of_noise_are_answered_in_words(alice: Membership, alice_client: Client, path: str) -> None:
    connection = make_connection(alice.workspace)
    text = "\n".join(f"lorem ipsum {n} dolor" for n in range(10_000))
    answer = alice_client.post(path, {"connection": connection.pk, "text": text})
    assert answer.status_code == 200
    assert "No id was found" in answer.content.decode()


def test_an_empty_box_says_what_to_do_and_keeps_what_was_typed(
    alice: Membership, alice_client: Client, path: str
) -> None:
    connection = make_connection(alice.workspace)
    assert (
        "Paste at least one id" in alice_client.post(path, {"connection": connection.pk, "text": " "}).content.decode()
    )
    answer = alice_client.post(path, {"connection": "", "text": A})
    assert answer.status_code == 422
    assert A in answer.content.decode()


def test_a_file_is_read_like_pasted_text(alice: Membership, alice_client: Client, path: str) -> None:
    connection = make_connection(alice.workspace)
    file = SimpleUploadedFile("ids.csv", f"id,prompt\n{A},a sea\x00\n".encode())
    answer = alice_client.post(path, {"connection": connection.pk, "text": "", "file": file})
    assert [row.found.task_id for row in answer.context["dry_run"].listed] == [A]


@pytest.mark.parametrize("number", ["²", "9" * 20, "9" * 5000, ""])
def test_a_ticked_row_of_no_connection_is_left_out(
    alice: Membership, alice_client: Client, path: str, number: str
) -> None:
    make_connection(alice.workspace)
    assert alice_client.post(path, {"do_track": "1", "wanted": f"{number}:{A}"}).status_code == 302
    assert not Generation.objects.exists()


def test_a_prompt_in_the_form_is_cleaned_like_any_text(alice: Membership, alice_client: Client, path: str) -> None:
    value = f"{make_connection(alice.workspace).pk}:{A}"
    alice_client.post(path, {"do_track": "1", "wanted": value, "prompt_of": value, "prompt": "a\x00b"})
    assert Generation.objects.get().prompt == "ab"


def test_no_more_ids_are_tracked_at_once_than_are_offered(alice: Membership, alice_client: Client, path: str) -> None:
    pk = make_connection(alice.workspace).pk
    rest = "\n".join(f"{pk}:task_{number:08d}" for number in range(10_050))
    alice_client.post(path, {"do_track": "1", "rest": rest})
    assert Generation.objects.count() == 10_000
