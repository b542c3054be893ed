"""Stars of one's own, and whose generations a gallery shows."""

from __future__ import annotations

import re

import pytest
from django.db import connection as database
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from lumaboard.accounts.models import Membership, Role
from lumaboard.connections.models import Connection
from lumaboard.generations.counters import Beat
from lumaboard.generations.models import CopyState, Generation, State
from lumaboard.generations.remarks import Favourite
from tests.conftest import client_of
from tests.factories import make_connection, make_generation, make_member

HTMX = {"HX-Request": "true"}


@pytest.fixture(autouse=True)
def worker(db: None) -> Beat:
    now = timezone.now()
    return Beat.objects.create(name="tick", due_at=now, beaten_at=now)


@pytest.fixture
def connection(alice: Membership) -> Connection:
    return make_connection(alice.workspace)


@pytest.fixture
def film(connection: Connection, alice: Membership) -> Generation:
    return make_generation(
        connection, state=State.SUCCEEDED, copy_state=CopyState.ARCHIVED, created_by=alice.user, prompt="A lagoon"
    )


def star(client: Client, film: Generation, is_favourite: str = "1", **headers: str) -> str:
    path = f"/w/{film.workspace.slug}/g/{film.pk}/favourite/"
    answer = client.post(path, {"is_favourite": is_favourite}, headers=headers)
    assert answer.status_code == (200 if headers else 302)
    return answer.content.decode()


def gallery(membership: Membership, path: str = "") -> str:
    return client_of(membership).get(f"/w/{membership.workspace.slug}/{path}").content.decode()


def is_starred(page: str, film: Generation) -> bool:
    found = re.search(rf'id="star-{film.pk}".*?aria-pressed="(true|false)"', page)
    assert found
    return found.group(1) == "true"


@pytest.mark.parametrize("path", ["", "?view=list", "g/{pk}/"])
def test_a_star_is_its_givers_alone(film: Generation, alice: Membership, bob: Membership, path: str) -> None:
    path = path.format(pk=film.pk)
    star(client_of(bob), film)
    assert is_starred(gallery(bob, path), film)
    assert not is_starred(gallery(alice, path), film)
    star(client_of(bob), film, "0")
    assert not is_starred(gallery(bob, path), film)


def test_htmx_gets_the_star_back(film: Generation, bob_client: Client) -> None:
    assert 'aria-pressed="true"' in star(bob_client, film, **HTMX)
    assert 'aria-pressed="false"' in star(bob_client, film, "0", **HTMX)


def test_twice_is_once_and_nobody_elses_page_hears_of_it(
    film: Generation, alice: Membership, bob_client: Client
) -> None:
    alice.workspace.refresh_from_db()
    seq = alice.workspace.seq
    for _time in range(2):
        star(bob_client, film)
    assert Favourite.objects.count() == 1
    alice.workspace.refresh_from_db()
    assert alice.workspace.seq == seq
    film.refresh_from_db()
    assert (film.rev, film.acted_by) == (0, None)


def test_favourites_are_a_filter(film: Generation, connection: Connection, alice: Membership, bob: Membership) -> None:
    make_generation(connection, prompt="A desert")
    star(client_of(bob), film)
    for query in ("?favourites=1", "?favourites=1&q=lagoon", "?favourites=1&state=ready"):
        page = gallery(bob, query)
        assert "A lagoon" in page
        assert "A desert" not in page
        assert "A lagoon" not in gallery(alice, query)


def test_what_a_person_does_not_see_takes_no_star(
    connection: Connection, alice: Membership, bob_client: Client
) -> None:
    hidden = make_generation(connection, created_by=alice.user, is_private=True)
    path = f"/w/{alice.workspace.slug}/g/%d/favourite/"
    there, missing = (bob_client.post(path % pk, {"is_favourite": "1"}) for pk in (hidden.pk, 999_999_999))
    assert (there.status_code, there.content) == (missing.status_code, missing.content)
    assert there.status_code == 404
    assert not Favourite.objects.exists()


def test_a_star_outlives_privacy_unseen(film: Generation, alice: Membership, bob: Membership) -> None:
    star(client_of(bob), film)
    client_of(alice).post(f"/w/{alice.workspace.slug}/g/{film.pk}/make-private/")
    assert "A lagoon" not in gallery(bob, "?favourites=1")


@pytest.mark.parametrize("count", [2, 48])
def test_stars_cost_a_gallery_no_query(
    connection: Connection, alice: Membership, alice_client: Client, count: int
) -> None:
    for number in range(count):
        row = make_generation(connection, created_by=alice.user)
        if number % 2:
            Favourite.objects.create(user=alice.user, generation=row)
    with CaptureQueriesContext(database) as queries:
        page = alice_client.get(f"/w/{alice.workspace.slug}/").content.decode()
    assert page.count('aria-pressed="true"') == count // 2
    assert len(queries) <= 2 + 4


def test_a_gallery_shows_mine_a_colleagues_or_everyones(connection: Connection, alice: Membership) -> None:
    mia = make_member("Mia Moreau", role=Role.MEMBER, workspace=alice.workspace)
    for membership, prompt in ((alice, "Alices sea"), (mia, "Mias sea")):
        make_generation(connection, created_by=membership.user, prompt=prompt)
    for query, shown in (
        ("", {"Alices", "Mias"}),
        ("?owner=me", {"Mias"}),
        (f"?owner={alice.user.pk}", {"Alices"}),
        (f"?owner={mia.user.pk}", {"Mias"}),
    ):
        rows = client_of(mia).get(f"/w/{alice.workspace.slug}/{query}").context["page"].rows
        assert {row.prompt.split()[0] for row in rows} == shown


def test_the_people_of_a_workspace_are_a_click_away(alice: Membership, bob: Membership, charlie: Membership) -> None:
    page = gallery(alice, "filters/people/?state=failed")
    assert f"?state=failed&amp;owner={bob.user.pk}" in page
    assert "?state=failed&amp;owner=me" in page
    assert "Charlie" not in page
    part = client_of(alice).get(f"/w/{alice.workspace.slug}/filters/people/", headers=HTMX).content.decode()
    assert "<html" not in part
    assert "Bob Brown" in part


def test_the_switch_stands_in_the_address_and_goes_back(alice: Membership) -> None:
    base = f"/w/{alice.workspace.slug}/"
    assert f'href="{base}?owner=me"' in gallery(alice)
    page = gallery(alice, "?owner=me")
    assert re.search(rf'class="pill pill--set" href="{base}" aria-current="true"', page)
