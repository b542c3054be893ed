"""A browser without JavaScript does everything that is not live."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser import Console
from tests.factories import PASSWORD
from tests.flows.stack import Team

pytestmark = pytest.mark.browser


@pytest.fixture
def page(new_page: Callable[..., Page]) -> Page:
    return new_page(java_script_enabled=False, viewport={"width": 1280, "height": 900})


def sign_in(page: Page, team: Team) -> None:
    page.goto(team.url)
    page.get_by_label("Email").fill(team.alice.email)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.wait_for_url(team.url)


def test_without_script_one_signs_in_tracks_filters_and_pages(team: Team, page: Page) -> None:
    inside = team.stack.inside
    inside.call("settled_many", connection_id=team.connection_id, user_id=team.alice.pk, count=60)
    sign_in(page, team)
    expect(page.locator("article.card")).to_have_count(48)

    page.get_by_role("link", name="Older", exact=True).press("Enter")
    expect(page.locator("article.card")).to_have_count(12)
    expect(page.get_by_role("link", name="Take 60 of a lighthouse")).to_be_visible()
    page.get_by_role("link", name="Newer", exact=True).press("Enter")
    expect(page.get_by_role("link", name="Take 1 of a lighthouse")).to_be_visible()

    page.get_by_role("link", name="Track", exact=True).click()
    page.get_by_label("Ids, links, curl lines, logs, JSON or CSV").fill(f"{uuid.uuid4()}-stall-scene-sea")
    page.get_by_role("button", name="Look what is in it").click()
    page.get_by_role("button", name="Track 1 generation").click()
    expect(page.get_by_role("status").get_by_text("1 generation tracked.")).to_be_visible()

    page.get_by_role("navigation", name="Filters").get_by_role("link", name="In progress").click()
    expect(page.locator("article.card")).to_have_count(1)
    page.get_by_role("navigation", name="Filters").get_by_role("link", name="Owner", exact=True).click()
    page.get_by_role("navigation", name="Whose generations").get_by_role("link", name="Bob Brown").click()
    expect(page.get_by_role("heading", name="Nothing is in progress")).to_be_visible()
    page.get_by_role("link", name="Show everything").click()
    page.get_by_label("Search prompts").fill("night")
    page.get_by_label("Search prompts").press("Enter")
    expect(page.locator("article.card")).to_have_count(6)


def test_without_script_one_plays_downloads_renames_trashes_and_brings_back(team: Team, page: Page) -> None:
    pk = team.track_a_safe_clip()
    sign_in(page, team)
    page.locator("article.card").get_by_role("link").click()
    page.wait_for_url(team.page_of(pk))

    video = page.locator("video")
    assert video.get_attribute("controls") is not None
    source = video.get_attribute("src")
    assert source is not None
    answer = page.request.get(f"{team.stack.url}{source}", headers={"Range": "bytes=0-1"})
    assert (answer.status, answer.headers["content-type"]) == (206, "video/mp4")
    page.get_by_text("The provider's raw answer").click()
    page.get_by_role("link", name="Show it").click()
    expect(page.locator(".codeblock")).to_contain_text('"state": "completed"')
    page.get_by_role("link", name="Back to the generation").click()

    with page.expect_download() as started:
        page.get_by_role("link", name="Download", exact=True).click()
    assert Path(started.value.path()).read_bytes()[4:8] == b"ftyp"

    page.get_by_role("link", name="Rename").click()
    page.get_by_label("Title").fill("The sea at noon")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("heading", name="The sea at noon")).to_be_visible()

    page.get_by_role("button", name="Move to trash").click()
    page.wait_for_url(team.url)
    expect(page.locator("article.card")).to_have_count(0)
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_role("link", name="The sea at noon")).to_be_visible()

    page.get_by_role("link", name="The sea at noon").click()
    page.get_by_role("button", name="Move to trash").click()
    page.goto(f"{team.url}trash/")
    page.get_by_role("link", name="The sea at noon").click()
    page.get_by_role("button", name="Bring back").click()
    page.goto(team.url)
    expect(page.get_by_role("link", name="The sea at noon")).to_be_visible()


def test_without_script_one_shares_a_generation_changes_the_link_and_revokes_it(
    team: Team, page: Page, new_page: Callable[..., Page], console: Console
) -> None:
    console.expected.append("Failed to load resource: the server responded with a status of 422")
    pk = team.track_a_safe_clip()
    sign_in(page, team)
    page.goto(team.page_of(pk))
    page.get_by_role("link", name="Share", exact=True).click()
    page.get_by_label("Name").fill("For the client")
    page.get_by_label("View limit").fill("0")
    page.get_by_role("button", name="Make link").click()
    expect(page.get_by_text("Ensure this value is greater than or equal to 1.")).to_be_visible()
    expect(page.get_by_label("Name")).to_have_value("For the client")
    page.get_by_label("View limit").fill("")
    page.get_by_role("button", name="Make link").click()
    expect(page.get_by_role("heading", name="The link is ready")).to_be_visible()
    guest = new_page(java_script_enabled=False)
    guest.goto(page.locator("#share-url").inner_text())
    expect(guest.get_by_role("heading", name="For the client")).to_be_visible()

    page.get_by_text("What guests may do").click()
    page.get_by_label("Name").fill("For the client, second cut")
    page.get_by_role("button", name="Save").click()
    guest.reload()
    expect(guest.get_by_role("heading", name="second cut")).to_be_visible()
    page.get_by_role("link", name="Done").click()
    page.get_by_role("checkbox", name="Select For the client, second cut").check()
    page.get_by_role("button", name="Revoke selected").click()
    expect(page.get_by_text("1 link is revoked.")).to_be_visible()
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_text("1 link works again.")).to_be_visible()
