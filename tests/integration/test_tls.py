"""AMI and SIP over TLS, talk over SRTP, on a real Asterisk that `hotline run` has started with these settings."""

import asyncio
import contextlib
import os
import socket
import ssl
from pathlib import Path

import numpy as np
import pytest
import pytest_asyncio

from demo import CallEnded, Phone, RegistrationFailed
from service import certificates
from service.app import running
from service.pbx import ami_tls
from service.settings import load_settings
from telephony import AmiLink, AmiSettings, AmiTls, LineTrunk, PrivateAsterisk
from tests.conftest import PROMPTS, ROOT, ROOTFS, eventually, free_port
from tests.secure_edge import Edge

pytestmark = [pytest.mark.integration, pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(120)]
PATIENCE = 20.0
TONE, OTHER = 440.0, 880.0


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def hotline(redis_url, tmp_path_factory):
    """A running instance: everything encrypted that can be, and no talk in the clear with seats."""
    tmp = tmp_path_factory.mktemp("tls")
    (tmp / "var").mkdir()
    (tmp / "var/prompts").symlink_to(PROMPTS)
    (tmp / "secret").write_text("quite-a-long-secret-of-the-seats\n")
    settings = load_settings(
        config_dir=ROOT / "config", var_dir=tmp / "var", rootfs=ROOTFS, http_port=free_port(), redis_url=redis_url,
        redis_prefix="tls:", ami_port=free_port(), sip_port=free_port(socket.SOCK_DGRAM), sip_tls_port=free_port(),
        rtp_start=38200, rtp_end=38300, asr_workers=0, phones=0, spoken_emergency=False, ami_tls=True,
        srtp="required", seat_password_file=tmp / "secret",
    )  # fmt: skip
    async with running(settings) as one:
        yield one


def password(hotline, seat):
    return next(x.password for x in hotline.asterisk.plan().seats if x.user == seat)


@contextlib.asynccontextmanager
async def seat_phone(hotline, seat="8001", **edge):
    """A seat's phone behind TLS and SRTP, registered; (phone, edge)."""
    s = hotline.settings
    async with Edge(("127.0.0.1", s.sip_tls_port), s.own_certificate, **edge) as box:
        async with Phone(box.address, seat, password(hotline, seat)) as phone:
            await phone.register()
            yield phone, box


def link(hotline, **changes):
    s = hotline.settings
    values = {
        "port": s.ami_port, "username": s.ami_user, "secret": (s.secrets_dir / "ami").read_text().strip(),
        "reconnect_min": 0.05, "reconnect_max": 0.2, "tls": ami_tls(s), "events": "off",
    }  # fmt: skip
    return AmiLink(AmiSettings(**{**values, **changes}), lambda batch: None)


async def trouble(one):
    """Why a link does not come up."""
    await one.start()
    try:
        return await eventually(lambda: one.counters.reconnects and one.trouble, PATIENCE)
    finally:
        assert one.counters.login_failures == 0 and not one.up, "it never got to the login"
        await one.stop()


# ---------------------------------------------------------------------- AMI
async def test_the_service_is_linked_over_tls_and_nothing_listens_without(hotline):
    assert hotline.switch.up
    assert listening(hotline.asterisk.process.pid) == {hotline.settings.ami_port, hotline.settings.sip_tls_port}
    # Who speaks plainly gets no greeting, and after his words the connection is closed.
    reader, writer = await asyncio.open_connection("127.0.0.1", hotline.settings.ami_port)
    writer.write(b"Action: Login\r\nUsername: hotline\r\nSecret: guess\r\n\r\n")
    with contextlib.suppress(ConnectionResetError):
        assert b"Asterisk Call Manager" not in await asyncio.wait_for(reader.read(4096), PATIENCE)
    writer.close()


def listening(pid):
    """TCP ports on which a process takes connections."""
    fds = [os.readlink(x) for x in Path(f"/proc/{pid}/fd").iterdir() if x.is_symlink()]
    rows = [row.split() for row in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return {int(row[1].rpartition(":")[2], 16) for row in rows if row[3] == "0A" and f"socket:[{row[9]}]" in fds}


async def test_whoever_is_not_known_to_be_the_pbx_never_gets_the_secret(hotline, switch, tmp_path):
    other = tmp_path / "other.pem"
    other.write_bytes(certificates.make(["localhost", "127.0.0.1"]))
    own = hotline.settings.own_certificate
    assert "certificate of Asterisk is not accepted" in await trouble(link(hotline, tls=AmiTls(other, "localhost")))
    assert "certificate of Asterisk is not accepted" in await trouble(link(hotline, tls=AmiTls()))
    assert "ami_tls_name" in await trouble(link(hotline, tls=AmiTls(own, "pbx.example.cn")))
    assert "cannot be used" in await trouble(link(hotline, tls=AmiTls(tmp_path / "none.pem")))
    assert "no TLS there" in await trouble(link(hotline, port=switch.plan.ami_port))


async def test_a_link_over_tls_comes_back_and_holds_the_load_of_a_busy_one(hotline):
    one = link(hotline)
    await one.start()
    try:
        await one.wait_up(PATIENCE)
        for _ in range(3):
            replies = [one.send({"Action": "Getvar", "Variable": f"STRREPLACE(a{n})"}) for n in range(200)]
            assert len(await asyncio.gather(*replies, return_exceptions=True)) == 200
        one._session._protocol.transport.abort()  # the network cuts it
        await eventually(lambda: one.counters.reconnects == 1, PATIENCE)
        await one.wait_up(PATIENCE)
        assert (await one.send({"Action": "Ping"})).one("Ping") == "Pong"
    finally:
        await one.stop()


# ---------------------------------------------------------------------- SIP and SRTP
async def test_a_seat_is_called_over_tls_and_talks_over_srtp(hotline):
    async with seat_phone(hotline) as (phone, box):
        await eventually(lambda: hotline.engine.dispatcher.seats["8001"].state.value == "available", PATIENCE)
        async with Phone(("127.0.0.1", hotline.settings.sip_port), "13800001234", local_ip="127.0.0.9") as caller:
            call = await caller.dial("12345")
            await call.answered(PATIENCE)
            await call.press("#")
            taken = await phone.incoming(PATIENCE)
            offer = next(x for x in box.bodies if "m=audio" in x)
            assert "RTP/SAVP " in offer and "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:" in offer
            await taken.answer()
            call.tone(TONE)
            taken.tone(OTHER)
            await eventually(lambda: call.tones_heard((TONE, OTHER)) == {OTHER}, PATIENCE, "the caller hears the seat")
            await eventually(lambda: taken.tones_heard((TONE, OTHER)) == {TONE}, PATIENCE, "the seat hears the caller")
            (media,) = [x for x in box.media if x.wire]
            await eventually(lambda: len(media.wire) > 60, PATIENCE, "a second of the talk")
            assert media.forged == 0 and len(media.opened) == len(media.wire) > 20
            assert loudness(media.opened, TONE) > 0.5, "with its key it is the caller's tone"
            assert loudness(media.wire, TONE) < 0.2, "on the wire it is noise"
            await taken.hang_up()
            await call.ended(PATIENCE)


def loudness(packets, tone):
    """Which part of the sound in these packets' payloads (A-law) is a tone."""
    data = np.frombuffer(b"".join(x[12:172] for x in packets[-40:]), np.uint8)
    bits = data ^ 0x55
    exponent, mantissa = (bits >> 4) & 7, (bits & 15).astype(float)
    size = np.where(exponent == 0, mantissa * 2 + 1, (mantissa * 2 + 33) * 2.0 ** (exponent.astype(float) - 1))
    pcm = np.where(bits & 0x80, size, -size)
    spectrum = np.abs(np.fft.rfft(pcm * np.hanning(len(pcm)))) ** 2
    near = round(tone / 8000 * len(pcm))
    return spectrum[near - 4 : near + 5].sum() / spectrum.sum()


async def test_a_talk_in_the_clear_is_refused_when_encryption_is_required(hotline):
    async with seat_phone(hotline, "8002", srtp=False) as (phone, box):
        call = await phone.dial("12345")
        with pytest.raises(CallEnded) as ended:
            await call.answered(PATIENCE)
        assert ended.value.end.status == 488
    async with seat_phone(hotline, "8002") as (phone, box):
        call = await phone.dial("12345")
        await call.answered(PATIENCE)
        answer = next(x for x in box.bodies if "m=audio" in x)
        assert "RTP/SAVP" in answer and "a=crypto:1 AES_CM_128_HMAC_SHA1_80" in answer
        await call.hang_up()


async def test_a_phone_meets_the_switch_it_trusts_and_no_other_password_works(hotline, tmp_path):
    other = tmp_path / "other.pem"
    other.write_bytes(certificates.make(["localhost"]))
    with pytest.raises(OSError, match="certificate verify failed"):
        async with Edge(("127.0.0.1", hotline.settings.sip_tls_port), other):
            pass
    async with Edge(("127.0.0.1", hotline.settings.sip_tls_port), hotline.settings.own_certificate) as box:
        for guess in ("demo-8001", password(hotline, "8002"), "quite-a-long-secret-of-the-seats"):
            async with Phone(box.address, "8001", guess) as phone:
                with pytest.raises(RegistrationFailed, match="401"):
                    await phone.register()


# ---------------------------------------------------------------------- trunks
@pytest_asyncio.fixture(loop_scope="module")
async def others(tmp_path):
    """Other sides of trunks: {name: (port, first lines of what came)}, and the file that trusts two of them."""
    good, foreign, misnamed = (tmp_path / f"{x}.pem" for x in ("good", "foreign", "misnamed"))
    good.write_bytes(certificates.make(["127.0.0.1"]))
    foreign.write_bytes(certificates.make(["127.0.0.1"]))
    misnamed.write_bytes(certificates.make(["sbc.example.cn"]))
    ca = tmp_path / "ca.pem"
    ca.write_text("".join(certificates.public_part(x)[0] for x in (good, misnamed)))
    seen, servers, ports = {}, [], {}
    for name, file in (("good", good), ("foreign", foreign), ("misnamed", misnamed)):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(file)
        seen[name] = []

        async def serve(reader, writer, came=seen[name]):
            with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError, ssl.SSLError):
                came.append((await reader.readuntil(b"\r\n")).decode())
            writer.close()

        servers.append(await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context))
        ports[name] = servers[-1].sockets[0].getsockname()[1]
    yield {name: (ports[name], seen[name]) for name in seen}, ca
    for server in servers:
        server.close()


async def test_a_trunk_over_tls_rings_only_who_proves_to_be_the_other_side(others, tmp_path):
    sides, ca = others
    own = certificates.own_certificate(tmp_path / "own.pem", "127.0.0.1")
    asterisk = PrivateAsterisk(
        rootfs=ROOTFS, templates=ROOT / "config/asterisk", home=tmp_path / "asterisk", sounds=PROMPTS,
        plan_changes={
            "ami_port": free_port(), "sip_port": free_port(socket.SOCK_DGRAM), "sip_tls_port": free_port(),
            "rtp_start": 38320, "rtp_end": 38340, "tls_cert": own, "tls_key": own, "sip_tls_ca": ca,
            "srtp": "required",
            "lines": [LineTrunk(name, f"tls:127.0.0.1:{port}") for name, (port, _) in sides.items()],
        },
    )  # fmt: skip
    plan = await asterisk.start()
    ami = AmiSettings(port=plan.ami_port, username=plan.ami_user, secret=plan.ami_secret, events="off")
    one = AmiLink(ami, lambda batch: None)
    await one.start()
    await one.wait_up(PATIENCE)
    try:
        for name in ("foreign", "misnamed", "good"):
            channel = f"PJSIP/02112345@line-{name}"
            await one.send({"Action": "Originate", "Channel": channel, "Application": "Wait", "Async": "true"})
        await eventually(lambda: sides["good"][1], PATIENCE)
        assert sides["good"][1][0].startswith("INVITE sip:02112345@127.0.0.1")
        assert sides["foreign"][1] == sides["misnamed"][1] == []
    finally:
        await one.stop()
        await asterisk.stop()
