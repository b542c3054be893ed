"""What somebody may no longer do is refused at the next request, also by pages that are open."""

from __future__ import annotations

import pytest
from django.test import Client

from lumaboard.accounts.models import Membership, Role
from lumaboard.generations.models import Generation
from tests.conftest import client_of
from tests.factories import make_connection, make_generation, make_kept_asset, make_member


@pytest.fixture
def mia(alice: Membership) -> Membership:
    return make_member("Mia Moss", role=Role.MEMBER, workspace=alice.workspace)


@pytest.fixture
def film(mia: Membership) -> Generation:
    generation = make_generation(make_connection(mia.workspace), created_by=mia.user)
    make_kept_asset(generation)
    return generation


def statuses(browser: Client, film: Generation) -> list[int]:
    """Ask for what an open page asks for: the feeds, the next piece of a film, an act."""
    slug = film.workspace.slug
    page = f"/w/{slug}/g/{film.pk}/"
    answers = [
        browser.get(f"/w/{slug}/live?since=0", headers={"HX-Request": "true"}),
        browser.get(f"{page}live?since=0", headers={"HX-Request": "true"}),
        browser.get(f"/media/{slug}/{film.pk}/raw/", headers={"Range": "bytes=4-"}),
        browser.post(f"{page}trash/", headers={"HX-Request": "true"}),
    ]
    return [answer.status_code for answer in answers]


def test_a_removed_member_is_out_with_feed_film_and_every_act(mia: Membership, film: Generation) -> None:
    browser = client_of(mia)
    assert statuses(browser, film) == [200, 200, 206, 200]
    mia.delete()
    assert statuses(browser, film) == [404, 404, 404, 404]


def test_a_role_that_was_lowered_holds_in_the_open_page_and_the_refusal_says_why(
    mia: Membership, film: Generation
) -> None:
    browser = client_of(mia)
    assert statuses(browser, film) == [200, 200, 206, 200]
    Membership.objects.filter(pk=mia.pk).update(role=Role.VIEWER)
    assert statuses(browser, film) == [200, 200, 403, 403]
    refusal = browser.post(f"/w/{film.workspace.slug}/g/{film.pk}/trash/")
    assert "An owner or admin can change your role." in refusal.content.decode()
