"""Fixtures for every test: signed-in clients and the simulator over real HTTP."""

from __future__ import annotations

import os
import uuid

import pytest
from django.core.cache import caches
from django.test import Client
from pytest_django import Settings

from lumaboard.accounts.models import Membership, Role
from lumaboard.accounts.strangers import BEGINNINGS
from lumaboard.api.auth import REFUSALS, REQUESTS
from lumaboard.settings import REDIS_URL
from tests.factories import make_member

# Playwright's synchronous API runs an event loop in the test's thread; Django would refuse database work there.
os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "true")


LONG = ("chaos/test_kills.py", "ops/test_commands.py", "ops/test_backup.py")
"""Files of minutes, that would be among the last ones, with one process at work and the others done."""


@pytest.hookimpl(trylast=True)  # after pytest-django, which puts what uses no database of its process last
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: not item.path.as_posix().endswith(LONG))


@pytest.fixture(autouse=True)
def own_cache(settings: Settings) -> None:
    """Give each test an empty cache: Redis rolls nothing back, and is shared by the processes of a run."""
    if REDIS_URL:
        default = settings.CACHES["default"] | {"KEY_PREFIX": uuid.uuid4().hex}
        settings.CACHES = settings.CACHES | {"default": default}
    caches["visits"].clear()


@pytest.fixture(autouse=True)
def nobody_asked_before() -> None:
    """The windows are the process's, and tests share one."""
    for window in (REQUESTS, REFUSALS, BEGINNINGS):
        window.forget()


@pytest.fixture
def alice(db: None) -> Membership:
    """The owner of a workspace."""
    return make_member("Alice Adams", role=Role.OWNER)


@pytest.fixture
def bob(alice: Membership) -> Membership:
    """A viewer in Alice's workspace."""
    return make_member("Bob Brown", role=Role.VIEWER, workspace=alice.workspace)


@pytest.fixture
def charlie(db: None) -> Membership:
    """Owner of another workspace: a stranger to Alice's."""
    return make_member("Charlie Clark", role=Role.OWNER)


def client_of(membership: Membership) -> Client:
    """A browser in which this person is signed in."""
    client = Client()
    client.force_login(membership.user)
    return client


@pytest.fixture
def alice_client(alice: Membership) -> Client:
    return client_of(alice)


@pytest.fixture
def bob_client(bob: Membership) -> Client:
    return client_of(bob)


@pytest.fixture
def charlie_client(charlie: Membership) -> Client:
    return client_of(charlie)
