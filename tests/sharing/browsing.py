"""What guests do: open a link, send its form, ask for its files."""

from __future__ import annotations

from typing import Any

from django.http.response import HttpResponseBase
from django.test import Client
from django.urls import reverse

from lumaboard.accounts.models import Membership
from lumaboard.generations.models import AssetRole, Generation, State
from lumaboard.sharing.addresses import address_of
from lumaboard.sharing.models import ShareLink
from tests.factories import make_connection, make_generation, make_kept_asset

RAW, MARKED, STILL, MARKED_STILL = b"r" * 3_000_000, b"w" * 2000, b"s" * 300, b"m" * 300
BROWSER = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
OWN_PAGE = {"Sec-Fetch-Site": "same-origin", "Origin": "http://testserver"}


def make_film(maker: Membership, **fields: Any) -> Generation:
    """A generation whose films and stills, raw and marked, lie in our storage; each file has bytes of its own."""
    generation = make_generation(
        make_connection(maker.workspace, name=f"Connection {fields.get('title', '')}"),
        state=State.SUCCEEDED,
        created_by=maker.user,
        **fields,
    )
    own = generation.task_id.encode()
    make_kept_asset(generation, RAW + own)
    make_kept_asset(generation, MARKED + own, role=AssetRole.WATERMARKED)
    make_kept_asset(generation, STILL + own, role=AssetRole.POSTER, extension="jpg")
    make_kept_asset(generation, MARKED_STILL + own, role=AssetRole.STILL, extension="jpg")
    return generation


def address(link: ShareLink, name: str = "page", *arguments: object) -> str:
    secret = address_of(link)
    assert secret is not None
    return reverse(f"sharing:{name}", args=[secret, *arguments])


def press(guest: Client, link: ShareLink, password: str = "", **headers: str) -> HttpResponseBase:
    """Send the form of the link's door, as its page does."""
    return guest.post(address(link), {"password": password}, headers=OWN_PAGE | headers)


def body_of(response: HttpResponseBase) -> bytes:
    return b"".join(response.streaming_content) if response.streaming else response.content  # type: ignore[attr-defined]
