from __future__ import annotations

import pytest

from lumaboard.outbound import AddressRefused, AnswerCut, ConnectionFailed, OutboundError, scrub


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        ("GET https://media.example/a.mp4?X-Amz-Signature=0123abcd failed", "0123abcd"),
        ("url: /user/quota?key=verysecret", "verysecret"),
        ("https://storage.example/x?opaque-token", "opaque-token"),
        ("see https://alice:hunter2@example.org/path", "hunter2"),
        ("https://alice:hun@ter2@example.org/path", "ter2"),
        ("Authorization: Bearer abcdef123456", "abcdef123456"),
        ("the key sk-abcdefghijklmnop is invalid", "abcdefghijklmnop"),
        ("the key luma-8d0b1c2e-1111-2222-3333-444455556666 is invalid", "8d0b1c2e"),
        ('{"api_key": "verysecret"}', "verysecret"),
        ("token=verysecret was refused", "verysecret"),
    ],
)
def test_a_secret_is_taken_out_of_a_text(text: str, secret: str) -> None:
    assert secret not in scrub(text)


@pytest.mark.parametrize(
    "text",
    [
        "Advanced prompt moderation failed",
        "任务超时（1440分钟）",
        "no available channel for group default and model luma-example (distributor)",
        "Did that work? Yes, https://example.org/help says so.",
    ],
)
def test_an_ordinary_sentence_stays_as_it_is(text: str) -> None:
    assert scrub(text) == text


def test_a_long_hostile_text_is_scrubbed_quickly() -> None:
    assert len(scrub("://a@" * 100_000)) <= 4_000


def test_an_error_scrubs_its_own_message() -> None:
    assert "verysecret" not in str(OutboundError("https://example.org/?key=verysecret"))


def test_errors_say_whether_the_request_may_have_left() -> None:
    assert ConnectionFailed("no").was_sent is False
    assert AddressRefused("no").was_sent is False
    assert AnswerCut("no").was_sent is True
    assert AnswerCut("no", was_sent=False).was_sent is False
