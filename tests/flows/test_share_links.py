"""Members share by link: the dialog on a desk and in a hand, the table, and a selection in the gallery."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]  # it ships no types
from playwright.sync_api import Page, expect

from tests.browser import Console
from tests.flows.stack import Team
from tests.flows.test_phone import PHONE

pytestmark = pytest.mark.browser


def faults(page: Page) -> list[str]:
    return [fault["id"] for fault in Axe().run(page).response["violations"]]


def test_a_link_is_made_in_a_dialog_opened_by_a_guest_changed_and_revoked(
    team: Team, new_page: Callable[..., Page], console: Console
) -> None:
    pk = team.track_a_safe_clip()
    page = new_page(team.alice, viewport={"width": 1440, "height": 900})
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.goto(team.page_of(pk))
    opener = page.locator("#share-open")
    opener.click()
    dialog = page.get_by_role("dialog", name="Share this generation")
    expect(dialog.get_by_role("heading", name="Share this generation")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(opener).to_be_focused()

    console.expected.append("Failed to load resource: the server responded with a status of 422")
    # What is wrong is said inside the dialog, and what was typed stays
    page.keyboard.press("s")
    dialog.get_by_label("Name").fill("For the client")
    dialog.get_by_text("Address of your own").click()
    dialog.get_by_role("textbox", name="Last part of the address").fill("No Spaces")
    dialog.get_by_role("button", name="Make link").click()
    expect(dialog.get_by_text("small letters and digits, with single hyphens")).to_be_visible()
    expect(dialog.get_by_role("textbox", name="Last part of the address")).to_be_focused()
    expect(dialog.get_by_label("Name")).to_have_value("For the client")
    assert faults(page) == []
    dialog.get_by_role("textbox", name="Last part of the address").fill("")
    dialog.get_by_label("Ends").select_option(label="On a day …")
    expect(dialog.get_by_label("Last day")).to_be_visible()
    dialog.get_by_label("Ends").select_option("7")
    expect(dialog.get_by_label("Last day")).to_be_hidden()
    dialog.get_by_role("button", name="Make link").click()

    ready = page.get_by_role("dialog", name="The link is ready")
    expect(ready.get_by_role("heading", name="The link is ready")).to_be_focused()
    ready.get_by_role("button", name="Copy link").click()
    expect(page.locator("#toasts")).to_contain_text("Copied")
    address = page.evaluate("navigator.clipboard.readText()")
    assert address == ready.locator("#share-url").inner_text()
    expect(ready.get_by_role("group", name="The card that chat apps will show")).to_contain_text("For the client")
    ready.get_by_text("QR code").click()
    page.wait_for_function("() => document.querySelector('.share__qr img').naturalWidth > 0")
    assert faults(page) == []
    with page.context.expect_page() as opened:
        ready.get_by_role("link", name="Open as guest").click()
    expect(opened.value.get_by_role("heading", name="For the client")).to_be_visible()
    opened.value.close()
    ready.get_by_role("link", name="Done").click()
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(opener).to_have_accessible_name("Shared · 1 link")
    expect(opener).to_be_focused()

    guest = new_page(viewport={"width": 1280, "height": 800})
    guest.goto(address)
    expect(guest.get_by_role("heading", name="For the client")).to_be_visible()

    # The table: change it there, then revoke it and take that back
    page.get_by_role("navigation", name="Main").get_by_role("link", name="Share links").click()
    row = page.get_by_role("row", name="For the client")
    row.get_by_role("link", name="Change the link For the client").click()
    change = page.get_by_role("dialog", name="For the client")
    change.get_by_label("Name").fill("For the client, second cut")
    change.get_by_role("button", name="Make up a password").click()
    password = change.get_by_role("textbox", name="Password").input_value()
    assert len(password) == 19
    change.get_by_role("button", name="Save").click()
    expect(change.or_(page.get_by_role("dialog", name="second cut")).get_by_text("Saved.")).to_be_visible()
    page.keyboard.press("Escape")
    row = page.get_by_role("row", name="For the client, second cut")
    expect(row).to_contain_text("Set")

    guest.reload()
    guest.get_by_label("Password", exact=True).fill(password)
    guest.get_by_role("button", name="Open").click()
    expect(guest.get_by_role("heading", name="For the client, second cut")).to_be_visible()
    row.get_by_role("button", name="Revoke For the client, second cut").click()
    expect(page.get_by_text("The link is revoked.")).to_be_visible()
    expect(row).to_have_count(0)
    console.expected.append("Failed to load resource: the server responded with a status of 404")
    guest.reload()
    expect(guest.get_by_role("heading", name="This link is not available")).to_be_visible()
    page.get_by_role("button", name="Undo").click()
    expect(row).to_be_visible()
    guest.reload()
    expect(guest.get_by_role("heading", name="This page is protected").or_(guest.locator("video"))).to_be_visible()


def test_on_a_phone_the_dialog_is_a_sheet_and_revoking_in_it_can_be_undone(
    team: Team, new_page: Callable[..., Page]
) -> None:
    pk = team.track_a_safe_clip()
    page = new_page(team.alice, **PHONE)
    page.goto(team.page_of(pk))
    page.locator("#share-open").tap()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_be_visible()
    page.wait_for_function(
        "() => document.querySelector('dialog').getAnimations().every((one) => one.playState === 'finished')"
    )
    box = dialog.bounding_box()
    assert box is not None
    assert (box["x"], box["width"], round(box["y"] + box["height"])) == (0, 390, 780)
    dialog.get_by_role("button", name="Make link").tap()
    expect(dialog.get_by_role("heading", name="The link is ready")).to_be_visible()
    assert faults(page) == []
    dialog.get_by_role("button", name="Revoke").tap()
    expect(dialog).to_have_count(0)
    expect(page.get_by_text("The link is revoked.")).to_be_visible()
    page.get_by_role("button", name="Undo").tap()
    expect(page.locator("#share-open")).to_have_accessible_name("Shared · 1 link")


def test_cards_are_selected_by_click_key_and_range_and_then_shared_or_thrown_away(
    team: Team, new_page: Callable[..., Page]
) -> None:
    call = team.stack.inside.call
    call("settled_many", connection_id=team.connection_id, user_id=team.alice.pk, count=8, state="succeeded")
    page = new_page(team.alice, viewport={"width": 1440, "height": 900})
    page.goto(team.url)
    bar = page.get_by_role("region", name="Selection")

    expect(bar).to_be_hidden()
    first = page.locator("article.card").nth(0)
    first.hover()
    first.get_by_role("button", name="Select").click()
    expect(bar).to_contain_text("1 selected")
    page.locator("article.card").nth(1).get_by_role("link").click()  # from now on a click selects
    expect(bar).to_contain_text("2 selected")
    page.locator("article.card").nth(4).get_by_role("link").click(modifiers=["Shift"])
    expect(bar).to_contain_text("5 selected")
    page.keyboard.press("Escape")
    expect(bar).to_be_hidden()

    page.locator("#grid a[id^=open-]").first.focus()
    page.keyboard.press("x")
    page.keyboard.press("j")
    page.keyboard.press("x")
    expect(bar).to_contain_text("2 selected")
    assert faults(page) == []
    title = first.get_by_role("link").inner_text()
    pk = int((first.get_attribute("id") or "").removeprefix("generation-"))
    call("rename", pk=pk, title=f"{title}, renamed meanwhile", user_id=team.alice.pk)
    expect(first).to_contain_text("renamed meanwhile")
    expect(first.get_by_role("button", name="Select")).to_have_attribute("aria-pressed", "true")
    page.keyboard.press("s")
    dialog = page.get_by_role("dialog", name="Share 2 generations")
    expect(dialog).to_be_visible()
    dialog.get_by_role("link", name="Cancel").click()

    page.goto(team.page_of(pk))  # a look at one of them
    page.goto(team.url)
    expect(bar).to_contain_text("2 selected")
    bar.get_by_role("button", name="Move to trash").click()
    expect(page.get_by_text("2 generations moved to trash.")).to_be_visible()
    expect(page.locator("article.card")).to_have_count(6)
    expect(bar).to_be_hidden()
    page.get_by_role("button", name="Undo").click()
    expect(page.locator("article.card")).to_have_count(8)
