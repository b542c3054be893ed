"""From the set-up link to a video that plays after its upstream is gone."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.factories import PASSWORD
from tests.flows.stack import Stack

pytestmark = pytest.mark.browser


def test_a_new_owner_tracks_an_id_and_still_watches_it_when_the_upstream_is_gone(
    fresh_stack: Stack, new_page: Callable[..., Page]
) -> None:
    page = new_page(viewport={"width": 1440, "height": 900})
    page.goto(fresh_stack.setup_url)
    page.get_by_label("Name", exact=True).fill("Alice Adams")
    page.get_by_label("E-mail").fill("alice@example.com")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_label("Workspace").fill("Northlight")
    page.get_by_role("button", name="Create account").click()

    # First run: the simulator is an equal way in
    page.wait_for_url("**/welcome/")
    page.get_by_label("Demo provider").check()
    page.get_by_role("button", name="Check and save").click()
    page.wait_for_url("**/track/")

    task_id = str(uuid.uuid4())
    page.get_by_label("Ids, links, curl lines, logs, JSON or CSV").fill(task_id)
    page.get_by_role("button", name="Look what is in it").click()
    page.get_by_role("button", name="Track 1 generation").click()
    page.wait_for_url("**/w/northlight/")

    # The card is there at once, and changes without a reload
    card = page.locator("article.card")
    expect(card).to_have_count(1)
    page.evaluate("window.sameDocument = true")
    expect(card).to_contain_text("Safe", timeout=60_000)
    assert page.evaluate("window.sameDocument") is True
    assert card.locator("img").evaluate("image => image.complete && image.naturalWidth > 0")

    card.get_by_role("link").click()
    page.wait_for_url("**/g/*/")
    assert fresh_stack.simulator.requests.count(task_id) >= 1
    with fresh_stack.without_upstream():
        page.reload()
        video = page.locator("video")
        assert video.evaluate("video => video.play().then(() => true)")
        page.wait_for_function("() => document.querySelector('video').currentTime > 0.1")
        middle = video.evaluate(
            """async video => {
                video.pause();
                const wanted = video.duration / 2;
                await new Promise(done => { video.addEventListener('seeked', done, {once: true}); video.currentTime = wanted; });
                return Math.abs(video.currentTime - wanted);
            }"""
        )
        assert middle < 0.1
        with page.expect_download() as started:
            page.get_by_role("link", name="Download", exact=True).click()
        download = started.value
        assert download.suggested_filename.endswith(".mp4")
        with Path(download.path()).open("rb") as file:
            assert file.read(12)[4:8] == b"ftyp"
