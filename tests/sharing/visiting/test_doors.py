"""Passwords and view limits: who gets in, how often, and what they see before."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
import time_machine
from django.db import connections
from django.test import Client
from django.utils import timezone

from lumaboard.accounts.models import Membership
from lumaboard.generations.models import Generation
from lumaboard.sharing import operations
from lumaboard.sharing.models import ShareLink, UnlockTry
from lumaboard.sharing.operations import Terms
from lumaboard.sharing.visiting.unlocking import MOST_AT_LINK, MOST_BY_ADDRESS
from tests.conftest import client_of
from tests.factories import NOW, acting
from tests.sharing.browsing import BROWSER, OWN_PAGE, address, press

Share = Callable[..., ShareLink]
PASSWORD = "the fox is red"
FILES = ("item", "film", "poster", "download")


@pytest.fixture
def locked(share: Share) -> ShareLink:
    return share(name="For the client", password=PASSWORD, shows_details=True, download="raw")


def test_before_the_password_there_is_no_byte_title_count_or_length(
    locked: ShareLink, alice: Membership, film: Generation, guest: Client
) -> None:
    page = guest.get(address(locked)).content.decode()
    told = ("client", "Foxes", alice.workspace.name, "video", "<img", "poster", str(film.task_id))
    assert not [word for word in told if word in page]
    dead = guest.get("/s/nothing-is-here/").content
    for name in FILES:
        answer = guest.get(address(locked, name, 1))
        assert (answer.status_code, answer.content) == (404, dead)


def test_the_password_opens_the_link_for_this_browser_below_its_address_only(
    locked: ShareLink, share: Share, guest: Client
) -> None:
    answer = press(guest, locked, PASSWORD)
    assert answer.status_code == 302
    cookie = answer.cookies["share"]
    assert (cookie["path"], cookie["httponly"], cookie["samesite"]) == (address(locked), True, "Lax")
    assert "For the client" in guest.get(address(locked)).content.decode()
    assert guest.get(address(locked, "film", 1)).status_code == 200
    other = share(name="Another", password="some other password")
    guest.cookies["share"]["path"] = "/"
    assert guest.get(address(other, "film", 1)).status_code == 404


def test_a_wrong_password_says_so_and_how_many_tries_are_left(locked: ShareLink, guest: Client) -> None:
    answer = press(guest, locked, "the fox is blue")
    assert answer.status_code == 403
    assert "9 tries left" in answer.content.decode()
    assert not answer.cookies
    assert press(guest, locked, "").status_code == 403


def test_after_ten_wrong_passwords_an_address_is_refused_unchecked_and_those_inside_stay(
    locked: ShareLink, guest: Client
) -> None:
    inside = Client()
    press(inside, locked, PASSWORD)
    for number in range(MOST_BY_ADDRESS):
        assert press(guest, locked, f"guess {number}").status_code == 403
    refused = press(guest, locked, PASSWORD)
    assert refused.status_code == 429
    assert "Try again in 60 minutes" in refused.content.decode()
    assert not refused.cookies
    assert inside.get(address(locked, "film", 1)).status_code == 200
    elsewhere = Client(REMOTE_ADDR="203.0.113.9")
    assert press(elsewhere, locked, PASSWORD).status_code == 302


def test_the_right_password_uses_up_no_try(locked: ShareLink) -> None:
    for _number in range(MOST_BY_ADDRESS + 2):
        assert press(Client(), locked, PASSWORD).status_code == 302
    assert not UnlockTry.objects.exists()


def test_a_hundred_tries_from_anywhere_close_the_link_for_newcomers(locked: ShareLink, guest: Client) -> None:
    now = timezone.now()
    UnlockTry.objects.bulk_create(
        UnlockTry(link=locked, address_hash=f"{number}", at=now) for number in range(MOST_AT_LINK)
    )
    assert press(guest, locked, PASSWORD).status_code == 429


def test_neighbours_in_one_ipv6_network_count_as_one(locked: ShareLink) -> None:
    for number in range(MOST_BY_ADDRESS):
        press(Client(REMOTE_ADDR=f"2001:db8:1:2::{number + 1}"), locked, "a guess")
    assert press(Client(REMOTE_ADDR="2001:db8:1:2:ffff::1"), locked, PASSWORD).status_code == 429
    assert press(Client(REMOTE_ADDR="2001:db8:1:3::1"), locked, PASSWORD).status_code == 302


def test_a_new_password_sends_everybody_back_to_the_door(locked: ShareLink, alice: Membership, guest: Client) -> None:
    press(guest, locked, PASSWORD)
    terms = Terms(expires_at=None, password="the fox is green now", download=operations.Download.RAW)
    operations.change_link(acting(alice), locked, terms, now=NOW)
    assert guest.get(address(locked, "film", 1)).status_code == 404
    assert "This page is protected" in guest.get(address(locked)).content.decode()
    renamed = Terms(name="Renamed", expires_at=None, download=operations.Download.RAW)
    press(guest, locked, "the fox is green now")
    operations.change_link(acting(alice), locked, renamed, now=NOW)
    assert guest.get(address(locked, "film", 1)).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site", "Origin": "http://testserver"},
        {"Sec-Fetch-Site": "same-site"},
        {},
    ],
)
def test_a_form_that_another_site_sent_opens_nothing(
    headers: dict[str, str], share: Share, locked: ShareLink, guest: Client
) -> None:
    watch = share(view_limit=1)
    for link in (locked, watch):
        answer = guest.post(address(link), {"password": PASSWORD}, headers=headers)
        assert answer.status_code == 403
        assert not answer.cookies
    watch.refresh_from_db()
    assert watch.view_count == 0


def test_watch_uses_up_one_view_and_looking_at_the_door_none(share: Share, guest: Client) -> None:
    link = share(view_limit=1, name="For the client")
    assert "Watch" in guest.get(address(link)).content.decode()
    assert "client" not in guest.get(address(link)).content.decode()
    assert press(guest, link).status_code == 302
    assert guest.get(address(link)).status_code == 200
    assert guest.get(address(link, "film", 1)).status_code == 200
    press(guest, link)
    link.refresh_from_db()
    assert link.view_count == 1
    late = Client()
    assert late.get(address(link)).status_code == 404
    assert press(late, link).status_code == 404


@pytest.mark.parametrize("terms", [{"view_limit": 1}, {"password": PASSWORD}])
def test_a_stay_ends_when_it_said_it_would_however_often_the_form_is_sent_again(
    terms: dict[str, object], share: Share, guest: Client
) -> None:
    link = share(**terms)
    with time_machine.travel(NOW, tick=False) as clock:
        press(guest, link, PASSWORD)
        clock.shift(timedelta(hours=11))
        again = press(guest, link, PASSWORD)
        assert (again.status_code, dict(again.cookies)) == (302, {})
        assert guest.get(address(link, "film", 1)).status_code == 200
        clock.shift(timedelta(hours=2))
        assert guest.get(address(link, "film", 1)).status_code == 404


def test_where_there_is_no_door_a_form_gives_no_cookie_that_would_open_a_later_one(
    share: Share, alice: Membership, guest: Client
) -> None:
    link = share()
    answer = press(guest, link)
    assert (answer.status_code, dict(answer.cookies)) == (302, {})
    operations.change_link(acting(alice), link, Terms(expires_at=None, view_limit=1), now=NOW)
    assert guest.get(address(link, "film", 1)).status_code == 404


def test_a_member_watches_without_using_up_a_view(share: Share, alice: Membership) -> None:
    link, browser = share(view_limit=1), client_of(alice)
    assert browser.post(address(link), headers=OWN_PAGE | {"User-Agent": BROWSER}).status_code == 302
    assert browser.get(address(link, "film", 1)).status_code == 200
    link.refresh_from_db()
    assert link.view_count == 0


@pytest.mark.django_db(transaction=True)
def test_of_many_who_reach_for_the_last_view_one_gets_it(share: Share) -> None:
    link = share(view_limit=1)

    def watch(_number: int) -> int:
        try:
            return press(Client(), link).status_code
        finally:
            connections.close_all()

    with ThreadPoolExecutor(6) as pool:
        assert sorted(pool.map(watch, range(6))) == [302, 404, 404, 404, 404, 404]
    link.refresh_from_db()
    assert link.view_count == 1


@pytest.mark.django_db(transaction=True)
def test_many_guesses_at_once_are_no_more_than_one_after_the_other(share: Share) -> None:
    link = share(password=PASSWORD)

    def guess(number: int) -> int:
        try:
            return press(Client(), link, f"guess {number}").status_code
        finally:
            connections.close_all()

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(guess, range(MOST_BY_ADDRESS + 6)))
    assert sorted(answers) == [403] * MOST_BY_ADDRESS + [429] * 6


def test_a_cookie_somebody_made_up_opens_nothing(locked: ShareLink, guest: Client) -> None:
    guest.cookies["share"] = "WzEsMV0:1w0000:made-up"
    assert guest.get(address(locked, "film", 1)).status_code == 404
