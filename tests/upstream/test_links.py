from __future__ import annotations

import base64
import json
from datetime import UTC, datetime, timedelta

import pytest

from lumaboard.upstream.links import expiry_of, in_order, link, moment_of
from lumaboard.upstream.types import Link

NOON = datetime(2025, 3, 1, 12, 0, tzinfo=UTC)
UNIX = int(NOON.timestamp())


def token(claims: object) -> str:
    middle = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
    return f"header.{middle}.signature"


@pytest.mark.parametrize(
    "query",
    [
        "X-Amz-Date=20250301T110000Z&X-Amz-Expires=3600",
        "x-amz-expires=3600&x-amz-date=20250301T110000Z",
        "X-Goog-Date=20250301T110000Z&X-Goog-Expires=3600",
        "X-Tos-Date=20250301T110000Z&X-Tos-Expires=3600",
        f"Expires={UNIX}&Signature=abc",
        f"exp={UNIX}",
        f"expires_at={UNIX}000",
        "sv=2022-11-02&se=2025-03-01T12%3A00%3A00Z&sig=abc",
        f"_jwt={token({'exp': UNIX})}",
    ],
)
def test_each_dialect_of_signed_links_says_when_it_dies(query: str) -> None:
    assert expiry_of(f"https://media.example/a.mp4?{query}") == NOON


@pytest.mark.parametrize(
    "query",
    [
        "",
        "v=1",
        "X-Amz-Expires=3600",
        "X-Amz-Date=yesterday&X-Amz-Expires=3600",
        "X-Amz-Date=20250301T110000Z&X-Amz-Expires=nan",
        "X-Amz-Date=20250301T110000Z&X-Amz-Expires=1e300",
        "Expires=never",
        "Expires=" + "9" * 400,
        "exp=0",
        "se=0001-01-01",
        "_jwt=abc",
        "_jwt=a.%00.c",
        f"_jwt={token([])}",
        f"_jwt={token({'exp': {}})}",
        "&".join(f"a{n}=1" for n in range(200)),
    ],
)
def test_a_link_without_a_readable_end_has_none(query: str) -> None:
    assert expiry_of(f"https://media.example/a.mp4?{query}") is None


def test_an_end_beside_the_link_counts_and_the_sooner_one_wins() -> None:
    assert link("https://a.example/x", expires_at=UNIX).expires_at == NOON
    assert link(f"https://a.example/x?exp={UNIX + 60}", expires_at=UNIX).expires_at == NOON


def test_expired_links_come_last_and_none_comes_twice() -> None:
    dead = Link(url="https://a.example/dead", expires_at=NOON - timedelta(seconds=1))
    good = Link(url="https://a.example/good", expires_at=NOON + timedelta(seconds=1))
    plain = Link(url="https://a.example/plain")
    assert in_order([dead, plain, good, plain], now=NOON) == (plain, good, dead)


@pytest.mark.parametrize(
    "value", [None, True, "", "soon", [], {}, float("nan"), float("inf"), -1, 10**30, "9999-12-31"]
)
def test_what_is_no_moment_is_none(value: object) -> None:
    assert moment_of(value) is None
