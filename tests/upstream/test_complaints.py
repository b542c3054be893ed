from __future__ import annotations

from typing import Any

import pytest

from lumaboard.outbound import Answer
from lumaboard.upstream.errors import GenerationNotFound, RateLimited, UpstreamError
from lumaboard.upstream.parse import parse_answer
from tests.upstream.recorded import NOW, answering, saying

PAGE = "<!doctype html><html></html>"


def error_of(answer: Answer) -> UpstreamError:
    with pytest.raises(UpstreamError) as caught:
        parse_answer(answer, now=NOW)
    return caught.value


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (204, "", "error"),
        (200, "", "error"),
        (200, "{", "error"),
        (200, PAGE, "configuration_error"),
        (302, "", "configuration_error"),
        (308, "{}", "configuration_error"),
        (400, '{"detail": "prompt required"}', "permanent_error"),
        (400, '{"detail": "Insufficient credits"}', "balance_error"),
        (400, '{"code": "task_not_exist", "message": "x"}', "missing_or_too_young"),
        (200, '{"code": "task_not_exist", "message": "task_not_exist", "data": null}', "missing_or_too_young"),
        (200, '{"error": "Task not found"}', "missing_or_too_young"),
        (200, '{"success": false, "message": "user quota is not enough"}', "balance_error"),
        (400, PAGE, "configuration_error"),
        (401, "", "auth_error"),
        (401, PAGE, "auth_error"),
        (402, '{"detail": "pay"}', "balance_error"),
        (403, '{"detail": "forbidden"}', "auth_error"),
        (403, '{"error": {"message": "token quota exhausted"}}', "balance_error"),
        (403, '{"error": {"message": "余额不足"}}', "balance_error"),
        (403, PAGE, "configuration_error"),
        (404, '{"detail": "Not Found"}', "missing"),
        (404, '{"error": {"message": "Invalid URL (GET /x)", "type": "invalid_request_error"}}', "configuration_error"),
        (404, PAGE, "configuration_error"),
        (405, '{"detail": "Method Not Allowed"}', "configuration_error"),
        (408, "{}", "transient_error"),
        (410, "{}", "missing"),
        (413, "{}", "permanent_error"),
        (422, '{"detail": [{"loc": ["path"], "msg": "bad id"}]}', "permanent_error"),
        (429, PAGE, "rate_limited"),
        (500, "", "transient_error"),
        (500, '{"detail": {"reason": "x", "code": 1}}', "transient_error"),
        (502, PAGE, "transient_error"),
        (524, PAGE, "transient_error"),
    ],
)
def test_each_answer_that_is_no_snapshot_has_its_error(status: int, body: str, kind: str) -> None:
    content_type = "text/html" if body == PAGE else "application/json"
    assert error_of(answering(body, status=status, content_type=content_type)).kind == kind


@pytest.mark.parametrize(
    ("status", "retryable"),
    [
        (503, True),
        (429, True),
        (402, True),
        (404, True),
        (200, True),
        (401, False),
        (403, False),
        (301, True),
        (422, False),
    ],
)
def test_errors_say_whether_asking_again_may_help(status: int, retryable: bool) -> None:
    assert error_of(saying({"message": "no", "code": 7}, status=status)).retryable is retryable


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("7", 7),
        ("0", 1),
        ("99999999999999", 900),
        ("Sat, 01 Mar 2025 10:17:00 GMT", 60),
        ("Sat, 01 Mar 2025 09:00:00 GMT", 1),
        ("soon", None),
        ("-5", None),
        ("", None),
    ],
)
def test_the_wish_to_wait_is_read_and_clamped(header: str, seconds: float | None) -> None:
    error = error_of(answering("{}", status=429, retry_after=header))
    assert isinstance(error, RateLimited)
    assert error.retry_after == seconds


def test_only_the_vague_kind_of_not_found_may_mean_too_young() -> None:
    vague, clear = (
        error_of(saying({"code": "task_not_exist", "message": ""}, status=400)),
        error_of(saying({}, status=404)),
    )
    assert isinstance(vague, GenerationNotFound)
    assert isinstance(clear, GenerationNotFound)
    assert (vague.may_be_too_young, clear.may_be_too_young) == (True, False)


@pytest.mark.parametrize(
    "document",
    [
        {"error": {"message": "invalid key sk-abcdefghijkl at https://u:p@h.example/?key=verysecret " + "x" * 5000}},
        {"detail": "invalid key sk-abcdefghijkl\n\n at /user/quota?key=verysecret" + "y" * 5000},
    ],
)
def test_a_message_quotes_little_and_no_secret(document: Any) -> None:
    message = str(error_of(saying(document, status=400)))
    assert len(message) < 400
    assert "abcdefghijkl" not in message
    assert "verysecret" not in message
    assert "\n" not in message


def test_a_page_is_never_quoted() -> None:
    assert "console" not in str(error_of(answering("<html>console</html>", content_type="text/html")))
