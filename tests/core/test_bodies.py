"""Bodies that no form of ours sends."""

from __future__ import annotations

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.wsgi import get_wsgi_application
from django.test import Client, RequestFactory

from lumaboard.core.encodings import with_known_charsets
from lumaboard.core.middleware import MOST_BODY_BYTES

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("path", ["/accounts/login/", "/w/no-such-workspace/track/", "/no-such-page/"])
def test_a_body_longer_than_any_form_is_refused_unread(path: str) -> None:
    client = Client(enforce_csrf_checks=True, headers={"Cookie": f"csrf={'a' * 32}"})
    file = SimpleUploadedFile("x.bin", b"\0" * (MOST_BODY_BYTES + 1))
    answer = client.post(path, {"file": file})
    assert answer.status_code == 413
    assert answer.content == b"This is more than can be sent at once."


@pytest.mark.parametrize("length", ["-1", "²", "9" * 30])
def test_a_length_that_is_none_is_refused(length: str) -> None:
    assert Client().generic("POST", "/accounts/login/", b"x", CONTENT_LENGTH=length).status_code == 413


@pytest.mark.parametrize("charset", ["utf-7", "punycode", "unicode_escape", "utf-16", "latin-1"])
def test_what_says_it_is_in_anything_but_utf_8_is_not_read(charset: str, client: Client) -> None:
    """Django would decode it by that codec of Python's; punycode takes minutes for a megabyte."""
    form = f"multipart/form-data; boundary=x; charset={charset}"
    assert client.generic("POST", "/s/no-such-link/", b"--x--\r\n", content_type=form).status_code == 415
    assert client.get("/?q=%2B2AA-", headers={"Content-Type": f"text/plain; charset={charset}"}).status_code == 415


def test_what_says_nothing_or_utf_8_is_read(client: Client) -> None:
    for form in ("application/x-www-form-urlencoded", "application/x-www-form-urlencoded; charset=UTF-8"):
        assert client.generic("POST", "/s/no-such-link/", b"", content_type=form).status_code == 404


@pytest.mark.parametrize("charset", ["hex", "rot13", "idna", "undefined", "punycode", '"hex"', "no-such-charset"])
def test_an_encoding_that_is_none_breaks_nothing_down(charset: str) -> None:
    """Django would decode the query by it while it builds the request, before any middleware of ours."""
    said: list[str] = []
    environ = RequestFactory().get("/s/no-such-link/?q=%2B2AA-").environ
    application = with_known_charsets(get_wsgi_application())
    application(
        environ | {"CONTENT_TYPE": f"text/plain; charset={charset}"}, lambda status, *_rest: said.append(status)
    )
    assert said == ["415 Unsupported Media Type"]
