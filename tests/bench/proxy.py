"""What it costs a program that its call is passed on by us, recorded and all: how much longer it waits for the last byte."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from functools import cache

from django.http import HttpRequest, HttpResponse
from django.urls import include, path

from lumaboard.connections.clients import client_for, passing_session
from lumaboard.connections.models import Connection
from lumaboard.generations.models import Generation
from lumaboard.upstream.client import API_PATH, Client
from tests.bench import upstream
from tests.bench.bench import Bench, say
from tests.bench.figures import Figure
from tests.bench.people import make_pending, make_place
from tests.bench.timing import medians
from tests.bench.wsgi import Site
from tests.factories import make_token

_MOVING = "bench-proxied-1"
"""Under way for ever, as its last figure says to the upstream: each asking is recorded, and none is the last."""


def plain(request: HttpRequest, task_id: str) -> HttpResponse:
    """The least that passing a call on can be: no token, no budget, no record; the key is read once."""
    answer = _client().exchange("GET", f"/generations/{task_id}")
    return HttpResponse(answer.body, content_type="application/json", status=answer.status)


@cache
def _client() -> Client:
    return client_for(Connection.objects.get(), session=passing_session())


urlpatterns = [path("plain/<str:task_id>/", plain), path("", include("lumaboard.urls"))]


def measure(bench: Bench) -> Mapping[str, Figure]:
    """Let a proxied get that goes upstream, one that is answered from the record, and the plain view take turns."""
    with ExitStack() as stack:
        address = stack.enter_context(upstream.running(bench.scale.latency))
        stack.enter_context(bench.database())
        place = make_place(base_url=address)
        (key,) = make_pending(place, 1)
        Generation.objects.filter(pk=key).update(task_id=_MOVING)
        token = make_token(place.membership).token
        site = Site(urls="tests.bench.proxy")

        def proxied(**headers: str) -> bytes:
            return site.read(f"{API_PATH}/generations/{_MOVING}", HTTP_AUTHORIZATION=f"Bearer {token}", **headers)

        through, recorded, direct = medians(
            lambda: proxied(HTTP_CACHE_CONTROL="no-cache"),
            proxied,
            lambda: site.read(f"/plain/{_MOVING}/"),
            repeats=bench.scale.proxied,
            after=site.end,
        )
        passed_on = proxied(HTTP_CACHE_CONTROL="no-cache")
        site.end()
        assert passed_on == site.get(f"/plain/{_MOVING}/"), "the bodies differ"
    added, of_record = (through - direct) * 1000, recorded * 1000
    say(f"through the proxy {through * 1000:.2f} ms, plain {direct * 1000:.2f}, from the record {of_record:.2f}")
    return {"proxy": Figure(added, shown=f"{added:.1f} ms (record {of_record:.1f})")}
