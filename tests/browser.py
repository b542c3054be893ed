"""How browser tests start their browser, and what they hold every page to."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass, field

from playwright.sync_api import ConsoleMessage, Page

IN_CI = os.environ.get("CI") == "true"
"""Where nothing may be left out: what a test needs and does not find makes it fail."""

ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--autoplay-policy=no-user-gesture-required",
)


def executable() -> str | None:
    """The Chromium named by CHROMIUM, else an installed one, else None: the one Playwright brings."""
    named = os.environ.get("CHROMIUM")
    return named if named is not None else shutil.which("chromium") or None


@dataclass
class Console:
    """What a page said that it should not have: errors, uncaught exceptions, refusals of the security policy."""

    complaints: list[str] = field(default_factory=list)
    expected: list[str] = field(default_factory=list)
    """Beginnings of what a test makes the browser say itself, such as that there is no network."""

    def listen(self, page: Page) -> None:
        page.on("console", self._hear)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def _hear(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning") and not message.text.startswith(tuple(self.expected)):
            self.complaints.append(f"{message.text} ({message.location.get('url', '')})")
