"""Two people at one board: what one of them keeps private, and what they write to each other."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser import Console
from tests.flows.stack import Team

pytestmark = pytest.mark.browser


def test_private_work_vanishes_for_the_colleague_and_notes_appear(
    team: Team, new_page: Callable[..., Page], console: Console
) -> None:
    console.expected += ["Failed to load resource: the server responded with a status of 404", "Response Status Error"]
    team.stack.inside.call("settled_many", connection_id=team.connection_id, user_id=team.alice.pk, count=2)
    hers, his = new_page(team.alice), new_page(team.bob)
    his.goto(team.url)
    expect(his.locator("article.card")).to_have_count(2)
    hers.goto(team.url)
    card = hers.locator("article.card").first
    pk = int((card.get_attribute("id") or "").removeprefix("generation-"))

    his_detail = new_page(team.bob)
    his_detail.goto(team.page_of(pk))
    hers.goto(team.page_of(pk))
    hers.get_by_label("Note").fill("The horizon tilts.\n<b>See?</b>")
    hers.get_by_role("button", name="Add note").click()
    expect(hers.get_by_label("Note")).to_have_value("")
    expect(his_detail.locator("#detail-notes")).to_contain_text("<b>See?</b>", timeout=15_000)
    expect(his.locator(f"#generation-{pk} .card__notes")).to_contain_text("1", timeout=15_000)

    hers.get_by_role("button", name="Make private").click()
    expect(hers.locator("#detail-facts")).to_contain_text("Only you")
    expect(his.locator(f"#generation-{pk}")).to_have_count(0, timeout=15_000)
    expect(his.locator("article.card")).to_have_count(1)
    expect(his_detail.get_by_role("heading", level=1)).to_contain_text("not", ignore_case=True, timeout=15_000)

    hers.get_by_role("button", name="Share with everyone").click()
    expect(his.get_by_role("link", name="1 new")).to_be_visible(timeout=15_000)
