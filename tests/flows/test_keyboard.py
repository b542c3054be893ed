"""The gallery by keys alone."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.flows.stack import Team

pytestmark = pytest.mark.browser


def test_keys_move_through_the_grid_open_search_and_list_themselves(team: Team, new_page: Callable[..., Page]) -> None:
    team.stack.inside.call("settled_many", connection_id=team.connection_id, user_id=team.alice.pk, count=12)
    page = new_page(team.alice, viewport={"width": 1280, "height": 900})
    page.goto(team.url)

    def take(number: int) -> None:
        expect(page.get_by_role("link", name=f"Take {number} of a lighthouse")).to_be_focused()

    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to content")).to_be_focused()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    take(1)
    for key, number in (("ArrowRight", 2), ("j", 3), ("k", 2), ("ArrowLeft", 1)):
        page.keyboard.press(key)
        take(number)
    page.keyboard.press("ArrowDown")
    below = page.evaluate("document.activeElement.textContent")
    assert below != "Take 1 of a lighthouse"
    page.keyboard.press("ArrowUp")
    take(1)
    page.keyboard.press("j")
    page.keyboard.press("Tab")  # the grid is one stop
    expect(page.locator("[data-grid] :focus")).to_have_count(0)

    page.keyboard.press("?")
    sheet = page.get_by_role("dialog", name="Keyboard shortcuts")
    expect(sheet).to_contain_text("Next generation")
    page.keyboard.press("Escape")
    expect(sheet).to_have_count(0)

    page.keyboard.press("/")
    search = page.get_by_label("Search prompts")
    expect(search).to_be_focused()
    page.keyboard.type("jk")
    expect(search).to_have_value("jk")
    page.keyboard.press("Escape")
    expect(search).not_to_be_focused()

    page.keyboard.press("j")
    take(2)
    page.keyboard.press("Enter")
    page.wait_for_url("**/g/*/")
    expect(page.get_by_role("heading", name="Take 2 of a lighthouse")).to_be_visible()
