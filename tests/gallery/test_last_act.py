"""Who acted last, on the card and on a generation's own page."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from lumaboard.accounts.models import Membership, Role, User
from lumaboard.archive import operations as archive
from lumaboard.connections.models import Connection
from lumaboard.generations import operations
from lumaboard.generations.models import CopyState, Generation, State
from tests.conftest import client_of
from tests.factories import NOW, make_connection, make_generation, make_member

LATER = NOW + timedelta(minutes=3)


@pytest.fixture
def mia(alice: Membership) -> Membership:
    return make_member("Mia Moreau", role=Role.MEMBER, workspace=alice.workspace)


@pytest.fixture
def film(alice: Membership, mia: Membership) -> Generation:
    """Mia's, and settled, so that its card is kept."""
    connection = make_connection(alice.workspace)
    return make_generation(connection, state=State.SUCCEEDED, copy_state=CopyState.ARCHIVED, created_by=mia.user)


def gallery(membership: Membership) -> str:
    return client_of(membership).get(f"/w/{membership.workspace.slug}/").content.decode()


def detail(membership: Membership, film: Generation) -> str:
    return client_of(membership).get(f"/w/{membership.workspace.slug}/g/{film.pk}/").content.decode()


def test_asking_again_about_one_that_failed_is_an_act_too(alice: Membership, mia: Membership) -> None:
    row = make_generation(make_connection(alice.workspace), state=State.FAILED, created_by=mia.user)
    assert operations.check_now(row, actor_id=mia.user.pk, now=LATER, may_reopen=True)
    row.refresh_from_db()
    assert (row.acted_by, row.acted_at) == (mia.user, LATER)
    assert "Checked again by Mia Moreau" in detail(mia, row)


@pytest.mark.parametrize(
    ("act", "words"),
    [
        (lambda row, by: operations.rename(row, "Dusk", actor_id=by, now=LATER), "Renamed"),
        (lambda row, by: operations.trash([row], actor_id=by, now=LATER), "Moved to trash"),
        (lambda row, by: operations.stop_tracking(row, actor_id=by, now=LATER), "Moved to trash"),
        (lambda row, by: archive.fetch_again(row, actor_id=by, now=LATER), "Fetched again"),
        (lambda row, by: operations.set_private(row, is_private=True, actor_id=by, now=LATER), "Made private"),
    ],
)
def test_every_act_of_a_person_is_the_last_until_the_next(
    film: Generation, alice: Membership, mia: Membership, act: Callable[[Generation, int], object], words: str
) -> None:
    act(film, mia.user.pk)
    film.refresh_from_db()
    assert (film.acted_by, film.acted_at) == (mia.user, LATER)
    assert f"{words} by Mia Moreau" in detail(mia, film)


def test_bringing_back_and_sharing_again_are_acts(film: Generation, alice: Membership, mia: Membership) -> None:
    operations.trash([film], actor_id=mia.user.pk, now=NOW)
    operations.restore([film], actor_id=alice.user.pk, now=LATER)
    assert "Brought back by Alice Adams" in detail(alice, film)
    film.refresh_from_db()
    operations.set_private(film, is_private=True, actor_id=mia.user.pk, now=LATER)
    operations.set_private(film, is_private=False, actor_id=mia.user.pk, now=LATER)
    assert "Shared with everyone by Mia Moreau" in detail(alice, film)


def test_whoever_tracks_acts_first(alice: Membership, mia: Membership) -> None:
    connection: Connection = make_connection(alice.workspace)
    operations.track(connection, [operations.Wanted("an-id-of-mias")], created_by_id=mia.user.pk, now=NOW)
    row = Generation.objects.get(connection=connection)
    assert "Tracked by Mia Moreau" in detail(alice, row)


def test_a_card_says_what_somebody_else_than_its_owner_did(
    film: Generation, alice: Membership, mia: Membership
) -> None:
    operations.rename(film, "Dusk", actor_id=mia.user.pk, now=NOW)
    assert "Renamed by" not in gallery(alice)
    film.refresh_from_db()
    operations.rename(film, "Dawn", actor_id=alice.user.pk, now=LATER)
    assert "Renamed by Alice Adams" in gallery(mia)


def test_a_new_name_is_shown_at_once(film: Generation, alice: Membership) -> None:
    operations.rename(film, "Dawn", actor_id=alice.user.pk, now=NOW)
    assert "Renamed by Alice Adams" in gallery(alice)
    User.objects.filter(pk=alice.user.pk).update(name="Alicia Adams")
    assert "Renamed by Alicia Adams" in gallery(alice)


def test_the_engine_is_nobody(film: Generation, alice: Membership) -> None:
    assert "Last changed" not in detail(alice, film)
