"""The REST API, below `/api/v1/`."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.urls import URLPattern, URLResolver, path

from lumaboard.api.main import api, docs

app_name = "api"

View = Callable[..., HttpResponseBase]


def _answering_head(view: View) -> View:
    """Answer HEAD as GET, which Ninja does not; the server sends the headers alone. Files have an answer of their own."""

    @wraps(view)
    def answer(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if request.method != "HEAD":
            return view(request, *args, **kwargs)
        request.method = "GET"
        try:
            return view(request, *args, **kwargs)
        finally:
            request.method = "HEAD"

    return answer


_FILES = ("file", "asset_file")
_patterns, _app_name, _namespace = api.urls
# Ninja lists an address once for each of its methods; any one of them answers all.
_by_name = {pattern.name: pattern for pattern in _patterns if isinstance(pattern, URLPattern)}
for _name, _pattern in _by_name.items():
    if _name not in _FILES:
        _pattern.callback = _answering_head(_pattern.callback)
urlpatterns: list[URLPattern | URLResolver] = [*_by_name.values(), path("docs", docs, name="docs")]
