"""A client with nothing but a link and a phone."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser import Console
from tests.flows.stack import Team
from tests.flows.test_phone import PHONE

pytestmark = pytest.mark.browser
PASSWORD = "the fox is red"
PLACE = "() => document.querySelector('video').currentTime"


def test_a_guest_unlocks_watches_seeks_and_downloads_the_marked_film_until_the_link_is_revoked(
    team: Team, new_page: Callable[..., Page], console: Console
) -> None:
    inside, clip = team.stack.inside, team.track_a_safe_clip()
    console.expected.append("Failed to load resource")
    link = team.share(clip, name="For the client", password=PASSWORD, view_limit=1, download="watermarked")
    page = new_page(**PHONE)
    page.goto(link.url)
    assert "For the client" not in page.content()
    page.get_by_label("Password").fill("the fox is blue")
    page.get_by_role("button", name="Open").tap()
    expect(page.get_by_role("alert")).to_contain_text("9 tries left")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Open").tap()
    expect(page.get_by_role("heading", name="For the client")).to_be_visible()

    box = page.locator("video").bounding_box()
    assert box is not None
    assert (round(box["x"]), round(box["width"])) == (0, 390)
    page.evaluate("() => document.querySelector('video').play()")
    page.wait_for_function("() => document.querySelector('video').currentTime > 0.1")
    page.evaluate("() => { const video = document.querySelector('video'); video.pause(); video.currentTime = 2; }")
    page.wait_for_function("() => !document.querySelector('video').seeking")
    assert page.evaluate(PLACE) == pytest.approx(2, abs=0.1)

    button = page.get_by_role("link", name="Download")
    expect(button).to_be_in_viewport()
    with page.expect_download() as started:
        button.tap()
    taken = sha256(Path(started.value.path()).read_bytes()).hexdigest()
    assert taken == inside.call("hash_of", pk=clip, role="watermarked") != inside.call("hash_of", pk=clip, role="raw")
    assert page.request.get(f"{team.stack.url}/media/{team.slug}/{clip}/raw/", max_redirects=0).status == 302
    assert inside.call("used_up_views", pk=link.pk) == 1
    late = new_page(**PHONE)
    late.goto(link.url)
    expect(late.get_by_role("heading", name="This link is not available")).to_be_visible()

    film = page.locator("video").get_attribute("src")
    assert page.request.get(f"{team.stack.url}{film}", headers={"Range": "bytes=0-"}).status == 206
    team.revoke(link)
    assert page.request.get(f"{team.stack.url}{film}", headers={"Range": "bytes=100-"}).status == 404
    page.reload()
    expect(page.get_by_role("heading", name="This link is not available")).to_be_visible()


def test_the_open_player_stops_at_its_next_range_once_the_link_is_revoked(
    team: Team, new_page: Callable[..., Page], console: Console
) -> None:
    clip = team.stack.inside.call("long_film", connection_id=team.connection_id, user_id=team.alice.pk)
    console.expected.append("Failed to load resource")
    link = team.share(clip, download="raw")
    page = new_page()
    page.goto(link.url)
    page.wait_for_function("() => document.querySelector('video').readyState >= 1")
    team.revoke(link)
    page.evaluate("() => { const video = document.querySelector('video'); video.currentTime = video.duration - 0.5; }")
    page.wait_for_function("() => document.querySelector('video').error !== null")


def test_without_script_a_guest_presses_watch_and_goes_through_several_films(
    team: Team, new_page: Callable[..., Page]
) -> None:
    first, second = team.track_a_safe_clip(), team.track_a_safe_clip()
    link = team.share(first, second, name="Two takes", view_limit=5)
    page = new_page(java_script_enabled=False)
    page.goto(link.url)
    page.get_by_role("button", name="Watch").click()
    expect(page.get_by_role("heading", name="Two takes")).to_be_visible()
    page.get_by_role("navigation", name="All 2").get_by_role("link").nth(1).click()
    page.wait_for_url("**/2/")
    expect(page.get_by_text("2 of 2").first).to_be_visible()
    assert page.locator("video").get_attribute("controls") is not None
