"""The table of share links: what it lists, counts and costs."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import connection as database
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from lumaboard.accounts.models import Membership, Role
from lumaboard.generations.counters import Beat
from lumaboard.generations.models import Generation
from lumaboard.sharing import operations
from lumaboard.sharing.models import ShareLink
from lumaboard.sharing.operations import Terms, make_link
from tests.conftest import client_of
from tests.factories import NOW, acting, make_member
from tests.sharing.browsing import make_film

Share = Callable[..., ShareLink]


def table(membership: Membership, query: str = "") -> str:
    return f"/w/{membership.workspace.slug}/shares/{query}"


def names(page: str) -> list[str]:
    return re.findall(r'<b class="clip-text">([^<]*)</b>', page)


def count(page: str, tab: str) -> int:
    found = re.search(rf'{tab} <span class="pill__count">(\d+)</span>', page)
    assert found is not None
    return int(found.group(1))


@pytest.fixture
def many_kinds(share: Share) -> None:
    """A link of each kind; made in this order, so that the last stands first."""
    now = timezone.now()
    share(name="Plain")
    share(name="Locked", password="the fox is red")
    share(name="Raw", download="raw", expires_at=now + timedelta(days=5))
    share(name="Soon", expires_at=now + timedelta(hours=5, minutes=1))
    share(name="Revoked")
    ShareLink.objects.filter(name="Revoked").update(revoked_at=now)
    share(name="Over", expires_at=now + timedelta(days=1))
    ShareLink.objects.filter(name="Over").update(expires_at=now - timedelta(days=1))
    share(name="Used up", view_limit=1)
    ShareLink.objects.filter(name="Used up").update(view_count=1)


@pytest.mark.usefixtures("many_kinds")
def test_tabs_sort_links_by_what_they_allow_and_count_them(alice: Membership, alice_client: Client) -> None:
    expected = {
        "": ("Open", ["Soon", "Raw", "Locked", "Plain"]),
        "?tab=ending": ("Ending this week", ["Soon", "Raw"]),
        "?tab=no-password": ("No password", ["Soon", "Raw", "Plain"]),
        "?tab=raw": ("Raw released", ["Raw"]),
        "?tab=ended": ("Ended", ["Used up", "Over", "Revoked"]),
        "?tab=nonsense": ("Open", ["Soon", "Raw", "Locked", "Plain"]),
    }
    for query, (tab, rows) in expected.items():
        page = alice_client.get(table(alice, query)).content.decode()
        assert names(page) == rows
        assert count(page, tab) == len(rows)


@pytest.mark.usefixtures("many_kinds")
def test_a_row_says_when_it_ends_and_what_can_be_done(alice: Membership, alice_client: Client) -> None:
    page = alice_client.get(table(alice)).content.decode()
    assert "In 5 h" in page
    assert "Never" in page
    assert "Revoke Soon" in page
    assert "Download the raw file" in page
    ended = alice_client.get(table(alice, "?tab=ended")).content.decode()
    assert "Bring back Revoked" in ended
    assert "Bring back Over" not in ended
    assert "Bring back Used up" not in ended
    assert "Revoke Used up" in ended  # who is in stays in until then


def test_ones_own_links_are_a_click_away(
    alice: Membership, alice_client: Client, share: Share, film: Generation
) -> None:
    dana = make_member("Dana Dale", role=Role.MEMBER, workspace=alice.workspace)
    share(name="By Alice")
    make_link(acting(dana), [film.pk], Terms(name="By Dana", expires_at=None), now=NOW + timedelta(minutes=1))
    assert names(alice_client.get(table(alice)).content.decode()) == ["By Dana", "By Alice"]
    assert names(alice_client.get(table(alice, "?by=me")).content.decode()) == ["By Alice"]
    assert names(alice_client.get(table(alice, f"?by={dana.user.pk}")).content.decode()) == ["By Dana"]
    assert len(names(alice_client.get(table(alice, "?by=999999999")).content.decode())) == 2


def test_older_links_are_on_a_next_page_that_begins_where_this_one_ends(
    alice: Membership, alice_client: Client, film: Generation
) -> None:
    for minute in range(45):
        terms = Terms(name=f"Link {minute:02}", expires_at=None)
        make_link(acting(alice), [film.pk], terms, now=NOW + timedelta(minutes=minute))
    first = alice_client.get(table(alice, "?by=me")).content.decode()
    more = re.search(r'class="btn push" id="links-more" href="([^"]*)"', first)
    assert more is not None
    second = alice_client.get(more.group(1).replace("&amp;", "&")).content.decode()
    assert names(first) + names(second) == [f"Link {minute:02}" for minute in reversed(range(45))]
    assert "Show more" not in second
    assert len(names(alice_client.get(table(alice, "?after=nonsense")).content.decode())) == 40


def test_reading_the_table_anew_shows_every_row_that_was_loaded(
    alice: Membership, alice_client: Client, film: Generation
) -> None:
    for minute in range(45):
        make_link(acting(alice), [film.pk], Terms(name=f"Link {minute:02}", expires_at=None), now=NOW)
    first = alice_client.get(table(alice, "?tab=no-password")).content.decode()
    more = re.search(r'hx-get="([^"]*)"', first)
    assert more is not None
    answer = alice_client.get(more.group(1).replace("&amp;", "&"), headers={"HX-Request": "true"})
    assert len(names(answer.content.decode())) == 5
    anew = alice_client.get(answer.headers["HX-Replace-Url"]).content.decode()
    assert len(names(anew)) == 45


def test_what_had_the_focus_has_an_id_to_get_it_back_by(alice: Membership, alice_client: Client, share: Share) -> None:
    link = share(name="One")
    page = alice_client.get(table(alice)).content.decode()
    assert f'id="change-link-{link.pk}"' in page


def test_revoking_with_nothing_ticked_says_so(alice: Membership, alice_client: Client) -> None:
    answer = alice_client.post(f"{table(alice)}revoke/", follow=True)
    assert "Nothing was selected." in answer.content.decode()


def test_an_empty_table_teaches_how_to_share(alice: Membership, alice_client: Client) -> None:
    assert "press Share" in alice_client.get(table(alice)).content.decode()


@pytest.mark.parametrize("number", [2, 40])
def test_the_table_costs_the_same_whatever_it_shows(
    number: int, alice: Membership, alice_client: Client, media_root: object
) -> None:
    films = [make_film(alice, title=f"Film {place}") for place in range(2)]
    for place in range(number):
        make_link(acting(alice), [film.pk for film in films[: place % 2 + 1]], Terms(expires_at=None), now=NOW)
    with CaptureQueriesContext(database) as queries:
        page = alice_client.get(table(alice)).content.decode()
    assert len(names(page)) == number
    assert len(queries) == 2 + 5  # sign-in; links, their first generations, counts of the tabs, and the shell's two


def test_the_rail_counts_open_links_for_those_who_may_share(
    alice: Membership, alice_client: Client, bob_client: Client, share: Share
) -> None:
    now = timezone.now()
    Beat.objects.create(name="tick", due_at=now, beaten_at=now)
    share(), share()
    ShareLink.objects.filter(pk=share().pk).update(revoked_at=now)
    gallery = f"/w/{alice.workspace.slug}/"
    assert 'aria-label="Share links, 2"' in alice_client.get(gallery).content.decode()
    assert "Share links" not in bob_client.get(gallery).content.decode()


def test_poster_and_name_of_work_made_private_are_shown_to_nobody(
    alice: Membership, alice_client: Client, share: Share, film: Generation
) -> None:
    share(name="")
    assert "Foxes, take 3" in alice_client.get(table(alice)).content.decode()
    Generation.objects.filter(pk=film.pk).update(is_private=True)
    page = alice_client.get(table(alice)).content.decode()
    assert names(page) == ["Nothing to show"]
    assert "/poster" not in page


def test_what_an_admin_revoked_only_an_admin_brings_back(share: Share, alice: Membership) -> None:
    maker = make_member("Mia Maker", role=Role.MEMBER, workspace=alice.workspace)
    link = share()
    ShareLink.objects.filter(pk=link.pk).update(created_by=maker.user)
    link.refresh_from_db()
    url = reverse("sharing:bring_back", args=[alice.workspace.slug, link.pk])
    operations.revoke(acting(alice), [link], now=NOW)
    assert client_of(maker).post(url).status_code == 403
    assert client_of(alice).post(url).status_code == 302
    operations.revoke(acting(maker), [link], now=NOW)
    assert client_of(maker).post(url).status_code == 302
    link.refresh_from_db()
    assert link.revoked_at is None
