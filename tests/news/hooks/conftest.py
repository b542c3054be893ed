"""A receiver on a real socket that the operator allows, and webhooks that lead there."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from ipaddress import ip_network
from typing import Any

import pytest
from pytest_django import Settings

from lumaboard.accounts.models import Membership
from lumaboard.generations.models import Generation
from lumaboard.news import outbox, spreading
from lumaboard.news.hooks import claims, delivering, webhooks
from lumaboard.news.hooks.models import Webhook
from lumaboard.news.hooks.outcomes import Result
from lumaboard.news.hooks.webhooks import Made
from lumaboard.news.models import Event, EventKind
from tests.factories import NOW, acting
from tests.outbound.scripted import ScriptedServer, answer, saying
from tests.submission.conftest import Serve
from tests.submission.conftest import serve as serve

ALL = list(EventKind.values)
PATH = "/services/T000/B000/planted-address-secret"


class Hands:
    """A clock that moves when a test says so, and the worker's hands."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now

    def wait(self, **how_long: float) -> None:
        self.now += timedelta(**how_long)

    def happen(self, generation: Generation, kind: EventKind = EventKind.SUCCEEDED, number: int = 2) -> Event:
        """Note that something happened, and spread the word."""
        told = Event(workspace_id=generation.workspace_id, kind=kind, generation=generation, number=number, at=self.now)
        outbox.note([told])
        spreading.spread(now=self.now)
        return Event.objects.get(generation=generation, kind=kind, number=number)

    def deliver(self) -> list[Result]:
        """Send what is due, one after the other, in the thread of the test."""
        found = []
        while due := claims.claim_due(now=self.now, limit=1):
            found += [delivering.deliver(claim, clock=self) for claim in due]
        return found


@pytest.fixture
def hands() -> Hands:
    return Hands()


@pytest.fixture(autouse=True)
def loopback_is_allowed(settings: Settings) -> Iterator[None]:
    """As an operator would who has receivers on the same machine."""
    settings.ALLOWED_BY_OPERATOR = (ip_network("127.0.0.0/8"),)
    delivering.hooks_session.cache_clear()
    yield
    delivering.hooks_session.cache_clear()


@pytest.fixture
def receiver(serve: Serve) -> ScriptedServer:
    return serve(saying(answer(b"ok")))


MakeWebhook = Callable[..., Made]


@pytest.fixture
def webhook_at(alice: Membership) -> MakeWebhook:
    """Make a webhook of Alice's workspace that hears of everything."""

    def make(url: str, **fields: Any) -> Made:
        fields = {"name": "Studio bot", "format": "json", "kinds": ALL, "now": NOW} | fields
        return webhooks.add(acting(alice), url=f"{url}{PATH}", **fields)

    return make


def parted(request: bytes) -> tuple[dict[str, str], bytes]:
    """Take a request apart into its headers, in lower case, and its body."""
    head, _, body = request.partition(b"\r\n\r\n")
    lines = head.decode().split("\r\n")[1:]
    return {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}, body


def said(request: bytes) -> dict[str, Any]:
    return dict(json.loads(parted(request)[1]))


def is_signed_with(secret: str, request: bytes) -> bool:
    """Check a signature as the Standard Webhooks convention describes it, without a line of ours."""
    headers, body = parted(request)
    key = base64.b64decode(secret.split("_", 1)[1])
    content = b".".join([headers["webhook-id"].encode(), headers["webhook-timestamp"].encode(), body])
    right = base64.b64encode(hmac.new(key, content, hashlib.sha256).digest()).decode()
    given = [one.split(",", 1) for one in headers["webhook-signature"].split(" ")]
    return any(version == "v1" and hmac.compare_digest(right, signature) for version, signature in given)


def fresh(webhook: Webhook) -> Webhook:
    return Webhook.objects.get(pk=webhook.pk)
