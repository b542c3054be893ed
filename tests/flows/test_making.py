"""Films made from the board: three takes, watched until they are there, then one varied, with its lineage; and by hand."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser import Console
from tests.flows.stack import Team
from tests.media.samples import quarters

pytestmark = pytest.mark.browser
PROMPT = "[sim:quick scene-sea format-16x9 seconds-5] A quiet harbour"


def make_picture(path: Path) -> Path:
    quarters(320, 180).save(path)
    return path


def test_three_takes_are_made_from_an_uploaded_frame_watched_and_one_is_varied(
    team: Team, new_page: Callable[..., Page], tmp_path: Path
) -> None:
    page = new_page(team.alice, viewport={"width": 1440, "height": 900})
    page.goto(team.url)
    page.get_by_role("link", name="New", exact=True).click()
    page.get_by_label("Prompt", exact=True).fill(PROMPT)
    expect(page.get_by_text(f"{len(PROMPT)} of 5,000")).to_be_visible()
    frame = page.get_by_role("group", name="Start frame")
    frame.get_by_label("Start frame").select_option(label="Upload a picture")
    frame.get_by_label("Picture").set_input_files(make_picture(tmp_path / "first.png"))
    page.get_by_role("group", name="Takes").get_by_label("3", exact=True).check()
    page.get_by_role("button", name="Make 3 generations").click()
    page.wait_for_url("**/new/*-*/")
    expect(page.locator("article.card")).to_have_count(3, timeout=20_000)
    expect(page.locator("article.card--ready")).to_have_count(3, timeout=60_000)

    page.locator("article.card").first.get_by_role("link").click()
    page.get_by_role("link", name="Vary", exact=True).click()
    prompt = page.get_by_label("Prompt", exact=True)
    expect(prompt).to_be_focused()
    expect(page.get_by_role("img", name="The picture that was uploaded")).to_be_visible()
    prompt.fill(f"{PROMPT} at dusk")
    page.get_by_role("button", name="Make 1 generation").click()
    page.wait_for_url("**/new/*-*/")
    page.locator("article.card").get_by_role("link").click()
    expect(page.get_by_text("Varied from")).to_be_visible()
    expect(page.locator("ins")).to_have_text("at dusk")


def test_on_a_phone_new_is_under_the_thumb(team: Team, new_page: Callable[..., Page], console: Console) -> None:
    console.expected.append("Failed to load resource: the server responded with a status of 422")
    page = new_page(team.alice, viewport={"width": 390, "height": 780}, has_touch=True, is_mobile=True)
    page.goto(team.url)
    page.get_by_role("navigation", name="Main, at the bottom").get_by_role("link", name="New").tap()
    page.get_by_label("Prompt", exact=True).fill("ab")
    page.get_by_role("button", name="Make 1 generation").tap()
    expect(page.get_by_text("takes prompts of 3 to 5000 characters")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
