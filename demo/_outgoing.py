"""A call that this phone dials."""

import time
from collections.abc import Mapping

from ._call import REASONS, Call, Owner
from ._sip import METHODS, Address, Dialog, Headers, Key, Request, Response, SipError, cancel_of, digest, sdp


class OutgoingCall(Call):
    """Made by `Phone.dial`: the INVITE has been sent."""

    outgoing = True

    def __init__(self, owner: Owner, dialog: Dialog, extra: Mapping[str, str]) -> None:
        super().__init__(owner, dialog)
        self._extra = extra
        self._invite: Request | None = None
        self._key: Key = ()
        self._last: Response | None = None
        self._logins = 0
        self._cancelling = False
        self._cancelled: Key | None = None

    @property
    def headers(self) -> Headers:
        """The headers of the latest response (of the 200 once answered)."""
        return self._last.headers if self._last else Headers()

    @property
    def status(self) -> int | None:
        """Status of the latest response to the INVITE."""
        return self._last.status if self._last else None

    def place(self) -> None:
        """Send the INVITE (the phone does this, once).

        Raises:
            SipError: A header that was asked for cannot be sent.
        """
        self._open_media()
        try:
            self._send_invite(())
        except SipError:
            self._media().close()
            raise
        self.invite_sent = time.time()

    def _send_invite(self, headers: tuple[tuple[str, str], ...]) -> None:
        endpoint = self._owner.endpoint
        fields = [self._owner.contact, ("Allow", METHODS), *headers]
        self._invite = self._dialog.request(
            "INVITE", endpoint.address, headers=fields, extra=self._extra, body=self._own_offer()
        )
        self._key = endpoint.start(self._invite, self._dialog.where, self._on_response)

    def _on_response(self, response: Response | None, source: Address) -> None:
        if response is None:
            self.finish("cancelled" if self._cancelling else "failed", "local", 408)
            return
        self._last = response
        if response.status < 200:
            self._on_provisional(response)
        elif response.status < 300:
            self._on_answer(response, source)
        elif not self._login(response):
            self._refused(response)

    def _refused(self, response: Response) -> None:
        if self._cancelling:
            self.finish("cancelled", "local", response.status, response.headers)
        else:
            reason = REASONS.get(response.status, "failed")
            self.finish(reason, "remote", response.status, response.headers)

    def _on_provisional(self, response: Response) -> None:
        if self._cancelling:  # RFC 3261 §9.1: a CANCEL may not go before the first provisional answer
            self._cancel()
        if response.status == 100:
            return
        if self.ringing_at is None:
            self.ringing_at = time.time()
            self._ringing.set()
        if response.body and self._end is None:
            try:
                self._use(sdp.parse(response.body))  # early media is heard; nothing is said yet
            except SipError:
                return  # the final answer decides

    def _on_answer(self, response: Response, source: Address) -> None:
        assert self._invite is not None
        endpoint = self._owner.endpoint
        self._dialog.established(response, source)
        ack = self._dialog.request("ACK", endpoint.address, cseq=self._invite.cseq)
        endpoint.acknowledge(self._key, ack, self._dialog.where)
        problem = None
        if self._cancelling or self._end is not None:  # the answer crossed our CANCEL
            problem = "cancelled", 200
        else:
            try:
                self._use(sdp.parse(response.body))
            except SipError:
                problem = "failed", 488
        if problem is None:
            self._talk()
            return
        self._owner.tasks.spawn(self._bye(), "demo: BYE", parting=True)
        self.finish(problem[0], "local", problem[1])

    def _login(self, response: Response) -> bool:
        """Answer a 401 or 407 by the same INVITE with credentials; false when that is of no use."""
        if response.status not in {401, 407} or self._cancelling or self._logins >= 3 or self._invite is None:
            return False
        try:
            if self._logins and not digest.challenge(response).stale:
                return False  # the password is wrong
        except SipError:
            return False
        header = self._owner.credentials(response, self._invite)
        if header is None:
            return False
        self._logins += 1
        self._send_invite((header,))
        return True

    def _cancel(self) -> None:
        """Send CANCEL, once for each INVITE."""
        if self._invite is None or self._cancelled == self._key:
            return
        self._cancelled = self._key
        endpoint = self._owner.endpoint
        endpoint.start(cancel_of(self._invite), self._dialog.where, lambda response, source: None)
        endpoint.give_up_on(self._key)

    async def _withdraw(self) -> None:
        self._cancelling = True
        if self._last is not None and self._last.status < 200:
            self._cancel()
        await self._over.wait()
