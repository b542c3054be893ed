"""Exit with 0 if Playwright's own Chromium starts on this machine: it may be there and yet lack system libraries."""

from playwright.sync_api import sync_playwright

with sync_playwright() as playwright:
    playwright.chromium.launch(args=["--no-sandbox"]).close()
