"""Nobody reaches an outside line who may not: callers by what they dial, press or ask for, seats' phones by what they
dial, transfer or redirect to. On a real Asterisk, with a phone at the end of every way out: it sees each INVITE that
leaves."""

import asyncio
import contextlib
import random
import re
import string

import pytest
import pytest_asyncio

from demo import CallEnded, Phone, RegistrationFailed
from demo._refer import ReferRefused
from demo._sip import respond
from routing import SeatState
from telephony import PrivateAsterisk, SeatPhone
from tests.conftest import PROMPTS, ROOT, ROOTFS, Bench, free_port
from tests.parties.world import floor
from tests.raw_sip import RawSip

pytestmark = [pytest.mark.integration, pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(120)]
PATIENCE = 15.0
FORBIDDEN = "057712345678"
"""No entry of the directory, and no pattern allows it."""
ALLOWED = "057128880001"
"""A pattern allows it to a seat that talks with a caller."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def hotline(switch, redis_url, tmp_path_factory):
    """A floor with two seats; `left` holds every INVITE that has left for the outside, and to where."""
    bench = Bench(switch, redis_url, tmp_path_factory.mktemp("fraud"))
    async with floor(bench, seats=("8001", "8002"), config={"times": {"wrap_up": 0.3}}) as world:
        world.left = []
        for name, line in world.outside.items():
            line.phone.on_call = watch(world.left, name)
        ip, port = switch.outside
        async with Phone(world.sip, "out", local_ip=ip, local_port=port, on_call=watch(world.left, "out")):
            await all_over(world)
            yield world


def watch(left, name):
    async def took(call):
        left.append((name, call.headers["To"]))
        await call.reject(486)

    return took


async def all_over(world):
    """Everybody hangs up; afterwards seat 8001 is free, and what rang is forgotten. Seat 8002 takes no call."""
    await world.everybody_hangs_up()
    await world.nobody_left()
    for phone in world.seats.values():
        with contextlib.suppress(TimeoutError):
            while True:
                await phone.incoming(0)
    world.engine.ask_seat("8001", SeatState.AVAILABLE, force=True)
    world.engine.ask_seat("8002", SeatState.BREAK, force=True)
    await world.seat_becomes("8001", "available")


@contextlib.contextmanager
def raw(world, ip="127.0.0.9"):
    one = RawSip(world.sip, ip)
    try:
        yield one
    finally:
        one.close()


def foreign(world, number):
    """The same number at the address of somebody outside."""
    host, port = next(iter(world.outside.values())).phone.address
    return f"sip:{number}@{host}:{port}"


# ---------------------------------------------------------------------- callers
async def test_what_a_caller_dials_leads_to_the_hotline_or_nowhere(hotline):
    host, port = hotline.sip
    outside = "{}:{}".format(*hotline.outside["expert"].phone.address)
    tries = [
        (f"sip:{FORBIDDEN}@{host}:{port}", {}), (f"sip:9{FORBIDDEN}@{host}:{port}", {}),
        (f"sip:00{FORBIDDEN}@{host}:{port}", {}), (f"sip:%2B86{FORBIDDEN}@{host}:{port};user=phone", {}),
        (f"sip:{FORBIDDEN}@{outside}", {}), (f"sip:12345;phone-context=+86571@{host}:{port};user=phone", {}),
        (f"sip:12345%40{outside.replace(':', '%3A')}@{host}:{port}", {}), (f"sip:line-expert@{host}:{port}", {}),
        (f"sip:{FORBIDDEN}%26PJSIP%2F{FORBIDDEN}%40line-expert@{host}:{port}", {}), (f"tel:+86{FORBIDDEN}", {}),
        (f"sip:PJSIP%2F{FORBIDDEN}%40line-expert@{host}:{port}", {}), (f"sip:8001@{host}:{port}", {}),
        (f"sip:12345@{host}:{port}", {"Route": f"<sip:{outside};lr>"}),
        (f"sip:12345@{host}:{port}", {"Refer-To": f"<sip:{FORBIDDEN}@{outside}>"}),
        (f"sip:12345@{host}:{port}", {"Diversion": f"<sip:{FORBIDDEN}@{outside}>;reason=unconditional"}),
        (f"sip:12345@{host}:{port}", {"Replaces": "no-such-call;to-tag=a;from-tag=b"}),
        (f"sip:s@{host}:{port}", {}), (f"sip:%2A11@{host}:{port}", {}), (f"sip:h@{host}:{port}", {}),
    ]  # fmt: skip
    nobody = ("tel:", "sip:line-", "sip:PJSIP", "sip:s@", "sip:h@", "sip:%2A11")
    with raw(hotline) as caller:
        for uri, headers in tries:
            try:
                status = (await caller.ask("INVITE", uri, headers)).status
            except TimeoutError:
                pytest.fail(f"no answer to {uri}")
            assert status in (200, 403, 404, 416, 420, 481, 484, 488, 603), (uri, headers, status)
            if uri.startswith(nobody) or "Replaces" in headers:
                assert status >= 400, (uri, status)
    await all_over(hotline)
    assert hotline.left == []


async def test_no_string_that_is_dialled_makes_a_channel_to_the_outside(hotline):
    """Seeded; from a trunk, and from a seat's phone."""
    dice = random.Random(12345)
    alphabet = string.digits * 4 + "*#+ABCDabcdsht.-_!~&/@;=%,()[]{}$|"
    with raw(hotline) as caller:
        for _ in range(60):
            dialled = "".join(dice.choice(alphabet) for _ in range(dice.randint(1, 24)))
            quoted = "".join(x if x.isalnum() else f"%{ord(x):02X}" for x in dialled)
            reply = await caller.ask("INVITE", f"sip:{quoted}@{hotline.sip[0]}:{hotline.sip[1]}")
            assert reply.status == 200 or reply.status >= 400
    for _ in range(12):
        number = "".join(dice.choice(string.digits + "*#+") for _ in range(dice.randint(3, 16)))
        call = await hotline.seats["8002"].dial(number)
        with contextlib.suppress(CallEnded, TimeoutError):
            await call.answered(1.0)
        await call.hang_up()
    await all_over(hotline)
    assert hotline.left == []


async def test_keys_that_a_caller_presses_dial_nothing(hotline):
    async def pressed(call):
        await call.press("*7200057712345678#", seconds=0.06, pause=0.05)

    talk = await hotline.talk()
    await pressed(talk.caller)  # in a talk
    await talk.voices.all_hear_all()
    await all_over(hotline)
    _, caller = await hotline.dials()
    await pressed(caller)  # in the greeting, and in the music
    await all_over(hotline)
    assert hotline.left == []


async def test_a_caller_cannot_transfer(hotline):
    talk = await hotline.talk()
    for target in (FORBIDDEN, ALLOWED, "12345", "8002", foreign(hotline, FORBIDDEN)):
        with pytest.raises(ReferRefused):
            await talk.caller.referral(target)
    with raw(hotline) as stranger:
        uri = f"sip:12345@{hotline.sip[0]}:{hotline.sip[1]}"
        assert (await stranger.ask("REFER", uri, {"Refer-To": f"<sip:{FORBIDDEN}@127.0.0.77>"})).status >= 400
    await talk.voices.all_hear_all()
    await all_over(hotline)
    assert hotline.left == []


HOSTILE = (
    "1,GLOBAL(HL_SPOILT)=yes", "1,FILE(FILE_)=x", "1):1,GLOBAL(HL_SPOILT)=yes", "1):Set(GLOBAL(HL_SPOILT)=yes",
    "1)?Set(GLOBAL(HL_SPOILT)=yes", "1?hotline-seat,s,1", "1:hotline-seat,s,1", "1}${GLOBAL(HL_SPOILT)=yes}",
    "1${SHELL(touch FILE_)}", '1" = "1', "1$[1 = 1]", "1&PJSIP/057712345678@line-expert", "1\r\nSeat: 8002",
    "1,,1", "1\\,2", "12345|1", "1]=1",
)  # fmt: skip
"""What a dialplan would take for more than a number, were it let in as it is dialled."""


@pytest.mark.parametrize("who", ["caller", "seat"])
async def test_no_string_that_is_dialled_is_taken_for_the_dialplans_own(hotline, tmp_path, who):
    file = tmp_path / "written"
    with raw(hotline) as caller:
        for text in HOSTILE:
            quoted = "".join(x if x.isalnum() else f"%{ord(x):02X}" for x in text.replace("FILE_", str(file)))
            if who == "caller":
                reply = await caller.ask("INVITE", f"sip:{quoted}@{hotline.sip[0]}:{hotline.sip[1]}")
                assert reply.status in (200, 404), text
            else:
                call = await hotline.seats["8002"].dial(f"sip:{quoted}@{hotline.sip[0]}:{hotline.sip[1]}")
                with contextlib.suppress(CallEnded, TimeoutError):
                    await call.answered(1.0)
                await call.hang_up()
    link = hotline.hotline.link
    assert (await link.send({"Action": "Getvar", "Variable": "HL_SPOILT"})).one("Value") == ""
    assert not file.exists()
    await all_over(hotline)
    assert hotline.left == []


# ---------------------------------------------------------------------- seats' phones
async def test_a_seats_phone_that_talks_with_nobody_dials_nobody_outside(hotline):
    for number in (FORBIDDEN, f"9{FORBIDDEN}", f"00{FORBIDDEN}", ALLOWED, "110", foreign(hotline, FORBIDDEN)):
        uri = f"sip:{number}@{hotline.sip[0]}:{hotline.sip[1]}" if number.isdigit() else number
        if not number.isdigit():  # the switch is no proxy: the request goes to it all the same
            with raw(hotline) as one:
                assert (await one.ask("INVITE", uri, user="8001")).status == 401
            continue
        call = await hotline.seats["8001"].dial(number)
        with contextlib.suppress(CallEnded):
            await call.answered(PATIENCE)
        await asyncio.wait_for(call.ended(), PATIENCE)
    await all_over(hotline)
    assert hotline.left == []


async def test_a_seats_phone_transfers_a_caller_only_to_where_the_service_lets_it(hotline):
    for target in (FORBIDDEN, f"00{FORBIDDEN}", foreign(hotline, FORBIDDEN), "sip:line-expert@127.0.0.1"):
        talk = await hotline.talk()
        with contextlib.suppress(ReferRefused):
            referral = await talk.seat.referral(target)
            with contextlib.suppress(TimeoutError):
                await referral.final(PATIENCE)
        assert talk.caller.end is None, "the caller is not lost by it"
        await asyncio.sleep(0.2)  # what would leave, has left
        await all_over(hotline)
    assert hotline.left == []


def redirect(contact, seen=None):
    """A phone that sends every call elsewhere (302)."""

    async def took(call):
        if seen is not None:
            seen.append(call)
        answer = respond(call._invite, 302, tag=call._dialog.local_tag, headers=[("Contact", f"<{contact}>")])
        call._owner.endpoint.respond(call.invite_key, answer)
        call.finish("failed", "local", 302)

    return took


@pytest.mark.parametrize("where", ["here", "foreign"])
async def test_a_phone_that_redirects_takes_no_call_along(hotline, where):
    contact = foreign(hotline, FORBIDDEN) if where == "foreign" else "sip:{}@{}:{}".format(ALLOWED, *hotline.sip)
    await all_over(hotline)
    phone, counters, seen = hotline.seats["8001"], hotline.engine.counters, []
    phone.on_call = redirect(contact, seen)
    calls = counters.calls
    try:
        id_, caller = await hotline.dials()
        await caller.press("#")
        await hotline.seat_becomes("8001", "offline")  # a phone that cannot be reached
        assert len(seen) == 1
        assert caller.end is None and id_ in hotline.engine.calls, "the caller waits on"
        assert counters.calls == calls + 1, "nor has the redirection become a caller"
        assert [x for x in await hotline.channels() if not x.startswith("PJSIP/trunk-")] == [], "or a channel"
    finally:
        phone.on_call = None
    await all_over(hotline)
    assert hotline.left == []


async def test_a_linked_line_that_redirects_takes_no_call_along(hotline):
    await all_over(hotline)
    talk = await hotline.talk()
    expert = hotline.outside["expert"].phone
    kept, expert.on_call = expert.on_call, redirect(f"sip:{FORBIDDEN}@{hotline.sip[0]}:{hotline.sip[1]}")
    arrived = hotline.engine.counters.calls
    try:
        part = hotline.engine.want_party(talk.id, "join", entry="expert")
        await talk.party(part, "failed")
        await talk.voices.all_hear_all()
        assert hotline.engine.counters.calls == arrived
        await all_over(hotline)
    finally:
        expert.on_call = kept
    assert hotline.left == []


# ---------------------------------------------------------------------- strangers
HOST = "127.0.0.6"


@pytest.fixture(scope="module")
def closed(_servers, tmp_path_factory):
    """A switch that knows one address as its trunk, and two seats. Nobody else."""
    asterisk = PrivateAsterisk(
        rootfs=ROOTFS, templates=ROOT / "config/asterisk", home=tmp_path_factory.mktemp("closed"), sounds=PROMPTS,
        plan_changes={
            "seats": [SeatPhone("8001", "one-secret"), SeatPhone("8002", "another-secret")], "bind": HOST,
            "ami_port": free_port(), "sip_port": free_port(), "rtp_start": 38400, "rtp_end": 38420,
            "ami_secret": "test-secret", "ami_permit": "127.0.0.0/255.0.0.0", "trunk_match": "127.0.0.9/32",
        },
    )  # fmt: skip
    plan = _servers.call(asterisk.start())
    yield (HOST, plan.sip_port), plan
    _servers.call(asterisk.stop())


async def test_strangers_get_no_call_and_learn_nothing_about_who_is_there(closed):
    sip, plan = closed
    one = RawSip(sip, "127.0.0.50")
    try:
        forms = {"INVITE": set(), "REGISTER": set()}
        for method, forms_seen in forms.items():
            for user in ("8001", "8002", "1000", "admin", "trunk", "trunk-address", "line-police", "a'b"):
                uri = f"sip:{HOST}:{sip[1]}" if method == "REGISTER" else f"sip:12345@{HOST}:{sip[1]}"
                reply = await one.ask(method, uri, user=user, to=f"<sip:{user}@{HOST}>")
                assert reply.status == 401, (method, user, reply.status)
                forms_seen.add(reply.form)
            assert len(forms_seen) == 1, "a name that exists is answered as one that does not"
        for method in ("OPTIONS", "SUBSCRIBE", "MESSAGE", "REFER", "PUBLISH"):
            assert (await one.ask(method, f"sip:8001@{HOST}:{sip[1]}")).status >= 400
    finally:
        one.close()
    log = (plan.log_dir / "messages").read_text()
    assert re.search(r"NOTICE.*failed for .127.0.0.50:\d+.", log), "for fail2ban"
    assert "one-secret" not in log


async def test_a_seat_is_nobody_else(closed):
    sip, _ = closed
    async with Phone(sip, "8001", "one-secret") as own:
        await own.register()
        for password in ("one-secret", "demo-8002", "another-secret "):
            async with Phone(sip, "8002", password) as other:
                with pytest.raises(RegistrationFailed, match="401"):
                    await other.register()
        # As itself, for another's address of record.
        own._registration.remote = f"<sip:8002@{HOST}>"
        with pytest.raises(RegistrationFailed) as refused:
            await own._register(60)
        assert refused.value.status in (403, 404)
        own._registration = None
