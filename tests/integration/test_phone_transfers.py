"""The demo phones' hold, transfers and early audio against a real Asterisk: is it as the switch understands them?"""

import contextlib
import socket

import pytest

from demo import TONES, Manner, Phone, behave, hears_exactly
from telephony import PrivateAsterisk, SeatPhone
from tests.conftest import PROMPTS, ROOT, ROOTFS, free_port

pytestmark = pytest.mark.integration
HOST = "127.0.0.3"
ONE, TWO, THREE = TONES[:3]
# 700N rings phone 800N; who is transferred by REFER looks there too.
DIALPLAN = """
[hotline-from-seat]
exten => _700X,1,Set(__TRANSFER_CONTEXT=phone-test)
 same => n,Goto(phone-test,${EXTEN},1)

[phone-test]
exten => _700X,1,NoOp()
 same => n,Dial(PJSIP/8${EXTEN:1},30,b(test-headers^s^1))
 same => n,Hangup(${HANGUPCAUSE})

[test-headers]
exten => s,1,Set(PJSIP_HEADER(add,X-Hotline-Case)=n1-${EXTEN}7)
 same => n,Return()
"""


@pytest.fixture(scope="module")
def server(_servers, tmp_path_factory):
    """(host, port) of an Asterisk on which the phones may call each other."""
    asterisk = PrivateAsterisk(
        rootfs=ROOTFS, templates=ROOT / "config/asterisk", home=tmp_path_factory.mktemp("asterisk"), sounds=PROMPTS,
        plan_changes={
            "seats": [SeatPhone(f"800{i}", f"demo-800{i}") for i in range(1, 4)], "bind": HOST,
            "ami_port": free_port(), "sip_port": free_port(socket.SOCK_DGRAM), "rtp_start": 37000, "rtp_end": 37200,
            "ami_secret": "test-secret", "ami_permit": "127.0.0.0/255.0.0.0",
        },
        extra_files={"extensions.conf": DIALPLAN},
    )  # fmt: skip
    plan = _servers.call(asterisk.start())
    yield HOST, plan.sip_port
    _servers.call(asterisk.stop())


@pytest.fixture
async def phones(server):
    """Phones 8001, 8002 and 8003, registered."""
    async with contextlib.AsyncExitStack() as stack:
        made = [await stack.enter_async_context(Phone(server, f"800{i}", f"demo-800{i}")) for i in range(1, 4)]
        for phone in made:
            await phone.register()
        yield made


async def talk(a, b, number, tone_a, tone_b):
    """`a` dials `number`, `b` answers; both sound their tones."""
    call = await a.dial(number)
    other = await b.incoming(10)
    await other.answer()
    await call.answered(10)
    call.tone(tone_a, 0.1)
    other.tone(tone_b, 0.1)
    await hears_exactly(call, [tone_b], of=TONES)
    await hears_exactly(other, [tone_a], of=TONES)
    return call, other


async def test_a_blind_transfer_joins_the_other_two(phones):
    one, two, three = phones
    call, other = await talk(one, two, "7002", ONE, TWO)
    referral = await other.referral("7003")
    third = await three.incoming(10)
    assert await behave(third, Manner(after=0.3, tone=THREE))
    assert await referral.final() == 200
    assert other.end is None, "the switch waits for the phone's own BYE"
    await other.hang_up()
    await hears_exactly(call, [THREE], of=TONES)
    await hears_exactly(third, [ONE], of=TONES)
    assert third.headers["X-Hotline-Case"] == "n1-s7"
    last = [span for span in call.tone_log(TONES, shortest=0.2) if span.frequency == TWO][-1]
    new = next(span for span in call.tone_log(TONES, shortest=0.2) if span.frequency == THREE)
    assert last.ended is not None and last.ended < new.began, "never both"


async def test_a_blind_transfer_to_nobody_is_reported(phones):
    one, two, _ = phones
    _, other = await talk(one, two, "7002", ONE, TWO)
    assert await other.refer("9999") == 404


async def test_a_phone_on_hold_hears_music_and_a_second_call_of_the_same_phone_is_joined_in_its_place(phones):
    one, two, three = phones
    call, other = await talk(one, two, "7002", ONE, TWO)
    await other.hold()
    await call.wait_for_kind("sound", tones=TONES)
    await hears_exactly(call, [], of=TONES)
    consult = await two.dial("7003")
    third = await three.incoming(10)
    await third.answer()
    await consult.answered(10)
    third.tone(THREE, 0.1)
    consult.tone(TWO, 0.1)
    await hears_exactly(consult, [THREE], of=TONES)
    await hears_exactly(third, [TWO], of=TONES)
    assert await other.refer_to(consult) == 200
    await hears_exactly(call, [THREE], of=TONES)
    await hears_exactly(third, [ONE], of=TONES)
    assert two.calls == ()


async def test_hold_and_resume(phones):
    one, two, _ = phones
    call, other = await talk(one, two, "7002", ONE, TWO)
    await other.hold()
    await call.wait_for_kind("sound", tones=TONES)
    await other.resume()
    await hears_exactly(call, [TWO], of=TONES)
    await hears_exactly(other, [ONE], of=TONES)
    first, *_, last = call.tone_log([TWO], shortest=0.2)
    assert first.ended is not None and first.ended < last.began and last.ended is None


async def test_audio_before_the_answer_reaches_the_caller(phones):
    one, two, _ = phones
    call = await one.dial("7002")
    other = await two.incoming(10)
    await other.progress()
    other.tone(TWO, 0.1)
    await hears_exactly(call, [TWO], of=TONES)
    assert call.state == "ringing"
    await other.answer()
    await call.answered(10)
    await hears_exactly(call, [TWO], of=TONES)


@pytest.mark.parametrize("status", [486, 404, 603, 480, 503])
async def test_a_refusal_of_any_kind_reaches_the_caller_as_one(phones, status):
    one, two, _ = phones
    call = await one.dial("7002")
    assert not await behave(await two.incoming(10), Manner(refuses=status))
    end = await call.ended(10)
    assert end.status is not None and end.status >= 400
