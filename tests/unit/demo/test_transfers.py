"""REFER, early media and several calls at once, phone to phone over real UDP sockets on loopback."""

import asyncio
from collections.abc import Sequence
from urllib.parse import unquote

import pytest

from demo import CallEnded, Manner, Phone, ReferRefused, SipError, behave
from demo._sip import Dialog, RequestReceived

from .test_calls import FAST, PATIENCE, connect, pair


class Switch(Phone):
    """A phone that takes REFERs as a switch does: 202, then NOTIFYs with `reports`. It asks for no login."""

    def __init__(self, *, reports: Sequence[bytes] = (), takes: int = 202, bye: bool = False) -> None:
        super().__init__(user="8001", timers=FAST)
        self.reports, self.takes, self.bye = reports, takes, bye
        self.refer_to: list[str] = []
        self.numbered = True
        self.challenges = 0

    def on_request(self, event: RequestReceived) -> None:
        if event.request.method != "REFER":
            super().on_request(event)
            return
        if self.challenges:
            self.challenges -= 1
            self._reply(event, 401, [("WWW-Authenticate", f'Digest realm="x", nonce="{self.challenges}", stale=true')])
            return
        self.refer_to.append(event.request.headers["Refer-To"])
        self._reply(event, self.takes)
        call = self._calls[event.request.call_id, event.request.to_tag]
        if self.takes < 300:
            self.tasks.spawn(self._report(call._dialog, event.request.cseq), "test: reports", parting=True)
        if self.bye:
            self.tasks.spawn(call.hang_up(), "test: BYE", parting=True)

    async def _report(self, dialog: Dialog, refer: int) -> None:
        for number, body in enumerate(self.reports):
            last = number == len(self.reports) - 1
            fields = [
                self.contact,
                ("Event", f"refer;id={refer}" if self.numbered else "refer"),
                ("Subscription-State", "terminated;reason=noresource" if last else "active;expires=60"),
                ("Content-Type", "message/sipfrag;version=2.0"),
            ]
            request = dialog.request("NOTIFY", self.address, headers=fields, body=body)
            await self.endpoint.ask(request, dialog.where)


def phone_of(switch: Phone) -> Phone:
    return Phone(switch.address, "13900000000", timers=FAST)


@pytest.mark.parametrize("status", [200, 404, 486, 603])
async def test_a_blind_transfer_gives_the_status_that_the_switch_reports_last(status: int) -> None:
    reports = [b"SIP/2.0 100 Trying\r\n", b"SIP/2.0 180 Ringing\r\n", b"SIP/2.0 %d Whatever\r\n" % status]
    async with Switch(reports=reports) as switch, phone_of(switch) as phone:
        call, _ = await connect(phone, switch)
        referral = await call.referral("8002")
        assert await referral.final(PATIENCE) == status
        assert [one for _, one in referral.history] == [100, 180, status]
        times = [at for at, _ in referral.history]
        assert times == sorted(times)
        ip, port = switch.address
        assert switch.refer_to == [f"<sip:8002@{ip}:{port}>"]
        assert call.state == "answered", "left to the test"


async def test_reports_after_the_end_of_the_call_are_still_heard() -> None:
    async with Switch(reports=[b"SIP/2.0 100 Trying\r\n", b"SIP/2.0 200 OK\r\n"], bye=True) as switch:
        async with phone_of(switch) as phone:
            call, _ = await connect(phone, switch)
            assert await call.refer("8002", PATIENCE) == 200
            await call.ended(PATIENCE)


async def test_two_transfers_in_one_dialog_have_reports_of_their_own() -> None:
    async with Switch(reports=[b"SIP/2.0 486 Busy Here"]) as switch, phone_of(switch) as phone:
        call, _ = await connect(phone, switch)
        assert await call.refer("8002", PATIENCE) == 486
        switch.reports = [b"SIP/2.0 100 Trying", b"SIP/2.0 200 OK"]
        switch.reports, before = [b"SIP/2.0 503 Service Unavailable"], switch.reports
        switch.numbered = False  # an id is not needed where it is clear (RFC 3515 §2.4.6)
        assert await call.refer("8004", PATIENCE) == 503 and call.end is None
        switch.reports, switch.numbered = before, True
        assert await call.refer("8003", PATIENCE) == 200 and call.end


async def test_a_login_in_between_mixes_up_no_reports() -> None:
    """Each login gives the REFER a new number, and the reports are about that one."""
    async with Switch(reports=[b"SIP/2.0 100 Trying"] * 30 + [b"SIP/2.0 486 Busy Here"]) as switch:
        async with Phone(switch.address, "13900000000", "secret", timers=FAST) as phone:
            call, _ = await connect(phone, switch)
            switch.challenges = 1
            first = await call.referral("8002")
            switch.reports, switch.challenges = [b"SIP/2.0 200 OK"], 1
            second = await call.referral("8003")
            assert (await second.final(PATIENCE), await first.final(PATIENCE)) == (200, 486)
            assert len(first.history) == 31 and len(second.history) == 1


async def test_reports_that_end_without_a_status_are_an_error_and_junk_is_none() -> None:
    async with Switch(reports=[b"\x00\xff junk", b"SIP/2.0 999 x"]) as switch, phone_of(switch) as phone:
        call, _ = await connect(phone, switch)
        with pytest.raises(SipError, match="never said"):
            await call.refer("8002", PATIENCE)


async def test_an_attended_transfer_names_the_other_call_by_tags_as_the_switch_sees_them() -> None:
    async with Switch(reports=[b"SIP/2.0 200 OK"]) as switch, phone_of(switch) as phone:
        call, _ = await connect(phone, switch)
        other, at_switch = await connect(phone, switch)
        assert await call.refer_to(other, PATIENCE) == 200
        assert phone.calls == (), "who transfers hangs up"
        (text,) = switch.refer_to
        uri, _, replaces = unquote(text.strip("<>")).partition("?Replaces=")
        theirs = at_switch._dialog
        assert replaces == f"{theirs.call_id};to-tag={theirs.local_tag};from-tag={theirs.remote_tag}"
        assert uri == switch.contact[1].strip("<>")
        assert "@" not in text.partition("?")[2], "escaped: RFC 3261 §19.1.1"


async def test_a_refused_transfer_says_with_what_and_the_call_goes_on() -> None:
    async with Switch(takes=603) as switch, phone_of(switch) as phone:
        call, other = await connect(phone, switch)
        with pytest.raises(ReferRefused) as refused:
            await call.refer("8002")
        assert refused.value.status == 603
        other.tone(538.6)
        await call.wait_for_tone(538.6, PATIENCE)


async def test_a_call_that_is_not_answered_or_over_cannot_be_transferred() -> None:
    async with pair() as (a, b):
        call = await a.dial("8001")
        with pytest.raises(RuntimeError, match="answer"):
            await call.refer("8002")
        other = await b.incoming(PATIENCE)
        await other.answer()
        await call.answered(PATIENCE)
        with pytest.raises(ReferRefused, match="405"):
            await call.refer("8002")  # these phones take no orders
        await call.hang_up()
        with pytest.raises(CallEnded):
            await call.refer("8002")


async def test_one_phone_is_in_two_calls_and_each_has_its_own_audio() -> None:
    """Hold and consult at the phone itself: a talk on hold, a second one, back to the first."""
    async with pair() as (a, b):
        call, other = await connect(a, b)
        second = await b.dial("sip:13900000000@{}:{}".format(*a.address))
        third = await a.incoming(PATIENCE)
        await third.answer()
        await second.answered(PATIENCE)
        assert len(b.calls) == 2
        await other.hold()
        call.tone(538.6)
        third.tone(959.6)
        await second.wait_for_tone(959.6, PATIENCE)
        assert call.held and not third.held
        await second.hang_up()
        await third.ended(PATIENCE)
        await other.resume()
        await other.wait_for_tone(538.6, PATIENCE)


async def test_audio_before_the_answer_is_heard_and_goes_on_after_it() -> None:
    async with pair() as (a, b):
        call = await a.dial("8001", {"User-to-User": "00;encoding=hex", "X-Hotline-Case": "n1-7"})
        other = await b.incoming(PATIENCE)
        assert (other.headers["user-to-user"], other.headers["X-Hotline-Case"]) == ("00;encoding=hex", "n1-7")
        await other.progress()
        other.tone(538.6)
        await call.ringing(PATIENCE)
        assert call.status == 183
        await call.wait_for_tone(538.6, PATIENCE)
        assert call.state == "ringing"
        await other.progress()  # said again: nothing breaks
        await other.answer()
        await call.answered(PATIENCE)
        await call.wait_for_tone(538.6, PATIENCE)
        call.tone(959.6)
        await other.wait_for_tone(959.6, PATIENCE)


async def test_audio_before_the_answer_ends_with_a_refusal_or_a_cancel() -> None:
    async with pair() as (a, b):
        call = await a.dial("8001")
        other = await b.incoming(PATIENCE)
        await other.progress()
        await other.reject(486)
        assert (await call.ended(PATIENCE)).status == 486
        call = await a.dial("8001")
        other = await b.incoming(PATIENCE)
        await other.progress()
        await call.ringing(PATIENCE)
        await call.hang_up()
        assert (await other.ended(PATIENCE)).reason == "cancelled"
        assert other._rtp and other._rtp.closed


@pytest.mark.parametrize("status", [404, 480, 486, 503, 603])
async def test_a_manner_refuses_with_any_status(status: int) -> None:
    async with pair() as (a, b):
        call = await a.dial("8001")
        assert not await behave(await b.incoming(PATIENCE), Manner(refuses=status))
        assert (await call.ended(PATIENCE)).status == status
        assert call.ringing_at is not None


async def test_a_manner_rings_for_ever_answers_late_or_says_nothing() -> None:
    async with pair() as (a, b):
        call = await a.dial("8001")
        ringing = asyncio.create_task(behave(await b.incoming(PATIENCE), Manner(after=None)))
        await call.ringing(PATIENCE)
        with pytest.raises(TimeoutError):
            await call.answered(0.3)
        await call.hang_up()
        assert await ringing is False

        call = await a.dial("8001")
        other = await b.incoming(PATIENCE)
        assert await behave(other, Manner(after=0.3, tone=538.6))
        assert other.ringing_at and other.answered_at and other.answered_at - other.ringing_at >= 0.3
        await call.wait_for_tone(538.6, PATIENCE)

        call = await a.dial("8001")
        assert await behave(await b.incoming(PATIENCE), Manner(rings=False))
        assert call.ringing_at is None

        call = await a.dial("8001")
        late = asyncio.create_task(behave(await b.incoming(PATIENCE), Manner(after=0.5, early=538.6, tone=959.6)))
        assert await late
        await call.wait_for_tone(959.6, PATIENCE)
        assert call.tone_log([538.6]), "heard before the answer"
