from __future__ import annotations

import threading

import pytest

from lumaboard.outbound import AddressPolicy, AddressRefused, ConnectionFailed, ExchangeTimeout, OutboundSession
from tests.outbound.scripted import answer, saying, scripted_server

REFUSED = [
    "0.0.0.0",
    "0.1.2.3",
    "10.0.0.1",
    "100.64.0.1",
    "100.127.255.254",
    "127.0.0.1",
    "127.255.255.254",
    "168.63.129.16",
    "169.254.169.254",
    "172.16.0.1",
    "172.31.255.254",
    "192.0.0.1",
    "192.0.0.9",
    "192.0.0.170",
    "192.0.2.1",
    "192.88.99.1",
    "192.168.1.1",
    "198.18.0.1",
    "198.51.100.1",
    "203.0.113.1",
    "224.0.0.1",
    "239.255.255.255",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::8.8.8.8",
    "::ffff:127.0.0.1",
    "::ffff:169.254.169.254",
    "::ffff:8.8.8.8",
    "64:ff9b::7f00:1",
    "64:ff9b::808:808",
    "64:ff9b:1::1",
    "100::1",
    "2001::1",
    "2001:0:4136:e378:8000:63bf:3fff:fdd2",
    "2001:10::1",
    "2001:20::1",
    "2001:db8::1",
    "2002:7f00:1::1",
    "2002:808:808::1",
    "3fff::1",
    "5f00::1",
    "fc00::1",
    "fd12:3456::1",
    "fe80::1",
    "fe80::1%eth0",
    "fec0::1",
    "ff02::1",
    "not an address",
    "",
]
PERMITTED = [
    "1.1.1.1",
    "8.8.8.8",
    "100.63.255.255",
    "100.128.0.1",
    "168.63.129.17",
    "172.32.0.1",
    "2606:4700::1111",
    "2a00:1450::1",
]


@pytest.mark.parametrize("address", REFUSED)
def test_an_address_that_is_not_public_is_refused(address: str) -> None:
    assert not AddressPolicy().permits(address)


@pytest.mark.parametrize("address", PERMITTED)
def test_a_public_address_is_permitted(address: str) -> None:
    assert AddressPolicy().permits(address)


def test_the_operator_may_allow_a_network_and_gets_no_more_than_that() -> None:
    policy = AddressPolicy.from_text("10.1.0.0/16, fd00::/8")
    assert policy.permits("10.1.2.3")
    assert policy.permits("::ffff:10.1.2.3")
    assert policy.permits("fd00::1")
    assert not policy.permits("10.2.0.1")
    assert not policy.is_allowed_by_operator("8.8.8.8")


def test_allowing_loopback_means_the_machine_in_both_families() -> None:
    assert AddressPolicy.from_text("127.0.0.0/8").permits("::1")


@pytest.mark.parametrize("networks", ["10.0.0.1/8", "everything", "10.0.0.0/33"])
def test_a_network_that_cannot_be_read_is_an_error(networks: str) -> None:
    with pytest.raises(ValueError):
        AddressPolicy.from_text(networks)


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "localhost", "2130706433", "0x7f000001", "0177.0.0.1", "127.1", "[::1]", "[::ffff:127.0.0.1]", "0"],
)
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_no_spelling_of_loopback_is_connected_to(host: str, scheme: str) -> None:
    with scripted_server(saying(answer())) as server, pytest.raises((AddressRefused, ConnectionFailed)) as caught:
        OutboundSession(AddressPolicy()).exchange("GET", f"{scheme}://{host}:{server.port}/")
    assert server.connections == 0
    assert caught.value.was_sent is False


def test_one_refused_address_among_good_ones_refuses_the_name() -> None:
    session = OutboundSession(AddressPolicy(), resolver=lambda host, port: ["8.8.8.8", "169.254.169.254"])
    with pytest.raises(AddressRefused):
        session.exchange("GET", "https://mixed.example/")


def test_the_name_is_looked_up_once_and_the_judged_address_is_the_one_connected_to() -> None:
    answers = iter([["127.0.0.1"], ["127.0.0.2"]])
    with scripted_server(saying(answer(b"here"))) as server:
        session = OutboundSession(AddressPolicy.from_text("127.0.0.1/32"), resolver=lambda host, port: next(answers))
        first = session.exchange("GET", f"http://rebinding.example:{server.port}/")
    assert first.body == b"here"
    assert next(answers) == ["127.0.0.2"]


def test_a_name_that_rebinds_later_is_judged_again() -> None:
    answers = iter([["127.0.0.1"], ["169.254.169.254"]])
    with scripted_server(saying(answer(headers="Connection: close\r\n"), then_close=True)) as server:
        session = OutboundSession(AddressPolicy.from_text("127.0.0.1/32"), resolver=lambda host, port: next(answers))
        session.exchange("GET", f"http://rebinding.example:{server.port}/")
        with pytest.raises(AddressRefused):
            session.exchange("GET", f"http://rebinding.example:{server.port}/")


def test_the_next_address_is_tried_when_one_does_not_answer() -> None:
    with scripted_server(saying(answer(b"second"))) as server:
        session = OutboundSession(
            AddressPolicy.from_text("127.0.0.0/8"), resolver=lambda host, port: ["127.0.0.2", "127.0.0.1"]
        )
        assert session.exchange("GET", f"http://two.example:{server.port}/").body == b"second"


def test_plain_http_goes_only_to_networks_the_operator_allowed() -> None:
    session = OutboundSession(AddressPolicy(), resolver=lambda host, port: ["8.8.8.8"])
    with pytest.raises(AddressRefused, match="https only"):
        session.exchange("GET", "http://public.example/")


def test_an_unknown_name_is_a_connection_that_failed() -> None:
    def no_such_name(host: str, port: int) -> list[str]:
        raise OSError("Name or service not known")

    with pytest.raises(ConnectionFailed, match="not known") as caught:
        OutboundSession(AddressPolicy(), resolver=no_such_name).exchange("GET", "https://nowhere.example/")
    assert caught.value.was_sent is False


def test_a_lookup_that_hangs_does_not_outlast_the_deadline() -> None:
    released = threading.Event()

    def hanging(host: str, port: int) -> list[str]:
        released.wait(10)
        return []

    with pytest.raises(ExchangeTimeout) as caught:
        OutboundSession(AddressPolicy(), resolver=hanging).exchange("GET", "https://slow.example/", deadline=0.2)
    released.set()
    assert caught.value.was_sent is False
