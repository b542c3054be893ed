"""Where everything is served; each package lists its own."""

from django.urls import URLPattern, URLResolver, include, path, register_converter

from lumaboard.core.converters import AddressConverter, RowConverter
from lumaboard.news.hooks.views import hook

register_converter(RowConverter, "row")
register_converter(AddressConverter, "address")

urlpatterns: list[URLPattern | URLResolver] = [
    path("", include("lumaboard.accounts.urls")),
    path("", include("lumaboard.connections.urls")),
    path("", include("lumaboard.leaving.urls")),
    path("api/v1/", include("lumaboard.api.urls")),
    path("dream-machine/v1/", include("lumaboard.proxy.urls")),
    path("media/", include("lumaboard.archive.urls")),
    path("", include("lumaboard.gallery.urls")),
    path("", include("lumaboard.news.urls")),
    path("", include("lumaboard.sharing.urls")),
    path("", include("lumaboard.submission.urls")),
    path("", include("lumaboard.news.hooks.urls")),
    path("hooks/<address:token>", hook, name="hook"),
    path("", include("lumaboard.past.urls")),
    path("", include("lumaboard.ops.urls")),
]
