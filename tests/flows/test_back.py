"""Back returns to the place one left: the same pages loaded, the same scroll, and the focus on the card that was opened."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.flows.stack import Team

pytestmark = pytest.mark.browser


@pytest.fixture
def page(team: Team, new_page: Callable[..., Page]) -> Page:
    """A gallery of three pages."""
    team.stack.inside.call("settled_many", connection_id=team.connection_id, user_id=team.alice.pk, count=130)
    page = new_page(team.alice, viewport={"width": 1280, "height": 800})
    page.goto(team.url)
    return page


def scroll_until_loaded(page: Page, count: int) -> None:
    """Scroll down; at the end of what is loaded the page brings the next cards by itself."""
    cards = page.locator("article.card")
    while cards.count() < count:
        page.mouse.wheel(0, 3000)
        page.wait_for_timeout(100)


@pytest.mark.parametrize("way", ["browser", "button"])
def test_back_restores_the_page_and_the_place(page: Page, team: Team, way: str) -> None:
    scroll_until_loaded(page, 130)
    link = page.get_by_role("link", name="Take 117 of a lighthouse")
    link.scroll_into_view_if_needed()
    page.wait_for_timeout(200)
    place = link.bounding_box()
    assert place is not None
    assert page.evaluate("scrollY") > 2000
    link.click()
    page.wait_for_url("**/g/*/")
    if way == "browser":
        page.go_back()
    else:
        page.get_by_role("link", name="Back to the gallery").click()
    expect(page.locator("article.card")).to_have_count(130)
    expect(link).to_be_focused()
    expect(link).to_be_in_viewport()
    returned = link.bounding_box()
    assert returned is not None
    assert returned["y"] == pytest.approx(place["y"], abs=4)


def test_a_link_to_the_gallery_begins_at_its_top(page: Page, team: Team) -> None:
    page.get_by_role("link", name="Take 30 of a lighthouse").click()
    page.wait_for_url("**/g/*/")
    page.get_by_role("link", name="Northlight").click()
    expect(page.get_by_role("link", name="Take 1 of a lighthouse")).to_be_in_viewport()
    expect(page.get_by_role("link", name="Take 30 of a lighthouse")).not_to_be_focused()
    assert page.evaluate("scrollY") == 0


def test_filters_survive_back(page: Page, team: Team) -> None:
    page.get_by_label("Search prompts").fill("night light")
    page.get_by_label("Search prompts").press("Enter")
    expect(page.locator("article.card")).to_have_count(13)
    page.get_by_role("link", name="Take 95 of a lighthouse").click()
    page.wait_for_url("**/g/*/")
    page.get_by_role("link", name="Older", exact=True).click()
    expect(page.get_by_role("heading", name="Take 96 of a lighthouse")).to_be_visible()
    page.get_by_role("link", name="Back to the gallery").click()
    expect(page.locator("article.card")).to_have_count(13)
    expect(page.get_by_label("Search prompts")).to_have_value("night light")
