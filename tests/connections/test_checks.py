"""Each way a key or an address can be wrong is said in words of its own."""

from __future__ import annotations

from decimal import Decimal

import pytest
from django.core.exceptions import ValidationError
from pytest_django import Settings

from lumaboard.connections.addresses import clean_address, preset_address
from lumaboard.connections.checks import Finding, Verdict, check_connection, check_upstream
from lumaboard.connections.models import Kind
from lumaboard.simulator import Simulator
from tests.factories import make_connection, make_workspace
from tests.outbound.scripted import answer, saying, scripted_server


def check(base_url: str, key: str = "sk-good-key-1234567") -> Finding:
    return check_upstream(kind=Kind.SIMULATOR, base_url=base_url, key=key)


def test_a_good_key_is_fine_and_says_what_is_left(simulator: Simulator) -> None:
    finding = check(simulator.url)
    assert finding.is_fine
    assert finding.balance is not None
    assert (finding.balance.amount, finding.balance.unit) == (Decimal("123.45"), "USD")
    assert finding.advice == "123.45 USD left."
    assert finding.seconds > 0


@pytest.mark.parametrize(
    ("key", "verdict", "words"),
    [
        ("sk-wrong-key", Verdict.WRONG_KEY, "refuses this key"),
        ("sk-empty-key", Verdict.OUT_OF_CREDIT, "no credit left"),
        ("sk-html-key", Verdict.NOT_AN_API, "not as this provider's API"),
        ("ключ", Verdict.WRONG_KEY, "refuses this key"),
    ],
)
def test_what_the_provider_says_about_a_key_is_said_in_words(
    simulator: Simulator, key: str, verdict: Verdict, words: str
) -> None:
    finding = check(simulator.url, key)
    assert finding.verdict is verdict
    assert words in finding.title
    assert finding.advice
    assert key not in f"{finding.title} {finding.advice} {finding.said}"


@pytest.mark.parametrize(
    ("said", "verdict"),
    [
        (answer(b"{}", status="429 Too Many Requests", headers="Retry-After: 7\r\n"), Verdict.BUSY),
        (answer(b"", status="301 Moved", headers="Location: https://www.example.com/\r\n"), Verdict.NOT_AN_API),
        (answer(b"<!doctype html><h1>Welcome</h1>", headers="Content-Type: text/html\r\n"), Verdict.NOT_AN_API),
        (answer(b'{"error": "down"}', status="503 Service Unavailable"), Verdict.UNAVAILABLE),
        (answer(b'"hello"', headers="Content-Type: application/json\r\n"), Verdict.UNCLEAR),
    ],
)
def test_what_an_address_answers_is_said_in_words(said: bytes, verdict: Verdict) -> None:
    with scripted_server(saying(said)) as server:
        finding = check(server.url)
    assert finding.verdict is verdict
    assert finding.title
    assert finding.advice


def test_an_address_where_nothing_listens_is_told_from_a_slow_one(closed_url: str) -> None:
    assert check(closed_url).verdict is Verdict.WRONG_HOST


def test_a_demo_provider_that_does_not_run_is_named(closed_url: str, settings: Settings) -> None:
    settings.SIMULATOR_URL = closed_url
    finding = check(closed_url)
    assert finding.title == "The demo provider is not running."
    assert "manage.py simulator" in finding.advice


def test_an_unknown_name_is_a_wrong_host() -> None:
    finding = check("https://no-such-host.invalid")
    assert finding.verdict is Verdict.WRONG_HOST
    assert "no-such-host.invalid" in finding.title


def test_a_private_address_is_never_asked_and_the_way_to_allow_it_is_said() -> None:
    finding = check("http://127.0.0.2:9")
    assert finding.verdict is Verdict.NOT_ALLOWED
    assert "LUMABOARD_ALLOW_NETWORKS" in finding.advice


@pytest.mark.django_db
def test_a_key_moved_to_another_workspace_cannot_be_read(simulator: Simulator) -> None:
    connection = make_connection(base_url=simulator.url)
    assert check_connection(connection).is_fine
    connection.workspace = make_workspace()
    connection.save()
    finding = check_connection(connection)
    assert finding.verdict is Verdict.KEY_UNREADABLE
    assert "again" in finding.advice


@pytest.mark.django_db
def test_a_key_whose_address_was_edited_in_the_database_is_not_sent_there(simulator: Simulator) -> None:
    connection = make_connection(base_url="https://api.cometapi.com")
    connection.base_url = simulator.url
    connection.save()
    assert check_connection(connection).verdict is Verdict.KEY_UNREADABLE
    assert not simulator.requests.total


@pytest.mark.parametrize(
    ("entered", "kept"),
    [
        ("https://api.example.com/", "https://api.example.com"),
        ("api.example.com", "https://api.example.com"),
        ("https://API.example.com/dream-machine/v1/generations?x=1", "https://api.example.com"),
        ("https://relay.example.com/luma/", "https://relay.example.com/luma"),
        ("http://127.0.0.1:8787", "http://127.0.0.1:8787"),
    ],
)
def test_an_address_is_kept_in_one_form(entered: str, kept: str) -> None:
    assert clean_address(entered) == kept


@pytest.mark.parametrize(
    ("entered", "words"),
    [
        ("https://user:secret@api.example.com", "without user name"),
        ("ftp://api.example.com", "such as https://"),
        ("https://", "such as https://"),
        ("http://8.8.8.8", "Use https"),
        ("https://10.0.0.1", "LUMABOARD_ALLOW_NETWORKS"),
        ("http://169.254.169.254", "LUMABOARD_ALLOW_NETWORKS"),
        ("http://[::ffff:10.0.0.1]", "LUMABOARD_ALLOW_NETWORKS"),
        ("https://[::1", "such as https://"),
    ],
)
def test_an_address_that_will_not_do_is_refused_with_the_reason(entered: str, words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        clean_address(entered)


def test_every_provider_has_an_address() -> None:
    assert {clean_address(preset_address(kind)) for kind in Kind} == {preset_address(kind) for kind in Kind}
