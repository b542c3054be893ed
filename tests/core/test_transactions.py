"""Transactions that may be lost: they do not wait for the disk, and what follows them does."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

import pytest
from django.db import connection, transaction

from lumaboard.accounts.models import Workspace
from lumaboard.core.transactions import forgettable

SETTING = {"sqlite": "synchronous", "postgresql": "synchronous_commit"}
DURABLE = {"sqlite": 2, "postgresql": "on"}
NOT_DURABLE = {"sqlite": 1, "postgresql": "off"}


@pytest.fixture(autouse=True)
def durable(transactional_db: None) -> Iterator[None]:
    """As in an installation: tests wait for no disk otherwise."""
    usual = how_durable()
    set_durable(DURABLE[connection.vendor])
    yield
    set_durable(usual)


def set_durable(value: object) -> None:
    with connection.cursor() as cursor:
        word = "PRAGMA" if connection.vendor == "sqlite" else "SET"
        cursor.execute(f"{word} {SETTING[connection.vendor]} = {value}")


def how_durable() -> object:
    with connection.cursor() as cursor:
        word = "PRAGMA" if connection.vendor == "sqlite" else "SHOW"
        cursor.execute(f"{word} {SETTING[connection.vendor]}")
        return cursor.fetchone()[0]


def test_it_is_written_without_waiting_and_the_next_waits_again() -> None:
    with forgettable():
        Workspace.objects.create(name="Reef", slug="reef")
        assert how_durable() == NOT_DURABLE[connection.vendor]
    assert Workspace.objects.filter(slug="reef").exists()
    assert how_durable() == DURABLE[connection.vendor]


def test_an_error_takes_all_of_it_back_and_the_next_waits_again() -> None:
    with suppress(RuntimeError), forgettable():
        Workspace.objects.create(name="Reef", slug="reef")
        raise RuntimeError
    assert not Workspace.objects.exists()
    assert how_durable() == DURABLE[connection.vendor]


def test_inside_another_transaction_it_is_as_durable_as_that() -> None:
    with transaction.atomic(), forgettable():
        assert how_durable() == DURABLE[connection.vendor]
