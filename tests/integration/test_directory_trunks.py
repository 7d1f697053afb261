"""Trunks of the hotline directory on a real Asterisk: whose call it is, by address alone, also after a reload."""

import socket

import pytest

from demo import Phone
from telephony import LineTrunk, PrivateAsterisk, SeatPhone
from tests.conftest import PROMPTS, ROOT, ROOTFS, free_port

pytestmark = pytest.mark.integration
HOST, POLICE, NEAR, OUTSIDER = "127.0.0.4", "127.0.0.91", "127.0.2.7", "127.0.0.93"


@pytest.fixture
async def asterisk(tmp_path):
    """A switch whose public trunk would take any address on loopback."""
    one = PrivateAsterisk(
        rootfs=ROOTFS, templates=ROOT / "config/asterisk", home=tmp_path / "asterisk", sounds=PROMPTS,
        plan_changes={
            "seats": [SeatPhone("8001", "demo-8001")], "bind": HOST, "ami_port": free_port(),
            "ami_secret": "test-secret", "sip_port": free_port(socket.SOCK_DGRAM), "rtp_start": 37300, "rtp_end": 37400,
            "ami_permit": "127.0.0.0/255.0.0.0",
        },
    )  # fmt: skip
    await one.start()
    yield one
    await one.stop()


async def channels(asterisk):
    return (await asterisk.cli("core show channels concise")).splitlines()


async def take(asterisk, lines):
    """The switch reads its configuration again with these trunks."""
    asterisk.plan_changes["lines"] = lines
    await asterisk.reload()
    wanted = {f"{line.endpoint}-address/{line.endpoint}" for line in lines if line.match}
    while wanted != {w for w in (await asterisk.cli("pjsip show identifies")).split() if w.startswith("line-")}:
        pass


async def endpoint_of(asterisk, address, user="13800001234"):
    """The endpoint as which the switch knows a call from an address."""
    async with Phone((HOST, asterisk.plan().sip_port), user, local_ip=address) as phone:
        call = await phone.dial("12345")
        await call.answered()
        (channel,) = await channels(asterisk)
        await call.hang_up()
    while await channels(asterisk):
        pass
    return channel.split("!")[0].removeprefix("PJSIP/").rpartition("-")[0]


async def test_a_call_is_of_the_trunk_whose_address_it_comes_from_and_of_no_other(asterisk):
    assert await endpoint_of(asterisk, POLICE) == "trunk", "nothing is known of it yet"
    police = LineTrunk("police", f"{POLICE}:5099", [POLICE, "127.0.2.0/24"])
    await take(asterisk, [police, LineTrunk("outgoing", f"{OUTSIDER}:5099")])
    assert await endpoint_of(asterisk, POLICE) == "line-police"
    assert await endpoint_of(asterisk, NEAR) == "line-police", "of its network"
    assert await endpoint_of(asterisk, OUTSIDER) == "trunk", "an outgoing trunk takes no call"
    assert await endpoint_of(asterisk, OUTSIDER, user="line-police") == "trunk", "its name alone is nobody's"
    assert "sip:127.0.0.91:5099" in await asterisk.cli("pjsip show aor line-police")
    await take(asterisk, [])
    assert await endpoint_of(asterisk, POLICE) == "trunk", "a trunk that is taken out is gone"
