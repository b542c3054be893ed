"""Who gets in, how often, and how every refusal looks."""

from __future__ import annotations

import json
import logging
from typing import Any
from unittest.mock import patch

import pytest
from django.test import Client

from lumaboard.accounts.models import ApiToken, Membership, Role
from lumaboard.api.auth import REFUSALS, REQUESTS
from tests.api.conftest import V1, Program, program_of
from tests.conftest import client_of
from tests.factories import make_connection, make_generation, make_member, make_token

pytestmark = pytest.mark.django_db


def assert_shape(answer: Any, status: int, code: str) -> dict[str, Any]:
    """Hold a failure to the one shape, and return what it says."""
    assert answer.status_code == status
    assert answer.headers["Content-Type"] == "application/json; charset=utf-8"
    document: dict[str, Any] = answer.json()
    assert set(document) == {"error"}
    assert set(document["error"]) == {"code", "message", "fields"}
    assert document["error"]["code"] == code
    return document["error"]


def test_a_token_says_whose_it_is_and_what_it_may(alice: Membership) -> None:
    told = program_of(alice, "read", "share").get("/me")
    assert told["person"] == {"id": alice.user.pk, "name": "Alice Adams"}
    assert told["role"] == "owner"
    assert told["token"]["scopes"] == ["read", "share"]
    assert told["rights"] == ["download_raw", "see", "see_raw_answer", "share"]


def test_head_is_get_without_the_body(program: Program) -> None:
    got, headed = program.ask("get", "/me"), program.ask("head", "/me")
    assert (headed.status_code, headed.content) == (200, b"")
    assert headed.headers["ETag"] == got.headers["ETag"]


def test_a_cookie_lets_nobody_in_and_none_is_set(alice: Membership) -> None:
    answer = client_of(alice).get(f"{V1}/me")
    assert_shape(answer, 401, "unauthorized")
    assert answer.headers["WWW-Authenticate"] == "Bearer"
    assert not answer.cookies
    assert not program_of(alice).ask("get", "/me").cookies


def test_every_answer_is_closed_to_browsers(program: Program) -> None:
    for answer in (program.ask("get", "/me"), program.ask("get", "/nothing"), Program().ask("get", "/me")):
        assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'")
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["Referrer-Policy"] == "no-referrer"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert "Access-Control-Allow-Origin" not in answer.headers


@pytest.mark.parametrize(
    ("method", "path", "body", "headers", "status", "code"),
    [
        ("get", "/no-such-thing", None, {}, 404, "not_found"),
        ("get", "/", None, {}, 404, "not_found"),
        ("get", "/generations/999999", None, {}, 404, "not_found"),
        ("get", "/generations/99999999999999999999", None, {}, 404, "not_found"),
        ("post", "/me", {}, {}, 405, "method_not_allowed"),
        ("get", "/generations?limit=0", None, {}, 422, "invalid"),
        ("get", "/generations?state=odd", None, {}, 422, "invalid"),
        ("get", "/generations?from=yesterday", None, {}, 422, "invalid"),
        ("get", "/generations?after=x", None, {}, 422, "invalid"),
        ("get", "/generations?q=a%00b", None, {}, 422, "invalid"),
        ("get", "/activity?kind=account", None, {}, 422, "invalid"),
        ("post", "/generations/track", {}, {}, 422, "invalid"),
        ("post", "/generations/track", "{", {}, 400, "bad_request"),
        ("post", "/generations/track", '{"ids": [NaN]}', {}, 400, "bad_request"),
        ("post", "/generations/track", "[" * 40 + "]" * 40, {}, 400, "bad_request"),
        ("post", "/generations/track", "[" * 100_000, {}, 400, "bad_request"),
        ("post", "/generations/track", {"ids": ["x\x00y"]}, {}, 422, "invalid"),
        ("post", "/generations/track", '{"text": "\\ud800"}', {}, 422, "invalid"),
        ("post", "/generations/track", {"text": "x" * 1_100_000}, {}, 413, "too_large"),
        ("post", "/generations/track", "x" * 10_000_000, {}, 413, "too_large"),
        ("get", "/me", None, {"Host": "evil.example"}, 400, "bad_request"),
    ],
)
def test_every_failure_has_one_shape(
    program: Program, method: str, path: str, body: Any, headers: dict[str, str], status: int, code: str
) -> None:
    assert_shape(program.ask(method, path, body, **headers), status, code)


def test_a_body_that_does_not_say_it_is_json_is_refused(program: Program) -> None:
    answer = Client().post(f"{V1}/generations/track", {"ids": "x"}, headers=program.headers)
    assert_shape(answer, 415, "unsupported_media_type")


def test_an_error_of_ours_has_the_shape_too_and_tells_nothing(program: Program) -> None:
    logging.disable(logging.ERROR)
    try:
        with patch("lumaboard.api.about.membership_of", side_effect=RuntimeError("planted secret")):
            make_answer = program.ask("get", "/members")
    finally:
        logging.disable(logging.NOTSET)
    assert_shape(make_answer, 500, "internal_error")
    assert b"planted" not in make_answer.content


def test_a_refused_value_is_named_and_not_repeated(alice: Membership, program: Program) -> None:
    body = {"generations": [1], "password": "abc"}
    error = assert_shape(program.ask("post", "/shares", body), 422, "invalid")
    assert error["fields"][0]["where"] == "body.password"
    assert "abc" not in json.dumps(error)


def test_strangers_things_and_missing_things_answer_alike(alice: Membership, charlie: Membership) -> None:
    row = make_generation(make_connection(alice.workspace), created_by=alice.user)
    private = make_generation(row.connection, created_by=alice.user, is_private=True)
    colleague = make_member("Dana", role=Role.ADMIN, workspace=alice.workspace)
    for asker, pk in ((charlie, row.pk), (colleague, private.pk)):
        program = program_of(asker)
        for method, end in (("get", ""), ("patch", ""), ("delete", ""), ("post", "/restore"), ("get", "/transitions")):
            body = {"title": "x"} if method == "patch" else None
            real, missing = (program.ask(method, f"/generations/{one}{end}", body) for one in (pk, 999_999))
            assert real.status_code == 404
            assert real.content == missing.content
            told, of_missing = (
                {name: value for name, value in answer.headers.items() if not name.startswith("RateLimit-")}
                for answer in (real, missing)
            )
            assert told == of_missing


def test_over_the_limit_a_program_is_told_how_long_to_wait(program: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(REQUESTS, "limit", 2)
    left = [program.ask("get", "/me").headers["RateLimit-Remaining"] for _ in range(2)]
    assert left == ["1", "0"]
    answer = program.ask("get", "/me")
    assert_shape(answer, 429, "too_many_requests")
    assert 1 <= int(answer.headers["Retry-After"]) <= 60
    assert answer.headers["RateLimit-Limit"] == "2"


def test_wrong_tokens_are_held_up_and_right_ones_beside_them_are_not(
    program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(REFUSALS, "limit", 2)
    wrong = Program("lb_" + "x" * 43)
    assert [wrong.ask("get", "/me").status_code for _ in range(3)] == [401, 401, 429]
    assert program.ask("get", "/me").status_code == 200


def test_a_revoked_token_is_out_at_the_next_request(alice: Membership) -> None:
    made = make_token(alice, "read")
    program = Program(made.token)
    program.get("/me")
    ApiToken.objects.update(revoked_at=made.row.created_at)
    assert program.ask("get", "/me").status_code == 401


def test_an_answer_that_is_known_is_not_sent_again(alice: Membership, program: Program) -> None:
    first = program.ask("get", "/generations")
    tag = first.headers["ETag"]
    again = program.ask("get", "/generations", **{"If-None-Match": f"W/{tag}"})
    assert (again.status_code, again.content, again.headers["ETag"]) == (304, b"", tag)
    make_generation(make_connection(alice.workspace))
    assert program.ask("get", "/generations", **{"If-None-Match": tag}).status_code == 200


SCOPED = [
    ("get", "/generations", "read"),
    ("get", "/generations/{pk}", "read"),
    ("get", "/generations/{pk}/transitions", "read"),
    ("get", "/generations/{pk}/assets", "read"),
    ("get", "/members", "read"),
    ("get", "/connections", "read"),
    ("get", "/activity", "read"),
    ("post", "/generations/track", "track"),
    ("patch", "/generations/{pk}", "track"),
    ("delete", "/generations/{pk}", "track"),
    ("post", "/generations/{pk}/restore", "track"),
    ("post", "/generations/{pk}/refresh", "track"),
    ("get", "/shares", "share"),
    ("post", "/shares", "share"),
]
BODIES = {
    "/generations/track": {"ids": ["ed0c1edd-29a7-41b8-9a8b-1d6f3a5c0d36"]},
    "/generations/{pk}": {"title": "Another"},
}


@pytest.mark.parametrize(("method", "path", "scope"), SCOPED)
def test_each_act_takes_its_scope_and_no_other(alice: Membership, method: str, path: str, scope: str) -> None:
    pk = make_generation(make_connection(alice.workspace), created_by=alice.user).pk
    body = None if method in ("get", "delete") else {"generations": [pk]} if path == "/shares" else BODIES.get(path)
    for one in ("read", "track", "submit", "share", "admin"):
        answer = program_of(alice, one).ask(method, path.format(pk=pk), body)
        assert (answer.status_code < 300) == (one == scope), (one, answer.content)
        if one != scope:
            assert_shape(answer, 403, "forbidden")


def test_others_work_takes_the_admin_scope_beside_the_other(alice: Membership, bob: Membership) -> None:
    pk = make_generation(make_connection(alice.workspace), created_by=bob.user).pk
    for scopes, status in ((("track",), 403), (("admin",), 403), (("track", "admin"), 200)):
        assert program_of(alice, *scopes).ask("patch", f"/generations/{pk}", {"title": "x"}).status_code == status
