"""A passkey of a real browser: added in the settings, then used instead of the password."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser import Console
from tests.factories import PASSWORD
from tests.flows.stack import Team

pytestmark = pytest.mark.browser


def test_a_passkey_is_added_and_signs_in_without_a_password(
    team: Team, new_page: Callable[..., Page], console: Console
) -> None:
    named = team.stack.url.replace("127.0.0.1", "localhost")  # a passkey belongs to a name
    page = new_page()
    devices = page.context.new_cdp_session(page)
    devices.send("WebAuthn.enable")
    device = devices.send(
        "WebAuthn.addVirtualAuthenticator",
        {
            "options": {
                "protocol": "ctap2",
                "transport": "internal",
                "hasResidentKey": True,
                "hasUserVerification": True,
                "isUserVerified": True,
            }
        },
    )

    page.goto(f"{named}/accounts/login/")
    page.locator("input[name=login]").fill(team.alice.email)
    page.get_by_label("Password", exact=False).fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.wait_for_url(f"{named}/w/{team.slug}/")
    page.goto(f"{named}/w/{team.slug}/settings/security/")
    page.get_by_role("link", name="Add passkey").click()
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Go on").click()
    page.get_by_label("Name").fill("Alice’s laptop")
    page.get_by_role("button", name="Add passkey").click()

    expect(page.get_by_role("heading", name="Recovery codes")).to_be_visible()
    assert len(page.locator("#recovery-codes").inner_text().split()) == 10
    with page.expect_download() as saved:
        page.get_by_role("button", name="Download").click()
    assert saved.value.suggested_filename == "lumaboard-recovery-codes.txt"
    page.get_by_role("link", name="I have kept them").click()
    expect(page.get_by_role("cell", name="Alice’s laptop", exact=True)).to_be_visible()

    page.context.clear_cookies()
    page.goto(f"{named}/accounts/login/")
    page.get_by_role("button", name="Sign in with a passkey").click()
    page.wait_for_url(f"{named}/w/{team.slug}/")

    # A device that refuses is told about in words
    page.context.clear_cookies()
    devices.send("WebAuthn.setUserVerified", {"authenticatorId": device["authenticatorId"], "isUserVerified": False})
    page.goto(f"{named}/accounts/login/")
    page.get_by_role("button", name="Sign in with a passkey").click()
    expect(page.get_by_role("alert")).to_contain_text("That did not work")
