"""Which sites may be allowed to show our pages in a frame."""

from __future__ import annotations

import ipaddress

import pytest
from django.core.exceptions import ValidationError
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from pytest_django import Settings

from lumaboard.sharing.guests.embeds import clean_site


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("https://example.com", "https://example.com"),
        ("  HTTPS://Example.COM/  ", "https://example.com"),
        ("example.com", "https://example.com"),
        ("https://example.com:443", "https://example.com"),
        ("https://example.com:8443", "https://example.com:8443"),
        ("https://*.example.com", "https://*.example.com"),
        ("*.review.example.co.uk", "https://*.review.example.co.uk"),
        ("https://bücher.example", "https://xn--bcher-kva.example"),
        ("https://203.0.113.9", "https://203.0.113.9"),
        ("http://localhost:3000", "http://localhost:3000"),
        ("http://app.localhost", "http://app.localhost"),
        ("http://127.0.0.1:80", "http://127.0.0.1"),
        ("http://10.1.2.3", "http://10.1.2.3"),
    ],
)
def test_a_site_is_kept_in_one_form(typed: str, kept: str, settings: Settings) -> None:
    settings.ALLOW_NETWORKS = (ipaddress.ip_network("10.0.0.0/8"),)
    assert clean_site(typed) == kept
    assert clean_site(kept) == kept


@pytest.mark.parametrize(
    "typed",
    [
        *(
            "",
            "   ",
            "*",
            "https://",
            "https://*",
            "https://*.com",
            "'self'",
            "'none'",
            "https:",
            "data:",
            "https://:443",
        ),
        *("http://example.com", "http://192.168.1.1", "ftp://example.com", "javascript://example.com", "//example.com"),
        *("https://example.com/page", "https://example.com/?q", "https://example.com?", "https://example.com#top"),
        *("https://example.com; script-src *", "https://example.com;", "https://a.example https://b.example"),
        *(
            "https://example.com\nX-Header: 1",
            "https://exa\nmple.com",
            "https://exa\tmple.com",
            "https://example.com\x00",
        ),
        *(
            "https://example.com, https://b.example",
            "https://exam'ple.com",
            "https://alice@example.com",
            "https://@example.com",
        ),
        *("https://www.*.com", "https://w*.example.com", "https://*.*.example.com", "https://*.127.0.0.1"),
        *(
            "https://-example.com",
            "https://example-.com",
            "https://exa_mple.com",
            "https://example..com",
            "https://.example.com",
        ),
        *(
            "https://example.com:0x50",
            "https://example.com:99999",
            "https://example.com:*",
            "https://[::1]",
            "https://[::1",
        ),
        *(
            "https://1.2.3.999",
            "https://0x7f.1",
            "https://example.0x7f",
            f"https://{'a' * 64}.example",
            f"https://{'a.' * 130}example",
        ),
    ],
)
def test_what_is_no_site_is_refused(typed: str) -> None:
    with pytest.raises(ValidationError):
        clean_site(typed)


@hypothesis_settings(derandomize=True)
@given(st.text(alphabet=st.sampled_from("https://*.aexmple-com:80;,' \"\n\t\\?#@[]éß。%")) | st.text())
def test_nothing_that_is_kept_can_say_more_than_one_source(typed: str) -> None:
    try:
        kept = clean_site(typed)
    except ValidationError:
        return
    assert not set(kept) - set("abcdefghijklmnopqrstuvwxyz0123456789-.:/*")
    assert clean_site(kept) == kept
