"""What logs may hold."""

from __future__ import annotations

import logging

import pytest

from lumaboard.core.logs import JsonFormatter, WithoutTokens


@pytest.mark.parametrize(
    "where", ["invitation/", "setup/", "hooks/", "unsubscribe/", "frames/", "accounts/password/reset/key/1-"]
)
@pytest.mark.parametrize("formatter", [logging.Formatter(), JsonFormatter()])
def test_one_time_links_lose_their_secret(where: str, formatter: logging.Formatter) -> None:
    record = logging.LogRecord(
        "django.request", logging.WARNING, "", 0, "%s: %s", ("Forbidden", f"/{where}S3cret-token/"), None
    )
    assert WithoutTokens().filter(record)
    assert "S3cret" not in formatter.format(record)
    assert "Forbidden: /" in formatter.format(record)


def test_other_lines_stay_as_they_are() -> None:
    record = logging.LogRecord("django.request", logging.WARNING, "", 0, "%s: %s", ("Not Found", "/w/x/g/1/"), None)
    assert WithoutTokens().filter(record)
    assert record.getMessage() == "Not Found: /w/x/g/1/"


def test_the_handler_has_the_filter() -> None:
    from lumaboard.settings import LOGGING

    assert LOGGING["handlers"]["console"]["filters"] == ["without_tokens"]
