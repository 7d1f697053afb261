"""A call that rings at this phone."""

import asyncio
import time

from ._call import REASONS, Call, Owner
from ._sip import Dialog, Headers, Key, Request, SipError, sdp, user_of


class IncomingCall(Call):
    """Handed out by `Phone.incoming` and `Phone.on_call`. Left alone it stays at 100 Trying.

    Raises:
        SipError: The INVITE's offer has nothing that this phone can do (when made by the phone).
    """

    outgoing = False

    def __init__(self, owner: Owner, dialog: Dialog, invite: Request, key: Key) -> None:
        super().__init__(owner, dialog)
        self._invite = invite
        self._key = key
        self._offer = sdp.parse(invite.body) if invite.body else None
        self._early: bytes | None = None
        self._acked = asyncio.Event()
        self.invite_received_at = time.time()

    @property
    def headers(self) -> Headers:
        """The headers of the INVITE."""
        return self._invite.headers

    @property
    def caller(self) -> str:
        """User part of From: the caller's number as the switch shows it."""
        return user_of(self._invite.headers["From"])

    @property
    def invite_key(self) -> Key:
        """The INVITE's transaction, by which a CANCEL finds this call."""
        return self._key

    async def ring(self) -> None:
        """Say 180 Ringing. Raises CallEnded, or RuntimeError once answered."""
        self._open_only("ring")
        self.respond(self._key, self._invite, 180)
        self.ringing_at = self.ringing_at or time.time()
        self._ringing.set()

    async def progress(self) -> None:
        """Say 183 with audio before the answer (early media): what we play from now on is heard already.

        Raises CallEnded, RuntimeError once answered, or SipError when the INVITE made no offer.
        """
        self._open_only("progress")
        if self._offer is None:
            raise SipError("early audio needs an offer in the INVITE")
        if self._early is None:
            self._early = self._open(self._offer)
        self.respond(self._key, self._invite, 183, self._early)
        self.ringing_at = self.ringing_at or time.time()
        self._ringing.set()
        self._media().start()

    def _open(self, offer: sdp.Sdp) -> bytes:
        self._open_media()
        self._use(offer)
        return self._own_answer(offer)

    async def answer(self) -> None:
        """Answer, start the audio and wait for the ACK. Raises CallEnded, or RuntimeError once answered."""
        self._open_only("answer")
        if self._early is not None:
            body = self._early  # an offer has one answer: the same again (RFC 3261 §13.2.1)
        elif self._offer is None:  # the offer is ours then, and their answer comes with the ACK
            self._open_media()
            body = self._own_offer()
        else:
            body = self._open(self._offer)
        self.respond(self._key, self._invite, 200, body)
        self._talk()
        await self._acked.wait()
        self._alive()

    async def reject(self, status: int = 486) -> None:
        """Refuse with a SIP status 300..699. Raises CallEnded, or RuntimeError once answered."""
        self._open_only("reject")
        if not 300 <= status <= 699:
            raise ValueError("a call is refused with a status from 300 to 699")
        self.respond(self._key, self._invite, status)
        self.finish(REASONS.get(status, "failed"), "local", status)

    def on_cancel(self, headers: Headers) -> None:
        """The caller gave up (the phone has answered the CANCEL itself)."""
        if self._end is None and self.answered_at is None:
            self.respond(self._key, self._invite, 487)
            self.finish("cancelled", "remote", 487, headers)

    def on_bye(self, bye: Request) -> None:
        """As in `Call`; a BYE before the answer leaves an INVITE to be closed (RFC 3261 §15.1.2)."""
        if self.answered_at is None:
            self.respond(self._key, self._invite, 487)
        super().on_bye(bye)

    def on_ack(self, ack: Request) -> None:
        """As in `Call`; the first one ends the wait of `answer`."""
        super().on_ack(ack)
        self._acked.set()

    def finish(self, reason: str, by: str, status: int | None = None, headers: Headers | None = None) -> None:
        """As in `Call`."""
        super().finish(reason, by, status, headers)
        self._acked.set()

    async def _withdraw(self) -> None:
        await self.reject(603)

    def _open_only(self, what: str) -> None:
        self._alive()
        if self.answered_at is not None:
            raise RuntimeError(f"{what}: the call is answered already")


__all__ = ["IncomingCall", "SipError"]
