"""A film that is worth sharing, and guests who have nothing but a link."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from pytest_django import Settings

from lumaboard.accounts.models import Membership
from lumaboard.generations.models import Generation
from lumaboard.sharing.models import ShareLink
from lumaboard.sharing.operations import Terms, make_link
from tests.factories import NOW, acting
from tests.sharing.browsing import BROWSER, make_film


@pytest.fixture
def media_root(tmp_path: Path, settings: Settings) -> Path:
    settings.MEDIA_ROOT = tmp_path / "media"
    return tmp_path / "media"


@pytest.fixture
def film(alice: Membership, media_root: Path) -> Generation:
    """A generation with a raw film, a watermarked one, and a poster."""
    return make_film(alice, title="Foxes, take 3", prompt="Foxes in the snow")


@pytest.fixture
def share(alice: Membership, film: Generation) -> Callable[..., ShareLink]:
    """Alice shares the film, or those that are named, on these terms; where none are given, for ever."""

    def make(*generations: Generation, **terms: Any) -> ShareLink:
        pks = [generation.pk for generation in generations or (film,)]
        return make_link(acting(alice), pks, Terms(**({"expires_at": None} | terms)), now=NOW)

    return make


@pytest.fixture
def guest() -> Client:
    """A browser that knows nobody here."""
    return Client(headers={"User-Agent": BROWSER})
