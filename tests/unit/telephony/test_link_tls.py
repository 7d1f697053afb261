"""The secret is only ever sent to who has proven to be the PBX."""

from __future__ import annotations

import asyncio
import datetime as dt
import logging
import re
import ssl
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from service.certificates import make, write
from telephony import AmiLink, AmiSettings, AmiTls
from tests.unit.telephony.ami_server import AmiServer

SECRET = "never-in-the-clear"
NAMES = ["localhost", "127.0.0.1"]


def pem(path: Path, names: list[str] = NAMES, **how: Any) -> Path:
    write(path, make(names, **how))
    return path


async def serving(server: AmiServer, certificate: Path) -> None:
    server.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.tls.load_cert_chain(certificate)
    await server.start()


@pytest.fixture
async def server() -> AsyncIterator[AmiServer]:
    one = AmiServer()
    yield one
    await one.stop()


def link(server: AmiServer, tls: AmiTls | None, **changes: Any) -> AmiLink:
    settings = AmiSettings(
        port=server.port, username="hotline", secret=SECRET, tls=tls, reconnect_min=0.01, reconnect_max=0.05, **changes
    )
    return AmiLink(settings, lambda batch: None)


async def trouble(one: AmiLink) -> str:
    await one.start()
    async with asyncio.timeout(10):
        while not one.counters.reconnects:
            await asyncio.sleep(0.01)
    text = one.trouble
    await one.stop()
    return text


async def test_a_certificate_of_its_own_is_trusted_by_its_file(server: AmiServer, tmp_path: Path) -> None:
    own = pem(tmp_path / "own.pem")
    await serving(server, own)
    for name in ("", "localhost"):
        one = link(server, AmiTls(own, name))
        await one.start()
        await one.wait_up(10)
        assert (await one.send({"Action": "Ping"}))["Ping"] == "Pong"
        await one.stop()
    assert server.named("Login")[0]["Secret"] == SECRET


async def test_one_certificate_of_a_ca_can_be_named_and_then_no_other_one_is_taken(
    server: AmiServer, tmp_path: Path
) -> None:
    ca_key, now = ec.generate_private_key(ec.SECP256R1()), dt.datetime.now(dt.UTC)
    ca = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "a ca")])

    def issued(path: Path) -> Path:
        key = ec.generate_private_key(ec.SECP256R1())
        one = (
            x509.CertificateBuilder()
            .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "pbx")])).issuer_name(ca)
            .public_key(key.public_key()).serial_number(x509.random_serial_number())
            .not_valid_before(now - dt.timedelta(days=1)).not_valid_after(now + dt.timedelta(days=1))
            .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
            .sign(ca_key, hashes.SHA256())
        )  # fmt: skip
        private = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        path.write_bytes(private + one.public_bytes(serialization.Encoding.PEM))
        return path

    pbx, other = issued(tmp_path / "pbx.pem"), issued(tmp_path / "other.pem")
    await serving(server, pbx)
    one = link(server, AmiTls(pbx, "localhost"))
    await one.start()
    await one.wait_up(10)
    await one.stop()
    assert "not accepted" in await trouble(link(server, AmiTls(other, "localhost")))


@pytest.mark.parametrize(
    ("certificate", "name", "reason"),
    [
        ({"days": -1.0}, "localhost", "expired"),
        ({"now": dt.datetime.now(dt.UTC) + dt.timedelta(days=30)}, "localhost", "not yet valid"),
        ({"names": ["pbx.example.cn"]}, "", "IP address mismatch"),
        ({"names": ["pbx.example.cn"]}, "localhost", "Hostname mismatch"),
        (None, "localhost", "self-signed|self signed"),
    ],
)
async def test_the_secret_never_leaves_for_a_wrong_certificate_and_the_reason_is_told(
    server: AmiServer, tmp_path: Path, certificate: dict[str, Any] | None, name: str, reason: str,
    caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    served = pem(tmp_path / "served.pem", **(certificate or {}))
    trusted = served if certificate is not None else pem(tmp_path / "another.pem")
    await serving(server, served)
    one = link(server, AmiTls(trusted, name))
    with caplog.at_level(logging.DEBUG):
        text = await trouble(one)
    assert re.search(reason, text), text
    assert "ami_tls_ca" in text and one.counters.tls_failures >= 1
    assert server.heard == b"" and not server.actions
    assert SECRET not in caplog.text + text + repr(one.settings)


async def test_a_port_without_tls_is_told_and_gets_nothing(server: AmiServer, tmp_path: Path) -> None:
    await server.start()
    text = await trouble(link(server, AmiTls(pem(tmp_path / "own.pem"))))
    assert "no TLS there" in text and SECRET.encode() not in server.heard


async def test_a_peer_that_never_ends_the_handshake_is_given_up(tmp_path: Path) -> None:
    gone = asyncio.Event()

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()  # until the other side closes
        gone.set()
        writer.close()

    quiet = await asyncio.start_server(silent, "127.0.0.1", 0)
    server = AmiServer()
    server.port = quiet.sockets[0].getsockname()[1]
    text = await trouble(link(server, AmiTls(pem(tmp_path / "own.pem")), connect_timeout=0.2))
    assert "cannot be reached" in text
    await asyncio.wait_for(gone.wait(), 10)
    quiet.close()


async def test_a_file_of_trusted_certificates_that_is_none_is_named(server: AmiServer, tmp_path: Path) -> None:
    await serving(server, pem(tmp_path / "own.pem"))
    assert "none.pem cannot be used: No such file" in await trouble(link(server, AmiTls(tmp_path / "none.pem")))
    (tmp_path / "text.pem").write_text("no certificate")
    assert "text.pem cannot be used" in await trouble(link(server, AmiTls(tmp_path / "text.pem")))
    assert server.heard == b""


async def test_a_link_over_tls_that_is_cut_comes_back(server: AmiServer, tmp_path: Path) -> None:
    own = pem(tmp_path / "own.pem")
    await serving(server, own)
    one = link(server, AmiTls(own))
    await one.start()
    await one.wait_up(10)
    server.drop()
    async with asyncio.timeout(10):
        while server.connections < 2:
            await asyncio.sleep(0.01)
    await one.wait_up(10)
    await one.stop()
