"""One's own work says so wherever its person is in the board: the bell counts, a toast tells, and an opened one is read."""

from __future__ import annotations

import uuid
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.flows.stack import Stack, wait_for
from tests.flows.stand_in import StandIn
from tests.flows.test_live_page import HIDE, answer

pytestmark = pytest.mark.browser
RECORD_NOTIFICATIONS = """
    window.said = [];
    window.Notification = class extends EventTarget {
        static permission = "granted";
        constructor(title, options) { super(); window.said.push([title, options.body]); }
        close() {}
    };
"""


def test_a_generation_that_settles_is_told_on_the_page_and_by_the_browser_of_a_hidden_tab(
    stack: Stack, new_page: Callable[..., Page]
) -> None:
    with StandIn() as upstream:
        team = stack.new_team(upstream=upstream.url)
        first, second = (str(uuid.uuid4()) for _number in range(2))
        for task_id in (first, second):
            upstream.documents[task_id] = answer(task_id, "dreaming")
        team.track(first)
        page, bobs = new_page(team.alice), new_page(team.bob)
        bobs.goto(team.url)
        page.clock.install()
        page.add_init_script(RECORD_NOTIFICATIONS)
        page.goto(f"{team.url}settings/notifications/")
        page.get_by_label("Let my browser say it").check()
        page.get_by_role("button", name="Save").click()
        expect(page.get_by_text("Saved.")).to_be_visible()

        page.goto(team.url)
        expect(page.get_by_role("link", name="News", exact=True)).to_be_visible()
        upstream.documents[first] = answer(first, "failed")
        toast = page.locator("[data-toast]")
        expect(toast).to_contain_text("Failed A lighthouse", timeout=30_000)
        expect(page.get_by_role("link", name="News, 1 unread")).to_be_visible()

        with page.expect_response("**/news/fresh/**"):
            page.evaluate(HIDE, True)
        upstream.documents[second] = answer(second, "failed")
        (pk,) = team.track(second)
        wait_for(lambda: stack.inside.call("is_told", pk=pk), what="the news")
        page.clock.fast_forward(31_000)
        page.wait_for_function("() => window.said.length")
        assert page.evaluate("window.said") == [["Failed", "A lighthouse"]]

        page.evaluate(HIDE, False)
        expect(page.get_by_role("link", name="News, 2 unread")).to_be_visible(timeout=30_000)
        page.get_by_role("link", name="News, 2 unread").click()
        with page.expect_response("**/news/read/"):
            page.get_by_role("link", name="Failed (unread)").first.click()
        expect(page.get_by_role("link", name="News, 1 unread")).to_be_visible()
        expect(bobs.get_by_role("link", name="News", exact=True)).to_be_visible()
