"""The REST API: its parts, and the document that describes them."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe
from ninja import NinjaAPI

from lumaboard.api import about, assets, errors, generations, pictures, shares, takes
from lumaboard.api.auth import BearerToken
from lumaboard.api.bodies import JsonParser

api = NinjaAPI(
    title="Lumaboard",
    version="1",
    description=(
        "Everything a workspace's board knows, for programs. Make a token under Settings, API tokens, and send it as "
        "`Authorization: Bearer lb_…`. It acts for you, within its scopes and your role at that moment.\n\n"
        "Lists are read page by page: send a page's `next` as `after`. Every failure has one shape, `Error`. Answers carry "
        "`RateLimit-Limit`, `RateLimit-Remaining` and `RateLimit-Reset`; after a 429 wait as long as `Retry-After` says. "
        "Answers to GET carry an `ETag`; send it back as `If-None-Match` and be spared what you have."
    ),
    urls_namespace="api",
    auth=BearerToken(),
    parser=JsonParser(),
    openapi_url="/openapi.json",
    docs_url=None,
    docs_decorator=require_safe,
)
errors.register(api)
for part in (about.router, generations.router, takes.router, pictures.router, assets.router, shares.router):
    api.add_router("", part)


@require_safe
def docs(request: HttpRequest) -> HttpResponse:
    """The document as a page to read and try out; the token that is typed there stays in the browser."""
    response = render(request, "api/docs.html")
    response.headers["Content-Security-Policy"] = DOCS_CSP
    return response


DOCS_CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; connect-src 'self'; "
    "base-uri 'none'; object-src 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""Our own, with pictures that lie in the page's style sheet."""
