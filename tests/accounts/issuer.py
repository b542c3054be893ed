"""A small OpenID Connect issuer on a real socket, which can also misbehave."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from hashlib import sha256
from typing import Any
from urllib.parse import parse_qs, urlsplit

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from django.core.cache import caches
from jwt.algorithms import RSAAlgorithm
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

CLIENT_ID, CLIENT_SECRET = "lumaboard", "a secret & more"


@cache
def key(name: str) -> rsa.RSAPrivateKey:
    """A key pair; making one takes a moment, so each is made once."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@dataclass
class Issuer:
    """Signs in whoever `person` says; `claims` overrides what stands in the token."""

    server: HTTPServer
    person: dict[str, Any] = field(default_factory=dict)
    claims: dict[str, Any] = field(default_factory=dict)
    metadata: dict[str, Any] = field(default_factory=dict)
    signs_with: str = "right"
    kid: str = "right"
    algorithm: str = "RS256"
    token_status: int = 200
    user_info: dict[str, Any] = field(default_factory=dict)
    keys: Any = None
    asked: list[str] = field(default_factory=list)
    _codes: dict[str, dict[str, str]] = field(default_factory=dict)

    @property
    def url(self) -> str:
        return self.server.url_for("/realm")

    def start(self) -> None:
        for path, answer in (
            ("/realm/.well-known/openid-configuration", self._discovery),
            ("/realm/token", self._token),
            ("/realm/keys", self._keys),
            ("/realm/userinfo", self._user_info),
        ):
            self.server.expect_request(path).respond_with_handler(answer)

    def authorize(self, location: str) -> str:
        """What its sign-in page does with the browser that was sent there; gives the query it comes back with."""
        parts = urlsplit(location)
        assert f"{parts.scheme}://{parts.netloc}{parts.path}" == f"{self.url}/authorize"
        wishes = {name: values[0] for name, values in parse_qs(parts.query).items()}
        assert wishes["client_id"] == CLIENT_ID
        assert wishes["response_type"] == "code"
        assert set(wishes["scope"].split()) == {"openid", "profile", "email"}
        assert wishes["code_challenge_method"] == "S256"
        code = f"code-{len(self._codes)}"
        self._codes[code] = wishes
        return f"code={code}&state={wishes['state']}"

    def _discovery(self, request: Request) -> Response:
        self.asked.append("discovery")
        return _json(
            {
                "issuer": self.url,
                "authorization_endpoint": f"{self.url}/authorize",
                "token_endpoint": f"{self.url}/token",
                "jwks_uri": f"{self.url}/keys",
                "userinfo_endpoint": f"{self.url}/userinfo",
                "token_endpoint_auth_methods_supported": ["client_secret_post"],
                **self.metadata,
            }
        )

    def _token(self, request: Request) -> Response:
        self.asked.append("token")
        wishes = self._codes.pop(request.form["code"])
        challenge = (
            base64.urlsafe_b64encode(sha256(request.form["code_verifier"].encode()).digest()).rstrip(b"=").decode()
        )
        assert challenge == wishes["code_challenge"]
        assert request.form["redirect_uri"] == wishes["redirect_uri"]
        if request.authorization is not None:
            assert (request.authorization.username, request.authorization.password) == (
                CLIENT_ID,
                "a%20secret%20%26%20more",
            )
        else:
            assert (request.form["client_id"], request.form["client_secret"]) == (CLIENT_ID, CLIENT_SECRET)
        now = int(time.time())
        claims = {
            "iss": self.url,
            "aud": CLIENT_ID,
            "iat": now,
            "exp": now + 300,
            "nonce": wishes["nonce"],
            **self.person,
            **self.claims,
        }
        claims = {name: value for name, value in claims.items() if value is not None}
        if self.algorithm == "HS256":  # the public key passed off as a shared secret
            signed = jwt.encode(claims, "x" * 32, algorithm="HS256", headers={"kid": "right"})
        elif self.algorithm == "none":
            signed = jwt.encode(claims, None, algorithm="none", headers={"kid": "right"})
        else:
            signed = jwt.encode(claims, key(self.signs_with), algorithm="RS256", headers={"kid": self.kid})
        return _json({"access_token": "access", "token_type": "Bearer", "id_token": signed}, self.token_status)

    def _keys(self, request: Request) -> Response:
        self.asked.append("keys")
        public = json.loads(RSAAlgorithm.to_jwk(key("right").public_key()))
        if self.keys is not None:
            return _json({"keys": self.keys})
        return _json({"keys": [{**public, "kid": self.kid, "alg": "RS256", "use": "sig"}]})

    def _user_info(self, request: Request) -> Response:
        self.asked.append("userinfo")
        assert request.headers["Authorization"] == "Bearer access"
        return _json(self.user_info)


def _json(document: dict[str, Any], status: int = 200) -> Response:
    return Response(json.dumps(document), status, content_type="application/json")


@pytest.fixture
def issuer(httpserver: HTTPServer, settings: Any) -> Iterator[Issuer]:
    """An issuer that this installation is configured for."""
    caches["fragments"].clear()  # what another test's issuer, of the same address, said of itself
    made = Issuer(httpserver)
    made.start()
    settings.OIDC_ISSUER = made.url
    settings.OIDC_CLIENT_ID, settings.OIDC_CLIENT_SECRET = CLIENT_ID, CLIENT_SECRET
    settings.OIDC_NAME = "Northlight ID"
    yield made
    httpserver.check_assertions()
