"""What the issuer of single sign-on says: asked through our own door, and kept for some minutes where it is for everybody."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Mapping
from functools import cache
from typing import Any, Final
from urllib.parse import quote

import jwt
from allauth.socialaccount.providers.oauth2.client import OAuth2Error
from django.conf import settings
from django.core.cache import caches
from django.utils.translation import gettext as _

from lumaboard.outbound import AddressPolicy, OutboundError, OutboundSession

MALFORMED: Final = (AttributeError, KeyError, TypeError, ValueError)
"""What the library raises over keys and tokens that are put together in no known way."""

_KEPT_SECONDS: Final = 300


class SignInFailed(OAuth2Error):  # type: ignore[misc]  # allauth carries no types
    """Why nobody was signed in, in a sentence for whoever tried; `cause` is for the log."""

    def __init__(self, sentence: str, cause: str, *, status: int = 403) -> None:
        super().__init__(cause)
        self.sentence = sentence
        self.status = status


def unreachable(cause: str) -> SignInFailed:
    return SignInFailed(_("Single sign-on cannot be reached at the moment. Try again in a while."), cause, status=502)


def untrusted(cause: str) -> SignInFailed:
    return SignInFailed(
        _("The answer of single sign-on could not be trusted, so nobody was signed in. Try again."), cause
    )


@cache
def outbound_session() -> OutboundSession:
    """The one session of this process for the issuer."""
    return OutboundSession(AddressPolicy(settings.ALLOW_NETWORKS))


class Door:
    """As much of a `requests` session as allauth uses, over our own door."""

    def __enter__(self) -> Door:
        return self

    def __exit__(self, *error: object) -> None: ...

    def get(self, url: str, headers: Mapping[str, str] | None = None) -> DoorAnswer:
        return self.request("GET", url, headers=headers)

    def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        data: Mapping[str, str] | None = None,
        auth: Any = None,
        params: None = None,
    ) -> DoorAnswer:
        """Make one attempt. `auth` carries the client's id and secret where the issuer wants them in a header."""
        sent = {"Accept": "application/json", **(headers or {})}
        if auth is not None:
            pair = f"{quote(auth.username, safe='')}:{quote(auth.password, safe='')}"
            sent["Authorization"] = f"Basic {b64encode(pair.encode()).decode()}"
        try:
            answer = outbound_session().exchange(method, url, headers=sent, form=data)
        except OutboundError as error:
            raise unreachable(str(error)) from None
        if answer.status >= 500:  # allauth would take it for a refusal
            raise unreachable(f"the issuer answered {answer.status}")
        return DoorAnswer(answer.status, answer.body)


class DoorAnswer:
    """As much of a `requests` answer as allauth uses; whatever is not a JSON object under 200 is an error."""

    headers: Final = {"content-type": "application/json"}

    def __init__(self, status: int, body: bytes) -> None:
        self.status_code = status
        self.content = b""  # allauth would put it into an error's text
        self._body = body

    def raise_for_status(self) -> None:
        if self.status_code != 200:
            raise unreachable(f"the issuer answered {self.status_code}")

    def json(self) -> dict[str, Any]:
        try:
            document = json.loads(self._body)
        except (ValueError, RecursionError):
            document = None
        if not isinstance(document, dict):
            raise unreachable("the issuer's answer is no JSON object")
        return document


def discovery(url: str) -> dict[str, Any]:
    """What the issuer says of itself; raises `SignInFailed` where it is not the one that was configured."""
    kept: dict[str, Any] | None = _cache().get(_name(url))
    if kept is not None:
        return kept
    found = _fetch(url)
    if str(found.get("issuer", "")).rstrip("/") != settings.OIDC_ISSUER:
        raise untrusted("the discovery document names another issuer")
    wanted = ("authorization_endpoint", "token_endpoint", "jwks_uri")
    if not all(isinstance(found.get(name), str) for name in wanted):
        raise unreachable("the discovery document is incomplete")
    _cache().set(_name(url), found, _KEPT_SECONDS)
    return found


def key_for(id_token: str, url: str) -> jwt.PyJWK:
    """The issuer's key that signed the token; it is asked for its keys anew where none that is kept has the key's name.

    Raises what the library does, also where no key fits or more than one.
    """
    wanted = jwt.get_unverified_header(id_token).get("kid")
    kept: dict[str, Any] | None = _cache().get(_name(url))
    if kept is not None and wanted is not None:
        fitting = _named(wanted, kept)
        if len(fitting) == 1:
            return fitting[0]
    fetched = _fetch(url)
    fitting = _named(wanted, fetched)
    if len(fitting) != 1:
        raise jwt.InvalidKeyError
    _cache().set(_name(url), fetched, _KEPT_SECONDS)
    return fitting[0]


def _named(wanted: str | None, document: dict[str, Any]) -> list[jwt.PyJWK]:
    return [key for key in jwt.PyJWKSet.from_dict(document).keys if wanted is None or key.key_id == wanted]


def _fetch(url: str) -> dict[str, Any]:
    answer = Door().get(url)
    answer.raise_for_status()
    return answer.json()


def _cache() -> Any:
    """That of this process: another one fetches for itself."""
    return caches["fragments"]


def _name(url: str) -> str:
    return f"issuer:{url}"
