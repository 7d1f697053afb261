"""What calls of both directions share: state, waiting, changes of the media, and the end."""

import asyncio
import re
import secrets
import time
from typing import Protocol

from ._audio import Audio, CallEnded, Ended
from ._endpoint import Endpoint
from ._refer import Referral, replacing, send
from ._rtp import RtpSession
from ._sip import (
    METHODS,
    Address,
    Dialog,
    Headers,
    Key,
    Request,
    Response,
    SipError,
    respond,
    sdp,
)
from ._tasks import Tasks

# Which word stands for a refusal; every other status is "failed".
REASONS = {
    486: "busy", 600: "busy", 403: "refused", 603: "refused", 408: "no-answer", 480: "no-answer",
    487: "cancelled",
}  # fmt: skip


class Owner(Protocol):
    """What a call needs of its phone."""

    endpoint: Endpoint
    tasks: Tasks
    local_ip: str

    @property
    def contact(self) -> tuple[str, str]:
        """The Contact header."""

    def credentials(self, response: Response, request: Request) -> tuple[str, str] | None:
        """The header that answers a 401 or 407, None without a password or a challenge we know."""

    async def ask(self, dialog: Dialog, method: str, headers: list[tuple[str, str]] | None = None) -> Response:
        """Send a request within a dialog; its final response."""

    def follow(self, dialog: Dialog, cseq: int, referral: Referral) -> None:
        """Hand the NOTIFYs about the REFER with number `cseq` of this dialog to `referral`."""

    def uri(self, number: str) -> str:
        """The URI of a number at the server. Raises SipError."""

    def forget(self, call: "Call") -> None:
        """The call is over."""


def cause_of(headers: Headers | None) -> int | None:
    """The Q.850 cause of a Reason header (RFC 3326), None without one."""
    for value in headers.all("Reason") if headers else ():
        match = re.search(r"Q\.850\s*;[^,]*cause\s*=\s*([0-9]{1,3})", value, re.IGNORECASE)
        if match:
            return int(match[1])
    return None


class Call(Audio):
    """A call in either direction.

    Attributes:
        invite_sent: Unix seconds of the first INVITE of an outgoing call.
        invite_received_at: Unix seconds of the INVITE of an incoming call.
        ringing_at: When 180 or 183 came (outgoing) or went (incoming).
        answered_at: When the 200 came or went.
        ended_at: When it was over.
        held: True while the other side has put us on hold.
        holding: True while we have put the other side on hold.
    """

    outgoing: bool

    def __init__(self, owner: Owner, dialog: Dialog) -> None:
        super().__init__()
        self._owner = owner
        self._dialog = dialog
        self._session = secrets.randbits(31)
        self._version = 0
        self._changing = False
        self._answers: set[Key] = set()
        self._reinvited: Request | None = None
        self.invite_sent: float | None = None
        self.invite_received_at: float | None = None
        self.ringing_at: float | None = None
        self.answered_at: float | None = None
        self.ended_at: float | None = None
        self.held = False
        self.holding = False
        self._ringing = asyncio.Event()
        self._answered = asyncio.Event()
        self._over = asyncio.Event()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.state}>"

    # -- what is known -----------------------------------------------------------------------------

    @property
    def state(self) -> str:
        """One of "calling", "ringing", "answered", "ended"."""
        if self._end is not None:
            return "ended"
        if self.answered_at is not None:
            return "answered"
        return "calling" if self.ringing_at is None else "ringing"

    @property
    def end(self) -> Ended | None:
        """How it ended, None while it lives."""
        return self._end

    @property
    def id(self) -> tuple[str, str]:
        """(Call-ID, our tag): unique within a phone."""
        return self._dialog.call_id, self._dialog.local_tag

    @property
    def headers(self) -> Headers:
        """The peer's headers: of the INVITE (incoming) or of its latest response (outgoing)."""
        raise NotImplementedError

    @property
    def remote_media(self) -> Address | None:
        """(ip, port) to which our audio goes now."""
        return self._rtp.remote if self._rtp else None

    # -- waiting -----------------------------------------------------------------------------------

    async def ringing(self, timeout: float = 10.0) -> None:
        """Wait until it rings or is answered. Raises TimeoutError or CallEnded."""
        await self._wait(self._ringing, timeout)
        if self.ringing_at is None and self.answered_at is None:
            self._alive()

    async def answered(self, timeout: float = 30.0) -> None:
        """Wait until it is answered. Raises TimeoutError (it rings on) or CallEnded."""
        await self._wait(self._answered, timeout)
        if self.answered_at is None:
            self._alive()

    async def ended(self, timeout: float | None = None) -> Ended:
        """Wait until it is over and say how. Raises TimeoutError."""
        await self._wait(self._over, timeout)
        assert self._end is not None
        return self._end

    @staticmethod
    async def _wait(event: asyncio.Event, timeout: float | None) -> None:
        async with asyncio.timeout(timeout):
            await event.wait()

    # -- media -------------------------------------------------------------------------------------

    def _open_media(self) -> None:
        self._rtp = RtpSession(self._owner.local_ip, self._owner.tasks.fail)
        self._rtp.receiver.dtmf = sdp.DTMF

    def _own_offer(self) -> bytes:
        self._version += 1
        direction = "sendonly" if self.holding else "sendrecv"
        return sdp.offer(self._media().address, session=self._session, version=self._version, direction=direction)

    def _own_answer(self, asked: sdp.Sdp) -> bytes:
        self._version += 1
        self._media().receiver.dtmf = asked.dtmf  # an answer repeats the offer's number
        return sdp.answer(asked, self._media().address, session=self._session, version=self._version, hold=self.holding)

    def _use(self, asked: sdp.Sdp) -> None:
        """Send as the other side's SDP says from now on."""
        media = self._media()
        media.remote, media.sending = asked.address, asked.we_may_send
        media.sender.codec, media.sender.dtmf = asked.codec, asked.dtmf
        self.held = not asked.we_may_send and not self.holding

    def _talk(self) -> None:
        self.answered_at = time.time()
        self._ringing.set()
        self._answered.set()
        media = self._media()
        if media.remote is not None:
            media.start()

    # -- changes -----------------------------------------------------------------------------------

    async def hold(self) -> None:
        """Put the other side on hold by a re-INVITE (sendonly). Raises SipError or CallEnded."""
        await self._change(holding=True)

    async def resume(self) -> None:
        """End our hold. Raises SipError or CallEnded."""
        await self._change(holding=False)

    async def _change(self, *, holding: bool) -> None:
        self._alive()
        if self.answered_at is None or self._changing:
            raise SipError("hold or resume: answer first, and one change at a time")
        before, self.holding, self._changing = self.holding, holding, True
        try:
            response = await self._reinvite(())
            if response.status in {401, 407} and self._reinvited is not None:
                header = self._owner.credentials(response, self._reinvited)
                response = await self._reinvite((header,)) if header else response
            if response.status < 300:
                self._use(sdp.parse(response.body))
        except BaseException:
            self.holding = before
            raise
        finally:
            self._changing = False
        if response.status >= 300:
            self.holding = before
            raise SipError(f"the other side refused the change of the call: {response.status}")

    async def _reinvite(self, headers: tuple[tuple[str, str], ...]) -> Response:
        done: asyncio.Future[Response | None] = asyncio.get_running_loop().create_future()
        endpoint = self._owner.endpoint
        fields = [self._owner.contact, ("Allow", METHODS), *headers]
        request = self._dialog.request("INVITE", endpoint.address, headers=fields, body=self._own_offer())

        def on_response(response: Response | None, _: Address) -> None:
            if response is not None and 200 <= response.status < 300:
                self._dialog.refresh(response.headers)
                ack = self._dialog.request("ACK", endpoint.address, cseq=request.cseq)
                endpoint.acknowledge(key, ack, self._dialog.where)
            if (response is None or response.status >= 200) and not done.done():
                done.set_result(response)

        self._reinvited = request
        key = endpoint.start(request, self._dialog.where, on_response)
        response = await done
        if response is not None:
            return response
        self.finish("failed", "local", 408)
        raise CallEnded(self._end or Ended("failed", "local", 408))

    def on_reinvite(self, key: Key, request: Request, source: Address) -> None:
        """The other side changes the call: hold, resume, or media that go elsewhere."""
        if self._changing:
            self.respond(key, request, 491)
            return
        if self.answered_at is None or self._rtp is None:
            self.respond(key, request, 500)
            return
        if not request.body:
            self._dialog.refresh(request.headers)
            self.respond(key, request, 200, self._own_offer())
            return
        try:
            asked = sdp.parse(request.body)
        except SipError:
            self.respond(key, request, 488)
            return
        self._dialog.refresh(request.headers)
        self._use(asked)
        self.respond(key, request, 200, self._own_answer(asked))
        self._rtp.start()

    # -- transfers ---------------------------------------------------------------------------------

    async def refer(self, number: str, timeout: float = 30.0) -> int:
        """Ask the other side to call `number` instead of us (blind transfer), wait, and leave when it was reached.

        Returns:
            The final status that the other side reports: 200 reached, 486 busy, 404 no such number, …

        Raises:
            ReferRefused: It does not do transfers for us.
            TimeoutError: No final report came.
            CallEnded: The call is over already.
        """
        return await self._transfer(number, timeout)

    async def refer_to(self, other: "Call", timeout: float = 30.0) -> int:
        """Join the other sides of this call and of `other`, and leave both (attended transfer; as `refer`)."""
        return await self._transfer(other, timeout)

    async def _transfer(self, target: "str | Call", timeout: float) -> int:
        status = await (await self.referral(target)).final(timeout)
        if status < 300:  # who transfers hangs up (RFC 5589 §6.1); a switch waits for it
            await self.hang_up()
            if isinstance(target, Call):
                await target.hang_up()
        return status

    async def referral(self, target: "str | Call") -> Referral:
        """Begin a transfer to a number or a call of ours; returns when the other side has taken the order.

        The call goes on: hang up when the referral's final status is a good one.
        """
        self._talking()
        if isinstance(target, Call):
            target._talking()
            return await send(self._owner, self._dialog, replacing(target._dialog))
        return await send(self._owner, self._dialog, f"<{self._owner.uri(target)}>")

    def _talking(self) -> None:
        self._alive()
        if self.answered_at is None:
            raise RuntimeError("transfer: answer the call first")

    def on_ack(self, ack: Request) -> None:
        """Our answer to an INVITE was acknowledged; it may carry the answer to an offer of ours."""
        if ack.body and self._rtp is not None and self._end is None:
            try:
                self._use(sdp.parse(ack.body))
            except SipError:
                self._owner.tasks.spawn(self.hang_up(), "demo: hang up")
                return
            self._rtp.start()

    def on_bye(self, bye: Request) -> None:
        """The other side hung up (the phone has answered the BYE)."""
        self.finish("hung-up", "remote", None, bye.headers)

    def answered_by(self, key: Key) -> bool:
        """True when the transaction `key` is an INVITE of this call that we have answered."""
        return key in self._answers

    def on_no_ack(self) -> None:
        """Our 200 was never acknowledged: the other side is gone (RFC 3261 §13.3.1.4)."""
        if self._end is None and self.answered_at is not None:
            self._owner.tasks.spawn(self._bye(), "demo: BYE", parting=True)
            self.finish("failed", "local", 408)

    def respond(self, key: Key, request: Request, status: int, body: bytes = b"") -> None:
        """Answer a request of this dialog."""
        headers = [self._owner.contact, ("Allow", METHODS)] if status < 300 else []
        if 200 <= status < 300:
            self._answers.add(key)
        self._owner.endpoint.respond(
            key, respond(request, status, tag=self._dialog.local_tag, headers=headers, body=body)
        )

    def in_order(self, request: Request) -> bool:
        """False for a request older than one we have had (RFC 3261 §12.2.2)."""
        if request.cseq < self._dialog.remote_cseq:
            return False
        self._dialog.remote_cseq = request.cseq
        return True

    # -- the end -----------------------------------------------------------------------------------

    async def hang_up(self) -> None:
        """End it: BYE when answered, CANCEL of an outgoing call, 603 to an incoming one.

        Returns when the other side has confirmed; does nothing when it is over.
        """
        if self._end is not None:
            return
        if self.answered_at is None:
            await self._withdraw()
            return
        bye = self._owner.tasks.spawn(self._bye(), "demo: BYE", parting=True)
        self.finish("hung-up", "local")
        await asyncio.shield(bye)

    async def _withdraw(self) -> None:
        raise NotImplementedError

    async def _bye(self) -> None:
        try:
            await self._owner.ask(self._dialog, "BYE")
        except SipError:
            return  # nobody there any more: as good as hung up

    def finish(self, reason: str, by: str, status: int | None = None, headers: Headers | None = None) -> None:
        """Note the end, once, and free everyone who waits."""
        if self._end is not None:
            return
        self._end = Ended(reason, by, status, cause_of(headers))
        self.ended_at = time.time()
        if self._rtp is not None:
            self._rtp.close()
        self._owner.forget(self)
        for event in (self._ringing, self._answered, self._over):
            event.set()


__all__ = ["REASONS", "Call", "CallEnded", "Ended", "Owner"]
