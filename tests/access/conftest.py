"""The walk asks for the same addresses thousands of times: what limits people must forget each time, like the database."""

from __future__ import annotations

import uuid

import pytest
from pytest_django import Settings


@pytest.fixture(autouse=True)
def own_cache(settings: Settings) -> None:
    """Give the test a cache in its own process, which it may empty: a shared one counts for other tests as well."""
    own = {"BACKEND": "django.core.cache.backends.locmem.LocMemCache", "LOCATION": uuid.uuid4().hex}
    settings.CACHES = settings.CACHES | {"default": own}
