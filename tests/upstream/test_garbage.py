"""Whatever upstream sends, the parser gives a snapshot, a batch or one of its own errors."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lumaboard.outbound import Answer
from lumaboard.upstream.balances import parse_balance
from lumaboard.upstream.errors import UpstreamError
from lumaboard.upstream.parse import parse_answer, parse_download_link
from lumaboard.upstream.types import Batch, Snapshot
from tests.upstream.recorded import NOW, all_vectors

STATUSES = st.one_of(st.sampled_from([200, 201, 301, 400, 401, 403, 404, 429, 500, 503]), st.integers(100, 599))
BODIES = [vector.answer.body for vector in all_vectors() if vector.answer.body.startswith((b"{", b"["))]
DOCUMENTS = [json.loads(body) for body in BODIES if not body.count(b"}{")]
ODD_VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=40),
    st.sampled_from(
        ["completed", "failed", "https://a.example/x?exp=1", "0001-01-01T00:00:00Z", "\x00", "\ud800", 2**70]
    ),
)
JSON_VALUES = st.recursive(
    ODD_VALUES, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4)
)
KNOWN_KEYS = sorted({key for document in DOCUMENTS if isinstance(document, dict) for key in document})
LIKELY = st.dictionaries(st.sampled_from(KNOWN_KEYS), JSON_VALUES, max_size=8)


def check(status: int, body: bytes, content_type: str = "application/json") -> None:
    answer = Answer(status, {"content-type": content_type, "Retry-After": "x"}, body, 0.0)
    for parse in (parse_answer, parse_balance, parse_download_link):
        with suppress(UpstreamError):
            result = parse(answer, now=NOW)
            if isinstance(result, Snapshot | Batch):
                for snapshot in result.snapshots if isinstance(result, Batch) else (result,):
                    check_snapshot(snapshot)


def check_snapshot(snapshot: Snapshot) -> None:
    assert snapshot.state in {"queued", "running", "succeeded", "failed"}
    assert (snapshot.state == "succeeded") == bool(snapshot.result_urls)
    texts = [snapshot.raw, snapshot.prompt or "", snapshot.failure_reason or "", json.dumps(snapshot.request)]
    for text in texts:
        text.encode()  # no lone surrogate
        assert "\x00" not in text
    assert snapshot.created_at is None or snapshot.created_at.tzinfo is not None
    json.loads(snapshot.raw)


@given(STATUSES, st.binary(max_size=300), st.sampled_from(["", "text/html", "application/json", "application/xml"]))
def test_random_bytes_raise_nothing_foreign(status: int, body: bytes, content_type: str) -> None:
    check(status, body, content_type)


@given(STATUSES, JSON_VALUES | LIKELY)
@settings(suppress_health_check=[HealthCheck.too_slow])
def test_random_json_raises_nothing_foreign(status: int, document: Any) -> None:
    check(status, json.dumps(document).encode())


@given(STATUSES, st.sampled_from(BODIES), st.data())
def test_a_torn_or_scrambled_answer_raises_nothing_foreign(status: int, body: bytes, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(body)))
    end = data.draw(st.integers(start, len(body)))
    check(status, body[:start] + data.draw(st.binary(max_size=5)) + body[end:])


@given(st.sampled_from(DOCUMENTS), st.data())
@settings(suppress_health_check=[HealthCheck.too_slow])
def test_an_answer_with_one_odd_value_raises_nothing_foreign(document: Any, data: st.DataObject) -> None:
    mutated = json.loads(json.dumps(document))
    place = mutated
    while isinstance(place, dict | list) and place:
        keys = sorted(place) if isinstance(place, dict) else list(range(len(place)))
        key = data.draw(st.sampled_from(keys))
        if not isinstance(place[key], dict | list) or not place[key] or data.draw(st.booleans()):
            place[key] = data.draw(JSON_VALUES)
            break
        place = place[key]
    check(200, json.dumps(mutated).encode())


def with_one_replaced(value: Any, wrong: Any) -> Iterator[Any]:
    """Yield the document once for each place in it, with something else in that place."""
    if isinstance(value, dict | list):
        for key in list(value) if isinstance(value, dict) else range(len(value)):
            kept = value[key]
            value[key] = wrong
            yield value
            value[key] = kept
            for _ in with_one_replaced(kept, wrong):
                yield value


@pytest.mark.parametrize("wrong", [None, 7, "text", [], {}, [[]], [{}], True, -0.5], ids=repr)
def test_no_place_of_a_recorded_answer_has_to_be_of_the_right_type(wrong: object) -> None:
    for document in DOCUMENTS:
        for mutated in with_one_replaced(copy.deepcopy(document), wrong):
            check(200, json.dumps(mutated).encode())
