"""An admin has a program told what happens, and it hears."""

from __future__ import annotations

import uuid
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.flows.stack import Team, wait_for
from tests.news.hooks.conftest import is_signed_with, said
from tests.outbound.scripted import answer, saying, scripted_server

pytestmark = pytest.mark.browser


def test_a_webhook_is_added_tested_and_told(team: Team, new_page: Callable[..., Page]) -> None:
    page = new_page(team.alice)
    with scripted_server(saying(answer())) as receiver:
        page.goto(f"{team.url}settings/webhooks/")
        page.get_by_role("link", name="Add webhook").first.click()
        page.get_by_label("Name").fill("Render farm")
        page.get_by_label("Address").fill(f"{receiver.url}/heard")
        page.get_by_role("button", name="Add webhook").click()
        secret = page.locator("#signing-secret").inner_text()
        page.get_by_role("button", name="Send a test").click()
        expect(page.get_by_text("The test arrived at")).to_be_visible()

        team.track(str(uuid.uuid4()))
        wait_for(
            lambda: "succeeded" in [said(request)["kind"] for request in receiver.requests],
            seconds=90,
            what="the word that it is ready",
        )
        assert all(is_signed_with(secret, request) for request in receiver.requests)
        page.reload()
        expect(page.get_by_role("row", name="Ready")).to_contain_text("Delivered")
