"""Browsers, and the installation they look at."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.browser import ARGUMENTS, Console, executable
from tests.flows.stack import Person, Stack, Team, running_stack

expect.set_options(timeout=15_000)  # machines that run tests are busy


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any]) -> dict[str, Any]:
    chosen = {"executable_path": path} if (path := executable()) else {}
    return browser_type_launch_args | chosen | {"args": list(ARGUMENTS)}


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """The installation that tests share; each has a team of its own in it."""
    with running_stack(tmp_path_factory.mktemp("flows") / "data") as running:
        yield running


@pytest.fixture(scope="module")
def fresh_stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """An installation without people in it."""
    with running_stack(tmp_path_factory.mktemp("fresh") / "data") as running:
        yield running


@pytest.fixture
def team(stack: Stack) -> Team:
    return stack.new_team()


@pytest.fixture
def console() -> Iterator[Console]:
    """Fails the test when a page complained: the console stays clean and the security policy is never touched."""
    heard = Console()
    yield heard
    assert heard.complaints == []


@pytest.fixture
def new_page(browser: Browser, console: Console) -> Iterator[Callable[..., Page]]:
    """Open a browser of its own (another person, another device) whose console is listened to."""
    contexts: list[BrowserContext] = []

    def open_page(person: Person | None = None, **options: Any) -> Page:
        context = browser.new_context(**options)
        contexts.append(context)
        if person is not None:
            context.add_cookies([{"name": "session", "value": person.session, "domain": "127.0.0.1", "path": "/"}])
        context.set_default_timeout(15_000)
        page = context.new_page()
        console.listen(page)
        return page

    yield open_page
    for context in contexts:
        context.close()
