"""The board in a hand: 390 pixels and a finger, and nothing scrolls sideways at 320."""

from __future__ import annotations

import uuid
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser import Console
from tests.flows.addresses import answers_to_forms, guests_pages, members_pages, one_of_each, protected_pages
from tests.flows.stack import Team

pytestmark = pytest.mark.browser
PHONE = {"viewport": {"width": 390, "height": 780}, "has_touch": True, "is_mobile": True, "device_scale_factor": 2}


def test_on_a_phone_one_tracks_watches_and_opens_a_generation(team: Team, new_page: Callable[..., Page]) -> None:
    team.track_a_safe_clip()  # the same clip, so that the one tracked by hand is there at once
    page = new_page(team.alice, **PHONE)
    page.goto(team.url)
    bar = page.get_by_role("navigation", name="Main, at the bottom")
    bar.get_by_role("button", name="More").tap()
    bar.get_by_role("link", name="Track").tap()
    page.get_by_label("Ids, links, curl lines, logs, JSON or CSV").fill(
        f"{uuid.uuid4()}-quick-legacy-scene-sea-format-16x9-seconds-5"
    )
    page.get_by_role("button", name="Look what is in it").tap()
    page.get_by_role("button", name="Track 1 generation").tap()
    page.wait_for_url(team.url)
    expect(page.locator("article.card--ready")).to_have_count(2, timeout=40_000)
    card = page.locator("article.card").first
    box = card.bounding_box()
    assert box is not None
    assert 0 <= box["x"] <= box["x"] + box["width"] <= 390

    card.get_by_role("link").tap()
    page.wait_for_url("**/g/*/")
    page.get_by_role("button", name="Play", exact=True).tap()
    page.wait_for_function("() => document.querySelector('video').currentTime > 0.1")
    expect(page.get_by_role("link", name="Download", exact=True)).to_be_in_viewport()

    page.get_by_role("link", name="Back to the gallery").tap()
    page.wait_for_url(team.url)
    bar.get_by_role("button", name="More").tap()
    page.get_by_role("link", name="Trash").tap()
    expect(page.get_by_role("heading", name="The trash is empty")).to_be_visible()
    bar.get_by_role("button", name="More").tap()
    page.get_by_role("button", name="Sign out").tap()
    page.wait_for_url("**/accounts/**")


def test_the_row_of_settings_shows_where_one_is(team: Team, new_page: Callable[..., Page]) -> None:
    page = new_page(team.alice, **PHONE)
    page.goto(f"{team.url}settings/tokens/")
    expect(page.get_by_role("link", name="API tokens", exact=True)).to_be_in_viewport(ratio=1)
    assert page.evaluate("scrollY") == 0


def test_no_page_scrolls_sideways_at_320_pixels(team: Team, new_page: Callable[..., Page], console: Console) -> None:
    console.expected.append("Failed to load resource: the server responded with a status of 404")
    made = one_of_each(team)
    team.stack.inside.call(
        "rename", pk=made["safe"], title="Donaudampfschifffahrtsgesellschaftskapitän" * 3, user_id=team.alice.pk
    )
    hand = {"viewport": {"width": 320, "height": 640}, "has_touch": True, "is_mobile": True}
    page = new_page(team.alice, **hand)
    wide = []

    def measure(page: Page, name: str) -> None:
        if (width := page.evaluate("document.documentElement.scrollWidth")) > 320:
            wide.append((name.removeprefix(team.stack.url), width))

    for address in [*members_pages(team, made), *guests_pages(team, made), f"{team.url}?q={'lighthouse' * 12}"]:
        page.goto(address)
        measure(page, address)
    for name in answers_to_forms(page, team):
        measure(page, name)
    bob, addresses = protected_pages(team)
    bobs = new_page(bob, **hand)
    for address in addresses:
        bobs.goto(address)
        measure(bobs, address)
    page.goto(f"{team.url}track/")
    page.get_by_label("Ids, links, curl lines, logs, JSON or CSV").fill(f"{uuid.uuid4()}\n{'noise' * 60}")
    page.get_by_role("button", name="Look what is in it").tap()
    expect(page.locator("#dry-run")).to_be_visible()
    measure(page, "dry run")
    assert wide == []
