from __future__ import annotations

import json

import pytest

from lumaboard.upstream.documents import DEEPEST, read_document
from lumaboard.upstream.errors import NotUnderstood


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"   ",
        b"{",
        b'{"a": NaN}',
        b'{"a": Infinity}',
        b'{"a": -Infinity}',
        b'{"a": 1e999}',
        b'{"a": ' + b"9" * 10_000 + b"}",
        b"[" * 100_000,
        b"[" * (DEEPEST + 1) + b"]" * (DEEPEST + 1),
        b'{"a":' * 500 + b"1" + b"}" * 500,
        b"\xff\xfe\x00",
    ],
)
def test_a_body_that_is_no_safe_json_is_refused(body: bytes) -> None:
    with pytest.raises(NotUnderstood):
        read_document(body)


def test_the_deepest_allowed_document_is_read() -> None:
    assert read_document(b"[" * DEEPEST + b"]" * DEEPEST).value is not None


@pytest.mark.parametrize(
    "body", [b'{"prompt": "a\\u0000b\\ud800c"}', b'{"prompt": "a\x00bc"}', b'{"pro\\u0000mpt": "ab\\uDFFFc"}']
)
def test_nul_and_lone_surrogates_are_dropped_from_value_and_text(body: bytes) -> None:
    document = read_document(body)
    assert document.value == {"prompt": "abc"}
    assert json.loads(document.text) == {"prompt": "abc"}
    document.text.encode()


def test_an_emoji_written_as_a_pair_of_escapes_survives() -> None:
    assert read_document(b'{"prompt": "\\ud83d\\ude00"}').value == {"prompt": "😀"}


def test_an_integer_no_column_holds_becomes_text() -> None:
    assert read_document(b'{"a": 1180591620717411303424, "b": 1740824100177684}').value == {
        "a": "1180591620717411303424",
        "b": 1740824100177684,
    }


def test_a_byte_order_mark_and_bad_bytes_are_survived() -> None:
    assert read_document(b'\xef\xbb\xbf{"a": "\xff"}').value == {"a": "\ufffd"}


def test_the_text_is_kept_as_it_came_when_it_is_harmless() -> None:
    assert read_document(b' {"b":1,  "a":2}\n').text == '{"b":1,  "a":2}'


def test_a_bare_line_break_in_a_prompt_is_survived_and_the_text_is_mended() -> None:
    document = read_document(b'{"prompt": "two\nlines"}')
    assert document.value == {"prompt": "two\nlines"}
    assert json.loads(document.text) == document.value
