"""Settings that cannot work stop the start, with a sentence that says what to change."""

from __future__ import annotations

import stat
from pathlib import Path
from types import ModuleType

import pytest
from django.core.management import CommandError, call_command
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, URLResolver, include, path
from pytest_django import Settings

from lumaboard.core.keyfile import read_or_create
from lumaboard.ops import checks
from lumaboard.urls import urlpatterns


def test_listening_everywhere_without_a_public_address_is_refused(settings: Settings) -> None:
    settings.BIND, settings.PUBLIC_URL = ("0.0.0.0", 8000), "http://0.0.0.0:8000"
    (found,) = checks.the_address_can_be_opened(None)
    assert found.id == "lumaboard.E001"
    assert "LUMABOARD_PUBLIC_URL" in str(found.hint)


def test_listening_everywhere_with_a_public_address_is_fine(settings: Settings) -> None:
    settings.BIND, settings.PUBLIC_URL = ("0.0.0.0", 8000), "https://board.example.org"
    assert checks.the_address_can_be_opened(None) == []


def test_debug_is_refused_where_other_people_can_reach_the_server(settings: Settings) -> None:
    settings.DEBUG, settings.BIND, settings.IS_HTTPS = True, ("192.0.2.1", 8000), False
    assert [found.id for found in checks.debug_stays_at_home(None)] == ["lumaboard.E002"]
    settings.BIND = ("127.0.0.1", 8000)
    assert checks.debug_stays_at_home(None) == []
    settings.IS_HTTPS = True
    assert [found.id for found in checks.debug_stays_at_home(None)] == ["lumaboard.E002"]


def test_tls_without_a_trusted_proxy_is_pointed_out(settings: Settings) -> None:
    settings.IS_HTTPS, settings.TRUSTED_PROXIES = True, ()
    assert [found.id for found in checks.the_proxy_is_trusted(None)] == ["lumaboard.W001"]


def test_secrets_that_others_can_read_are_refused(settings: Settings, tmp_path: Path) -> None:
    settings.DATA_DIR = tmp_path
    secret = tmp_path / "secret_key"
    secret.write_text("secret")
    secret.chmod(0o640)
    assert [found.id for found in checks.secrets_are_private(None)] == ["lumaboard.E003"]
    secret.chmod(0o600)
    assert checks.secrets_are_private(None) == []


def test_the_data_folder_is_made_for_its_owner_alone(tmp_path: Path) -> None:
    """The database and the films lie in it as well."""
    secret = tmp_path / "var" / "secret_key"
    assert read_or_create(secret, lambda: "first") == read_or_create(secret, lambda: "second") == "first"
    assert stat.S_IMODE(secret.parent.stat().st_mode) == 0o700
    assert stat.S_IMODE(secret.stat().st_mode) == 0o600


def answer(request: HttpRequest) -> HttpResponse:
    return HttpResponse()


def served(*patterns: URLPattern | URLResolver) -> ModuleType:
    """The addresses of the site with these beside them."""
    module = ModuleType("served")
    module.urlpatterns = [*urlpatterns, *patterns]  # type: ignore[attr-defined]
    return module


@pytest.mark.parametrize(
    ("pattern", "id_", "words"),
    [
        (path("forgotten/", answer, name="forgotten"), "lumaboard.E011", "The address forgotten is not in"),
        (
            path("far/", include(([path("away/", answer, name="away")], "far"))),
            "lumaboard.E011",
            "The address far:away is not in",
        ),
        (path("far/", include([path("<int:pk>/", answer)])), "lumaboard.E010", "The address far/<int:pk>/ has no name"),
        (path("again/", answer, name="profile"), "lumaboard.E013", "2 addresses are named profile"),
    ],
)
def test_an_address_that_is_not_in_the_table_of_routes_stops_the_start(
    settings: Settings, pattern: URLPattern | URLResolver, id_: str, words: str
) -> None:
    settings.ROOT_URLCONF = served(pattern)
    (found,) = checks.every_address_is_registered(None)
    assert found.id == id_
    assert words in found.msg
    with pytest.raises(CommandError, match=id_):
        call_command("check")


def test_a_route_in_the_table_that_is_not_served_stops_the_start(settings: Settings) -> None:
    module = ModuleType("served")
    module.urlpatterns = [path("", include("lumaboard.accounts.urls"))]  # type: ignore[attr-defined]
    settings.ROOT_URLCONF = module
    found = checks.every_address_is_registered(None)
    assert {one.id for one in found} == {"lumaboard.E012"}
    assert any("ops:healthz" in one.msg for one in found)
