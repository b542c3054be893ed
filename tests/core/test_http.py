from __future__ import annotations

import pytest
from django.test import RequestFactory

from lumaboard.core.http import page_before


@pytest.mark.parametrize(
    ("referer", "page"),
    [
        ("http://testserver/w/northlight/?state=failed", "http://testserver/w/northlight/?state=failed"),
        ("https://elsewhere.example/w/northlight/", "/default/"),
        ("javascript:alert(1)", "/default/"),
        ("ÿ", "/default/"),  # Django would take it for the name of a view
        ("", "/default/"),
    ],
)
def test_the_page_before_is_a_page_of_ours(referer: str, page: str) -> None:
    request = RequestFactory().post("/", headers={"referer": referer})
    assert page_before(request, "/default/") == page
