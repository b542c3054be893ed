"""Kept card fragments: the same HTML, until the row changes."""

from __future__ import annotations

import pytest
from django.core.cache import caches
from django.test import Client

from lumaboard.accounts.models import Membership, User
from lumaboard.generations.models import CopyState, Generation, State
from tests.factories import make_connection, make_generation, make_member


@pytest.fixture(autouse=True)
def nothing_kept() -> None:
    caches["fragments"].clear()


def _page(client: Client, membership: Membership) -> str:
    return client.get(f"/w/{membership.workspace.slug}/").content.decode()


def test_a_kept_card_is_the_card_that_was_made(alice: Membership, alice_client: Client) -> None:
    prompt = "<b>Bold</b> & golden"
    connection = make_connection(alice.workspace)
    row = make_generation(connection, state=State.SUCCEEDED, copy_state=CopyState.ARCHIVED, prompt=prompt)
    made, kept = _page(alice_client, alice), _page(alice_client, alice)
    for page in (made, kept):
        assert f'<article id="generation-{row.pk}" class="card card--ready"' in page
        assert "&lt;b&gt;Bold&lt;/b&gt; &amp; golden" in page


def test_a_changed_row_is_shown_as_it_is_now(alice: Membership, alice_client: Client) -> None:
    row = make_generation(make_connection(alice.workspace), state=State.SUCCEEDED, copy_state=CopyState.ARCHIVED)
    assert "Northern lights" not in _page(alice_client, alice)
    Generation.objects.filter(pk=row.pk).update(title="Northern lights", rev=row.rev + 1)
    assert "Northern lights" in _page(alice_client, alice)


def test_an_owners_new_name_is_shown_at_once(alice: Membership, alice_client: Client) -> None:
    row = make_generation(
        make_connection(alice.workspace),
        state=State.SUCCEEDED,
        copy_state=CopyState.ARCHIVED,
        created_by=make_member("Mia", workspace=alice.workspace).user,
    )
    assert "Mia" in _page(alice_client, alice)
    User.objects.filter(pk=row.created_by_id).update(name="Mia Moreau")
    assert "Mia Moreau" in _page(alice_client, alice)


def test_a_card_that_moves_is_made_anew(alice: Membership, alice_client: Client) -> None:
    row = make_generation(make_connection(alice.workspace), state=State.RUNNING)
    _page(alice_client, alice)
    Generation.objects.filter(pk=row.pk).update(prompt="Seen a moment later")
    assert "Seen a moment later" in _page(alice_client, alice)
