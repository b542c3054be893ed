"""The recording proxy, below `/dream-machine/v1/`."""

from __future__ import annotations

from django.urls import path

from lumaboard.proxy.views import proxy

app_name = "proxy"
urlpatterns = [path("<path:path>", proxy, name="call")]
