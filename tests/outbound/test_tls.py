from __future__ import annotations

import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from lumaboard.outbound import AddressPolicy, ConnectionFailed, ExchangeTimeout, OutboundSession
from lumaboard.outbound.sockets import shared_tls_context, tls_context
from tests.outbound.scripted import answer, dripping, saying, scripted_server

LOOPBACK = AddressPolicy.from_text("127.0.0.0/8")


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[ssl.SSLContext, str]:
    """A server context for media.example, and the certificate that vouches for it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "media.example")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("media.example")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = made.public_bytes(serialization.Encoding.PEM)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path: Path = tmp_path_factory.mktemp("tls") / "server.pem"
    path.write_bytes(private + pem)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    return context, pem.decode()


def session_trusting(pem: str) -> OutboundSession:
    return OutboundSession(LOOPBACK, resolver=lambda host, port: ["127.0.0.1"], tls=tls_context(extra_authorities=pem))


def test_certificate_and_sni_go_by_the_name_although_the_socket_goes_to_an_address(
    certificate: tuple[ssl.SSLContext, str],
) -> None:
    context, pem = certificate
    names: list[str | None] = []
    context.sni_callback = lambda sock, name, ctx: names.append(name)
    with scripted_server(saying(answer(b"secure")), tls=context) as server:
        session = session_trusting(pem)
        assert session.exchange("GET", f"https://media.example:{server.port}/").body == b"secure"
        with session.stream(f"https://media.example:{server.port}/", max_bytes=9, deadline=5) as stream:
            assert b"".join(stream.chunks()) == b"secure"
    assert names == ["media.example"]
    assert server.connections == 1


def test_a_certificate_for_another_name_is_refused(certificate: tuple[ssl.SSLContext, str]) -> None:
    context, pem = certificate
    with scripted_server(saying(answer()), tls=context) as server, pytest.raises(ConnectionFailed) as caught:
        session_trusting(pem).exchange("GET", f"https://other.example:{server.port}/")
    assert caught.value.was_sent is False
    assert server.requests == []


def test_an_authority_nobody_knows_is_refused(certificate: tuple[ssl.SSLContext, str]) -> None:
    context, _ = certificate
    with scripted_server(saying(answer()), tls=context) as server, pytest.raises(ConnectionFailed):
        OutboundSession(LOOPBACK, resolver=lambda host, port: ["127.0.0.1"]).exchange(
            "GET", f"https://media.example:{server.port}/"
        )


def test_an_authority_named_to_requests_in_the_environment_is_not_trusted(
    certificate: tuple[ssl.SSLContext, str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    context, pem = certificate
    bundle = tmp_path / "bundle.pem"
    bundle.write_text(pem)
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.setenv(name, str(bundle))
    with scripted_server(saying(answer()), tls=context) as server, pytest.raises(ConnectionFailed):
        OutboundSession(LOOPBACK, resolver=lambda host, port: ["127.0.0.1"]).exchange(
            "GET", f"https://media.example:{server.port}/"
        )


def test_an_exchange_adds_no_authority_to_those_of_the_context(certificate: tuple[ssl.SSLContext, str]) -> None:
    context, pem = certificate
    own = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    own.load_verify_locations(cadata=pem)
    with scripted_server(saying(answer(b"secure")), tls=context) as server:
        session = OutboundSession(LOOPBACK, resolver=lambda host, port: ["127.0.0.1"], tls=own)
        assert session.exchange("GET", f"https://media.example:{server.port}/").body == b"secure"
    assert len(own.get_ca_certs()) == 1


def test_a_dripping_server_does_not_outlast_the_deadline_over_tls(certificate: tuple[ssl.SSLContext, str]) -> None:
    context, pem = certificate
    with (
        scripted_server(dripping(head=b"HTTP/1.1 200 OK\r\nX-Slow: "), tls=context) as server,
        pytest.raises(ExchangeTimeout),
    ):
        session_trusting(pem).exchange("GET", f"https://media.example:{server.port}/", deadline=0.4)


def test_a_handshake_that_never_ends_is_a_timeout_with_nothing_sent() -> None:
    with scripted_server(saying()) as server, pytest.raises(ExchangeTimeout) as caught:
        OutboundSession(LOOPBACK).exchange("GET", f"https://127.0.0.1:{server.port}/", deadline=0.3)
    assert caught.value.was_sent is False


def test_the_process_has_one_context() -> None:
    assert shared_tls_context() is shared_tls_context()
