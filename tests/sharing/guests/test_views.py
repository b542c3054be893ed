"""What a guest gets with nothing but a link: the page, its files, and nothing else of the workspace."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries, Settings

from lumaboard.accounts.models import Membership, Workspace
from lumaboard.accounts.tokens import new_token
from lumaboard.generations import operations as generations
from lumaboard.generations.models import Act, AssetRole, CopyState, Generation, State
from lumaboard.sharing import operations
from lumaboard.sharing.models import Download, ShareLink
from tests.conftest import client_of
from tests.factories import NOW, acting, make_kept_asset, make_member
from tests.sharing.browsing import BROWSER, MARKED, MARKED_STILL, RAW, STILL, address, body_of, make_film, press

Share = Callable[..., ShareLink]
FILES = ("film", "poster", "download")


def test_a_guest_sees_the_film_first_and_neither_prompt_nor_title(share: Share, guest: Client) -> None:
    link = share(name="For the client")
    answer = guest.get(address(link))
    page = answer.content.decode()
    assert answer.status_code == 200
    assert "For the client" in page
    assert f'src="{address(link, "film", 1)}"' in page
    assert page.index("<video") < page.index("<h1")
    assert not [word for word in ("Foxes", "snow", "download", "alice", "<script", "csrf") if word in page]


def test_a_page_tells_what_was_switched_on(share: Share, guest: Client) -> None:
    page = guest.get(address(share(shows_details=True))).content.decode()
    assert "Foxes in the snow" in page


def test_no_answer_sets_a_cookie_or_may_be_kept_or_found(share: Share, guest: Client) -> None:
    link = share()
    for name, arguments in (("page", ()), ("item", (1,)), ("film", (1,)), ("poster", (1,))):
        answer = guest.get(address(link, name, *arguments))
        assert answer.status_code == 200
        assert not answer.cookies
        assert answer.headers["X-Robots-Tag"] == "noindex"
        assert answer.headers["Cache-Control"] in ("no-store", "private, no-cache")
        assert answer.headers["Referrer-Policy"] in ("same-origin", "no-referrer")


@pytest.mark.parametrize(
    ("download", "played", "taken"),
    [(Download.NOTHING, MARKED, None), (Download.WATERMARKED, MARKED, MARKED), (Download.RAW, RAW, RAW)],
)
def test_a_link_leads_to_exactly_the_file_it_allows(
    download: Download, played: bytes, taken: bytes | None, share: Share, film: Generation, guest: Client
) -> None:
    link, own = share(download=download), film.task_id.encode()
    assert body_of(guest.get(address(link, "film", 1))) == played + own
    assert body_of(guest.get(address(link, "poster", 1))) == (STILL if download == Download.RAW else MARKED_STILL) + own
    answer = guest.get(address(link, "download", 1))
    assert answer.status_code == (404 if taken is None else 200)
    assert taken is None or body_of(answer) == taken + own


@pytest.mark.parametrize("download", [Download.NOTHING, Download.WATERMARKED])
def test_where_upstream_marked_nothing_a_preview_is_made_and_until_then_nothing_is_shown(
    download: Download, share: Share, film: Generation, guest: Client
) -> None:
    film.assets.filter(role__in=(AssetRole.WATERMARKED, AssetRole.STILL)).delete()
    link = share(download=download)
    assert film.assets.get(role=AssetRole.PREVIEW).next_copy_at is not None
    assert "Being prepared" in guest.get(address(link)).content.decode()
    assert all(guest.get(address(link, name, 1)).status_code == 404 for name in FILES)
    film.assets.filter(role=AssetRole.PREVIEW).delete()
    make_kept_asset(film, b"preview", role=AssetRole.PREVIEW)
    assert body_of(guest.get(address(link, "film", 1))) == b"preview"
    assert guest.get(address(link, "poster", 1)).status_code == 404


def test_a_marked_file_that_equals_the_raw_one_is_not_marked(share: Share, film: Generation, guest: Client) -> None:
    link, raw = share(), film.assets.get(role=AssetRole.RAW)
    film.assets.filter(role=AssetRole.WATERMARKED).update(sha256=raw.sha256, stored_name=raw.stored_name)
    assert guest.get(address(link, "film", 1)).status_code == 404


def test_a_marked_file_is_not_shown_before_it_can_be_held_against_the_raw_one(
    share: Share, film: Generation, guest: Client
) -> None:
    link = share()
    film.assets.filter(role=AssetRole.RAW).update(copy_state=CopyState.WANTED)
    assert guest.get(address(link, "film", 1)).status_code == 404
    film.assets.filter(role=AssetRole.RAW).update(copy_state=CopyState.ARCHIVED)
    assert guest.get(address(link, "film", 1)).status_code == 200


def test_a_download_is_named_by_what_the_page_tells(share: Share, film: Generation, guest: Client) -> None:
    secretive, open_ = (
        share(name="Für Anna / <final>", download=Download.RAW),
        share(download=Download.RAW, shows_details=True),
    )
    assert "Anna-final.mp4" in guest.get(address(secretive, "download", 1)).headers["Content-Disposition"]
    told = guest.get(address(open_, "download", 1)).headers["Content-Disposition"]
    assert "Foxes-take-3.mp4" in told
    assert film.task_id[:8] not in told


def test_a_player_gets_ranges_and_asks_for_each_anew(share: Share, alice: Membership, guest: Client) -> None:
    link = share(download=Download.RAW)
    first = guest.get(address(link, "film", 1), headers={"Range": "bytes=0-"})
    assert (first.status_code, len(body_of(first))) == (206, 1024 * 1024)
    operations.revoke(acting(alice), [link], now=NOW)
    second = guest.get(address(link, "film", 1), headers={"Range": "bytes=1048576-"})
    assert second.status_code == 404
    assert "Content-Range" not in second.headers


def test_all_dead_links_answer_alike(share: Share, alice: Membership, guest: Client) -> None:
    expired, revoked, used_up = share(expires_at=NOW + timedelta(days=1)), share(), share(view_limit=1)
    ShareLink.objects.filter(pk=expired.pk).update(expires_at=NOW - timedelta(days=99))
    operations.revoke(acting(alice), [revoked], now=NOW)
    ShareLink.objects.filter(pk=used_up.pk).update(view_count=1)
    unknown = reverse("sharing:page", args=[new_token()])
    expected = guest.get(unknown)
    assert expected.status_code == 404
    for link in (expired, revoked, used_up):
        for url in (address(link), address(link, "item", 1), *(address(link, name, 1) for name in FILES)):
            answer = guest.get(url)
            assert (answer.status_code, answer.content) == (404, expected.content)
            assert dict(answer.headers) == dict(expected.headers)
        assert press(guest, link, "anything").content == expected.content


def test_a_token_in_another_case_is_no_token(share: Share, guest: Client) -> None:
    url = address(share())
    assert guest.get(url.swapcase().replace("/S/", "/s/")).status_code == 404


def test_a_slug_leads_to_the_link_in_any_case_and_so_does_the_token(share: Share, guest: Client) -> None:
    link = share(slug="aster-spring", password="a long password")
    for slug in ("aster-spring", "Aster-Spring"):
        assert guest.get(reverse("sharing:page", args=[slug])).status_code == 200
    link.slug = None
    assert guest.get(address(link)).status_code == 200


def test_several_films_make_a_small_gallery_that_follows_what_is_taken_out(
    share: Share, alice: Membership, film: Generation, guest: Client
) -> None:
    second, third = make_film(alice, title="Second"), make_film(alice, title="Third")
    link = share(film, second, third, shows_details=True)
    page = guest.get(address(link)).content.decode()
    assert [page.count(f'href="{address(link, "item", number)}"') for number in (1, 2, 3)] == [1, 1, 1]
    operations.take_out(acting(alice), link, 2)
    page = guest.get(address(link)).content.decode()
    assert "Second" not in page
    assert guest.get(address(link, "item", 2)).status_code == 404
    assert guest.get(address(link, "film", 2)).status_code == 404
    generations.rename(third, "Third, final", actor_id=alice.user.pk, now=NOW)
    assert "Third, final" in guest.get(address(link, "item", 3)).content.decode()
    operations.add_items(acting(alice), link, [second.pk], now=NOW)
    assert guest.get(address(link, "item", 2)).status_code == 404
    assert guest.get(address(link, "item", 4)).status_code == 200


def test_what_is_trashed_is_not_shown_and_comes_back_with_it(
    share: Share, alice: Membership, film: Generation, guest: Client
) -> None:
    link = share(name="For the client")
    generations.trash([film], actor_id=alice.user.pk, now=NOW)
    answer = guest.get(address(link))
    assert answer.status_code == 200
    assert "Nothing to show" in answer.content.decode()
    assert all(guest.get(address(link, name, 1)).status_code == 404 for name in FILES)
    generations.restore([film], actor_id=alice.user.pk, now=NOW)
    assert guest.get(address(link, "film", 1)).status_code == 200


def test_what_is_made_private_is_not_shown_and_private_work_is_not_shared(
    share: Share, alice: Membership, film: Generation, guest: Client
) -> None:
    other = make_film(alice, title="Second")
    link = share(film, other, shows_details=True)
    generations.set_private(film, is_private=True, actor_id=alice.user.pk, now=NOW)
    page = guest.get(address(link)).content.decode()
    assert "Foxes" not in page
    assert "Second" in page
    assert all(guest.get(address(link, name, 1)).status_code == 404 for name in ("item", *FILES))
    with pytest.raises(operations.NothingToShare):
        share(film)


def test_a_film_that_is_still_being_copied_is_announced_not_broken(
    share: Share, film: Generation, guest: Client
) -> None:
    link = share()
    film.assets.filter(role=AssetRole.WATERMARKED).update(copy_state=CopyState.COPYING)
    page = guest.get(address(link)).content.decode()
    assert "Being prepared" in page
    assert "<video" not in page
    assert guest.get(address(link, "film", 1)).status_code == 404


@pytest.mark.parametrize("fields", [{"state": State.FAILED}, {"copy_state": CopyState.LOST}])
def test_what_will_never_have_a_film_is_not_shared(
    fields: dict[str, str], share: Share, film: Generation, alice_client: Client
) -> None:
    Generation.objects.filter(pk=film.pk).update(**fields)
    with pytest.raises(operations.NothingToShare):
        share()
    address = reverse("sharing:new", args=[film.workspace.slug])
    answer = alice_client.get(address, {"g": film.pk})
    assert "will have none" in answer.content.decode()
    assert "Make link" not in answer.content.decode()
    assert (
        "?g=" not in alice_client.get(reverse("gallery:detail", args=[film.workspace.slug, film.pk])).content.decode()
    )


def test_a_lost_film_is_not_shown(share: Share, film: Generation, guest: Client) -> None:
    link = share()
    Generation.objects.filter(pk=film.pk).update(copy_state=CopyState.LOST)
    assert "Nothing to show" in guest.get(address(link)).content.decode()


def test_text_of_strangers_is_text(share: Share, alice: Membership, guest: Client) -> None:
    nasty = "\"><script>alert(1)</script>\n'&amp;"
    nasty_film = make_film(alice, title=nasty, prompt=nasty)
    page = guest.get(address(share(nasty_film, name=nasty, shows_details=True))).content.decode()
    assert "<script" not in page
    assert "&lt;script&gt;" in page


def test_views_count_people_once_and_not_members_programs_or_prefetching(
    share: Share, alice: Membership, guest: Client, settings: Settings
) -> None:
    link = share()

    def views() -> int:
        link.refresh_from_db()
        return link.view_count

    client_of(alice).get(address(link), headers={"User-Agent": BROWSER})
    guest.head(address(link))
    guest.get(address(link), headers={"Sec-Purpose": "prefetch;prerender"})
    for agent in ("Slackbot-LinkExpanding 1.0", "facebookexternalhit/1.1", "curl/8.0", ""):
        guest.get(address(link), headers={"User-Agent": agent})
    assert views() == 0
    guest.get(address(link))
    guest.get(address(link))
    guest.get(address(link, "film", 1))
    assert views() == 1
    assert link.viewed_at is not None
    stranger = make_member("Dana")
    client_of(stranger).get(address(link), headers={"User-Agent": "Mozilla/5.0 Safari/605"})
    assert views() == 2


def test_a_download_counts_once_however_often_it_is_resumed(share: Share, alice: Membership, guest: Client) -> None:
    link = share(download=Download.RAW)
    for headers in ({}, {"Range": "bytes=1000-"}, {"Range": "bytes=2000-"}):
        body_of(guest.get(address(link, "download", 1), headers=headers))
    guest.head(address(link, "download", 1))
    body_of(client_of(alice).get(address(link, "download", 1)))
    link.refresh_from_db()
    assert link.download_count == 1


@pytest.mark.parametrize("count", [2, 12])
def test_a_shared_page_costs_three_queries_however_much_it_shows(
    count: int,
    share: Share,
    alice: Membership,
    guest: Client,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    link = share(*(make_film(alice, title=f"Take {number}") for number in range(count)))
    with django_assert_num_queries(3):
        assert guest.head(address(link)).status_code == 200


def test_sharing_is_the_last_act_on_what_is_shared_and_open_pages_hear_of_it(
    share: Share, alice: Membership, film: Generation
) -> None:
    before, untouched = Workspace.objects.get(pk=alice.workspace.pk).seq, make_film(alice, title="Second")
    share()
    film.refresh_from_db()
    assert (film.acted_by, film.act, film.acted_at) == (alice.user, Act.LINKED, NOW)
    assert film.seq == Workspace.objects.get(pk=alice.workspace.pk).seq == before + 1
    untouched.refresh_from_db()
    assert untouched.act != Act.LINKED
