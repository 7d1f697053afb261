"""Phone to phone over real UDP sockets on loopback."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

import numpy as np
import pytest

from demo import CallEnded, IncomingCall, OutgoingCall, Phone, SipError, Timers
from demo._sip import sdp

FAST = Timers(t1=0.05, t2=0.2, t4=0.2)
PATIENCE = 20.0  # only to fail instead of hanging


@asynccontextmanager
async def pair(
    lose_a: Callable[[bytes], bool] | None = None, lose_b: Callable[[bytes], bool] | None = None
) -> AsyncIterator[tuple[Phone, Phone]]:
    before = asyncio.all_tasks()
    async with (
        Phone(user="8001", timers=FAST, lose=lose_b) as b,
        Phone(b.address, "13900000000", "", "127.0.0.2", '李"明', timers=FAST, lose=lose_a) as a,
    ):
        yield a, b
    await asyncio.sleep(0)
    assert asyncio.all_tasks() <= before, "a phone left tasks behind"


async def connect(a: Phone, b: Phone) -> tuple[OutgoingCall, IncomingCall]:
    call = await a.dial("8001")
    other = await b.incoming(PATIENCE)
    await other.answer()
    await call.answered(PATIENCE)
    return call, other


def first(count: int) -> Callable[[bytes], bool]:
    """Loses the first `count` datagrams."""
    left = [count]

    def lose(_: bytes) -> bool:
        left[0] -= 1
        return left[0] >= 0

    return lose


async def test_a_call_goes_through_its_states_with_audio_both_ways() -> None:
    async with pair() as (a, b):
        call = await a.dial("8001", {"X-Hotline-Case": "7"})
        assert call.state == "calling" and call.invite_sent
        other = await b.incoming(PATIENCE)
        assert other.headers["x-hotline-case"] == "7" and other.caller == "13900000000"
        assert '"李\\"明"' in other.headers["From"]
        assert other.heard().size == 0 and call.heard_since is None
        await other.ring()
        await call.ringing(PATIENCE)
        assert (call.state, other.state) == ("ringing", "ringing")
        await other.answer()
        await call.answered(PATIENCE)
        call.tone(440)
        other.tone(1000)
        await other.wait_for_tone(440, PATIENCE)
        await call.wait_for_tone(1000, PATIENCE)
        assert call.tones_heard([440, 620, 1000]) == {1000}
        assert other.invite_received_at and other.answered_at and call.answered_at and call.heard_since
        assert call.invite_sent <= other.invite_received_at <= other.answered_at <= call.heard_since
        await call.hang_up()
        end = await other.ended(PATIENCE)
        assert call.end and (end.reason, end.by, call.end.by) == ("hung-up", "remote", "local")
        assert call.heard().any() and a.calls == b.calls == ()


async def test_speech_arrives_sample_by_sample() -> None:
    async with pair() as (a, b):
        call, other = await connect(a, b)
        noise = np.random.default_rng(3).integers(-20_000, 20_000, 4000).astype(np.int16)
        assert await call.play(noise) is True
        await other.wait_for_audio(0, PATIENCE, 0.06)  # what was under way has come
        heard = other.heard()
        start = int(np.flatnonzero(np.abs(heard) > 200)[0])
        error = heard[start : start + 3900].astype(int) - noise[:3900]
        assert other.lost_packets == 0
        assert np.abs(error).max() <= 600  # A-law's step at this level


async def test_keys_arrive_once_and_in_order_while_speech_waits() -> None:
    async with pair() as (a, b):
        call, other = await connect(a, b)
        said = call.play(np.full(8000, 9000, np.int16))
        await call.press("0*#D55", seconds=0.04, pause=0.04)
        assert await other.wait_for_digits(6, PATIENCE) == "0*#D55"
        assert await said is True
        await call.press("1")
        assert await other.wait_for_digits(7, PATIENCE) == "0*#D551"
        with pytest.raises(ValueError, match="keys"):
            await call.press("12x")


@pytest.mark.parametrize(("status", "reason"), [(486, "busy"), (603, "refused"), (480, "no-answer"), (500, "failed")])
async def test_a_refusal_names_its_reason(status: int, reason: str) -> None:
    async with pair() as (a, b):
        call = await a.dial("8001")
        await (await b.incoming(PATIENCE)).reject(status)
        with pytest.raises(CallEnded) as refused:
            await call.answered(PATIENCE)
        assert (refused.value.end.reason, refused.value.end.status) == (reason, status)


async def test_hanging_up_a_ringing_call_cancels_it_on_both_sides() -> None:
    async with pair() as (a, b):
        call = await a.dial("8001")
        other = await b.incoming(PATIENCE)
        await other.ring()
        await call.ringing(PATIENCE)
        await call.hang_up()
        assert call.end and (call.end.reason, call.end.status) == ("cancelled", 487)
        assert (await other.ended(PATIENCE)).reason == "cancelled"
        with pytest.raises(CallEnded):
            await other.answer()


async def test_hanging_up_before_any_answer_still_cancels() -> None:
    async with pair(lose_b=first(1)) as (a, b):  # the 100 Trying is lost: no CANCEL may go yet
        call = await a.dial("8001")
        ends = asyncio.create_task(call.hang_up())
        other = await b.incoming(PATIENCE)
        assert (await other.ended(PATIENCE)).reason == "cancelled"
        await ends


async def test_an_answer_that_crosses_the_cancel_is_hung_up() -> None:
    async with pair(lose_a=lambda data: data.startswith(b"CANCEL")) as (a, b):
        call = await a.dial("8001")
        other = await b.incoming(PATIENCE)
        await other.ring()
        await call.ringing(PATIENCE)
        ends = asyncio.create_task(call.hang_up())
        await asyncio.sleep(0)
        with suppress(CallEnded):  # the BYE may be as quick as the ACK
            await other.answer()
        async with asyncio.timeout(PATIENCE):
            await ends
        assert call.end and call.end.reason == "cancelled" and call.answered_at is None
        assert (await other.ended(PATIENCE)).by == "remote"


async def test_nobody_answers_and_the_caller_may_wait_on_or_give_up() -> None:
    async with pair() as (a, b):
        call = await a.dial("8001")
        await b.incoming(PATIENCE)  # and left alone
        with pytest.raises(TimeoutError):
            await call.answered(0.1)
        assert call.state == "calling"
        await call.hang_up()


async def test_nobody_there_is_a_result_not_a_hang() -> None:
    async with Phone(("127.0.0.1", 9), "1", timers=Timers(0.01, 0.02, 0.01)) as phone:
        end = await (await phone.dial("2")).ended(PATIENCE)
        assert (end.reason, end.status) == ("failed", 408)
        with pytest.raises(SipError, match="no answer to REGISTER"):
            await phone.register()


@pytest.mark.parametrize("count", [1, 2, 3])
async def test_lost_datagrams_on_both_sides_are_repeated(count: int) -> None:
    async with pair(first(count), first(count)) as (a, b):
        call, other = await connect(a, b)
        call.tone(440)
        await other.wait_for_tone(440, PATIENCE)
        await call.hang_up()
        await other.ended(PATIENCE)


async def test_a_lost_ack_is_sent_again_and_a_missing_one_ends_the_call() -> None:
    acks = [0]

    def lose(data: bytes) -> bool:
        acks[0] += data.startswith(b"ACK")
        return data.startswith(b"ACK") and acks[0] < 3

    async with pair(lose_a=lose) as (a, b):
        await connect(a, b)
        assert acks[0] == 3
    async with pair(lose_a=lambda data: data.startswith(b"ACK")) as (a, b):
        call = await a.dial("8001")
        other = await b.incoming(PATIENCE)
        with pytest.raises(CallEnded):
            await other.answer()
        assert (await call.ended(PATIENCE)).by == "remote"


async def test_hold_stops_the_held_sides_audio_and_resume_brings_it_back() -> None:
    async with pair() as (a, b):
        call, other = await connect(a, b)
        call.tone(440)
        await other.wait_for_tone(440, PATIENCE)
        await other.hold()
        assert call.held and other.holding and not other.held
        await call.hold()
        await call.resume()
        assert call.held, "ending our hold must not end theirs"
        await other.resume()
        assert not call.held and not other.held
        await other.wait_for_tone(440, PATIENCE)


async def test_a_reinvite_can_send_the_audio_elsewhere() -> None:
    """As a switch does for direct media: the other party's address comes in a re-INVITE."""
    async with pair() as (a, b), Phone(a.address, "third", timers=FAST) as third:
        call, other = await connect(a, b)
        far, near = await third.dial("x"), await a.incoming(PATIENCE)
        await near.answer()
        await far.answered(PATIENCE)
        assert far._rtp and other._rtp and near._rtp and far.remote_media
        target = near._rtp.address
        near._rtp.remote = other._rtp.address  # so that the port is one it listens to
        offer = sdp.offer(target, session=1, version=9)
        request = other._dialog.request("INVITE", b.address, headers=[b.contact], body=offer)
        answered = asyncio.get_running_loop().create_future()
        key = b.endpoint.start(request, other._dialog.where, lambda response, source: answered.set_result(response))
        response = await answered
        ack = other._dialog.request("ACK", b.address, cseq=request.cseq)
        b.endpoint.acknowledge(key, ack, other._dialog.where)
        assert response.status == 200 and call.remote_media == target
        near._rtp.remote = call._rtp.address if call._rtp else None
        call.tone(700)
        await near.wait_for_tone(700, PATIENCE)


async def test_an_invite_without_an_offer_gets_ours_and_the_ack_answers_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with pair() as (a, b):
        own = OutgoingCall._own_offer
        monkeypatch.setattr(OutgoingCall, "_own_offer", lambda self: b"")
        call = await a.dial("8001")
        other = await b.incoming(PATIENCE)
        monkeypatch.setattr(OutgoingCall, "_own_offer", own)
        request = call._dialog.request

        def with_answer(method: str, *rest: object, **more: object) -> object:
            if method == "ACK":
                more["body"] = call._own_answer(sdp.parse(call._last.body))  # type: ignore[union-attr]
            return request(method, *rest, **more)  # type: ignore[arg-type]

        monkeypatch.setattr(type(call._dialog), "request", lambda self, *r, **m: with_answer(*r, **m))
        await other.answer()
        await call.answered(PATIENCE)
        monkeypatch.undo()
        other.tone(1000)
        await call.wait_for_tone(1000, PATIENCE)


async def test_closing_a_phone_hangs_up_what_is_open() -> None:
    async with Phone(user="8001", timers=FAST) as b:
        async with Phone(b.address, "1", timers=FAST) as a:
            talking, ringing = await a.dial("8001"), await a.dial("8001")
            one, two = await b.incoming(PATIENCE), await b.incoming(PATIENCE)
            await one.answer()
            await two.ring()
            await ringing.ringing(PATIENCE)
            await talking.answered(PATIENCE)
        assert (await one.ended(PATIENCE)).reason == "hung-up"
        assert (await two.ended(PATIENCE)).reason == "cancelled"
        assert talking.end and ringing.end


async def test_leaving_by_an_error_closes_all_and_keeps_the_error() -> None:
    with pytest.raises(ZeroDivisionError):
        async with pair() as (a, b):
            await connect(a, b)
            raise ZeroDivisionError


async def test_a_failing_policy_refuses_the_call_and_is_raised_at_the_end() -> None:
    async def broken(call: IncomingCall) -> None:
        raise ZeroDivisionError

    with pytest.raises(ExceptionGroup) as failed:
        async with Phone(user="8001", on_call=broken) as b, Phone(b.address, "1") as a:
            assert (await (await a.dial("8001")).ended(PATIENCE)).status == 500
    assert failed.group_contains(ZeroDivisionError)


async def test_a_hang_up_while_the_policy_waits_is_no_error() -> None:
    async def patient(call: IncomingCall) -> None:
        await call.answer()
        await call.wait_for_audio(timeout=PATIENCE)

    async with Phone(user="8001", on_call=patient) as b, Phone(b.address, "1") as a:
        call = await a.dial("8001")
        await call.answered(PATIENCE)
        await call.hang_up()


async def test_listening_ends_after_speech_and_silence_and_not_before() -> None:
    async with pair() as (a, b):
        call, other = await connect(a, b)
        mark = other.heard_samples
        waits = asyncio.create_task(other.listen(mark, quiet=0.3, timeout=PATIENCE))
        loud, pause = np.full(2000, 9000, np.int16), np.zeros(1200, np.int16)
        loud[::2] *= -1
        await call.play(np.concatenate([loud, pause, loud]))
        end = await waits
        heard = other.heard(mark)
        assert abs(int(np.flatnonzero(np.abs(heard) > 1000)[-1]) + mark - end) <= 160
        assert np.count_nonzero(np.abs(heard) > 1000) == 4000
        with pytest.raises(TimeoutError):
            await other.listen(timeout=0.2)


async def test_options_info_and_unknown_requests_get_their_answers() -> None:
    async with pair() as (a, b):
        call, _ = await connect(a, b)
        for method, status in (("INFO", 200), ("OPTIONS", 200), ("UPDATE", 405)):
            assert (await a.ask(call._dialog, method)).status == status
        stranger = a._dialog(f"sip:8001@127.0.0.1:{b.address[1]}", "<sip:x@h>")
        assert "INVITE" in (await a.ask(stranger, "OPTIONS")).headers["Allow"]
        stranger.remote_tag = "unknown"
        assert (await a.ask(stranger, "BYE")).status == 481


async def test_garbage_on_the_sip_port_is_counted_and_survived() -> None:
    async with pair() as (a, b):
        for data in (b"\xff" * 50, b"INVITE x SIP/2.0\r\n\r\n", b"\r\n\r\n"):
            a.endpoint._socket.send(data, b.address)
        await connect(a, b)
        assert b.endpoint.malformed == 2 and not b.tasks.errors


async def test_bad_numbers_and_headers_are_refused_before_anything_is_sent() -> None:
    async with pair() as (a, _):
        for number, headers in (("1 2", {}), ("sip:a@b>", {}), ("1", {"X": "a\r\nb"})):
            with pytest.raises(SipError):
                await a.dial(number, headers)
        assert a.calls == ()
