"""Compare pages, whoever and whenever asks."""

from __future__ import annotations

import re

from django.http import HttpResponse
from django.test import Client

from tests.factories import PASSWORD


def steady(response: HttpResponse) -> str:
    """The page without what differs at every look."""
    return steady_text(response.content.decode())


def steady_text(text: str) -> str:
    """The same of its text: without the clock, the CSRF tokens and the token that makes a form count once."""
    text = re.sub(r'name="token" value="[^"]*"', "", text)
    text = re.sub(r'(csrfmiddlewaretoken" value=|X-CSRFToken": )"[^"]*"', "", text)
    return re.sub(r'name="server-now" content="[^"]*"', "", text)


def prove(client: Client) -> None:
    """Enter the password again, as is asked before what cannot be taken back."""
    assert client.post("/accounts/reauthenticate/", {"password": PASSWORD}).status_code == 302
