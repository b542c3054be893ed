"""A colleague is asked in, comes in with a new account on a phone, and is held to a role that changes meanwhile."""

from __future__ import annotations

import uuid
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser import Console
from tests.factories import PASSWORD
from tests.flows.stack import Team
from tests.flows.test_phone import PHONE

pytestmark = pytest.mark.browser


def test_an_invited_colleague_sees_what_alice_tracked_until_the_role_no_longer_allows_more(
    team: Team, new_page: Callable[..., Page], console: Console
) -> None:
    console.expected.append("Failed to load resource: the server responded with a status of 403")
    generation = team.track_a_safe_clip()
    dana = f"dana@{team.slug}.example"

    alice = new_page(team.alice, viewport={"width": 1440, "height": 900})
    alice.goto(f"{team.url}settings/")
    alice.get_by_role("navigation", name="Settings").get_by_role("link", name="Members").click()
    alice.get_by_label("E-mail address").fill(dana)
    alice.get_by_label("Role", exact=True).select_option("Member")
    alice.get_by_role("button", name="Invite").click()
    expect(alice.get_by_role("heading", name=f"{dana} is invited")).to_be_visible()
    link = alice.locator("#invitation-link").inner_text()
    alice.context.grant_permissions(["clipboard-read", "clipboard-write"])
    alice.get_by_role("button", name="Copy").click()
    expect(alice.locator("#toasts")).to_contain_text("Copied")
    assert alice.evaluate("navigator.clipboard.readText()") == link

    colleague = new_page(**PHONE)
    colleague.goto(link)
    expect(colleague.get_by_role("heading", name="Join Northlight")).to_be_visible()
    colleague.get_by_label("Name", exact=True).fill("Dana Dale")
    colleague.get_by_label("Password", exact=True).fill(PASSWORD)
    colleague.get_by_role("button", name="Create account and join").tap()
    colleague.wait_for_url(team.url)
    expect(colleague.locator(f"#generation-{generation}")).to_contain_text("Safe")

    # What is tracked now appears for both
    alice.goto(team.url)
    (tracked,) = team.track(f"{uuid.uuid4()}-stall-scene-sea")
    for page in (alice, colleague):
        page.get_by_role("link", name="1 new").click()
        expect(page.locator(f"#generation-{tracked}")).to_be_visible()

    # The colleague's page stays open while the role is lowered
    new = colleague.get_by_role("navigation", name="Main, at the bottom").get_by_role("link", name="New")
    expect(new).to_be_visible()
    alice.goto(f"{team.url}settings/members/")
    alice.get_by_label("Role of Dana Dale", exact=True).select_option("Viewer")
    alice.get_by_role("button", name="Change the role of Dana Dale").click()
    expect(alice.locator("#toasts")).to_contain_text("The role of Dana Dale is now: Viewer.")

    new.tap()
    expect(colleague.get_by_role("heading", name="You may look, but not do that")).to_be_visible()
    expect(colleague.get_by_text("Your role in this workspace does not allow it.")).to_be_visible()
    colleague.goto(team.url)
    expect(colleague.locator(f"#generation-{generation}")).to_be_visible()
    expect(new).to_have_count(0)

    # Removed, the colleague is a stranger: the open page hears of it when it asks for news, and says so by itself
    console.expected.append("Failed to load resource: the server responded with a status of 404")
    console.expected.append("Response Status Error Code 404 from /w/")
    alice.get_by_role("link", name="Remove Dana Dale").click()
    expect(alice.get_by_text("What they made stays")).to_be_visible()
    alice.get_by_role("button", name="Remove Dana Dale").click()
    expect(alice.locator("#toasts")).to_contain_text("Dana Dale is removed.")
    expect(colleague.get_by_role("heading", name="This page is not here")).to_be_visible(timeout=30_000)
