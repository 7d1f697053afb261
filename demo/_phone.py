"""A small SIP phone: registers, dials, is called."""

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping
from types import TracebackType
from typing import Self

from ._audio import CallEnded
from ._call import Call
from ._endpoint import Endpoint
from ._incoming import IncomingCall
from ._outgoing import OutgoingCall
from ._refer import Referral, is_report, report_of
from ._sip import (
    METHODS,
    AckReceived,
    Address,
    Dialog,
    NoAck,
    Request,
    RequestReceived,
    Response,
    SipError,
    Timers,
    digest,
    params,
    quote,
    respond,
    token,
    uri_of,
)
from ._tasks import Tasks

_GOODBYE = 1.5
"""Seconds that leaving a phone may spend on hanging up and unregistering."""
_RETRY = (1.0, 15.0)
_TARGET = re.compile(r"[0-9A-Za-z*#+._-]{1,64}")

OnCall = Callable[[IncomingCall], Awaitable[None]]


class RegistrationFailed(SipError):  # noqa: N818 - reads as what happened
    """The server did not take the registration; `status` is its answer."""

    def __init__(self, status: int) -> None:
        super().__init__(f"registration was refused with {status}: check the user name, password and server")
        self.status = status


class Phone:
    """One SIP user on one UDP port. An async context manager: nothing is left when it closes.

    Args:
        server: (host, port) of the registrar and of everything dialled by number.
        user: User name; the number that others see.
        password: For digest login; empty for none.
        local_ip: Address to bind (any of 127.0.0.0/8 works on loopback).
        display_name: Name beside the number, any language.
        on_call: Called in a task of its own for each incoming call; without it `incoming` hands them out.
        timers: SIP timer bases; tests shorten them.
        lose: For tests: a datagram for which it is true is lost instead of sent.
        local_port: UDP port to bind (a phone that is called without registering); 0: a free one.

    Attributes:
        registered: True while the server knows this phone.

    Raises:
        ExceptionGroup: On leaving, when a task or callback of the phone had failed.
    """

    def __init__(
        self,
        server: tuple[str, int] = ("127.0.0.1", 5060),
        user: str = "8001",
        password: str = "",
        local_ip: str = "127.0.0.1",
        display_name: str | None = None,
        *,
        on_call: OnCall | None = None,
        timers: Timers | None = None,
        lose: Callable[[bytes], bool] | None = None,
        local_port: int = 0,
    ) -> None:
        if not _TARGET.fullmatch(user):
            raise SipError("a phone's user name is 1 to 64 letters, digits or *#+._-")
        self.server: Address = server
        self.user = user
        self.local_ip = local_ip
        self.on_call = on_call
        self.registered = False
        self.tasks = Tasks()
        self.endpoint: Endpoint
        self._password = password
        self._display_name = display_name
        self._timers = timers or Timers()
        self._lose = lose
        self._local_port = local_port
        self._calls: dict[tuple[str, str], Call] = {}
        self._referrals: dict[tuple[str, str], dict[int, Referral]] = {}
        self._queue: asyncio.Queue[IncomingCall] = asyncio.Queue()
        self._registration: Dialog | None = None
        self._refresher: asyncio.Task[None] | None = None

    # -- life --------------------------------------------------------------------------------------

    async def __aenter__(self) -> Self:
        found = await asyncio.get_running_loop().getaddrinfo(self.server[0], self.server[1], family=2)
        self.server = (str(found[0][4][0]), self.server[1])
        self.endpoint = Endpoint(self.local_ip, self, self._timers, self._lose, self._local_port)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            await self.tasks.close(spare_partings=True)
            try:
                async with asyncio.timeout(_GOODBYE):
                    await asyncio.gather(*(call.hang_up() for call in self.calls))
                    await self.tasks.partings()
                    if self.registered:
                        await self.unregister()
            except (TimeoutError, SipError):
                pass  # the other side is gone: leaving must not depend on it
        finally:
            await self.tasks.close()
            for call in self.calls:
                call.finish("failed", "local", 408)
            self.endpoint.close()
        if self.tasks.errors and error is None:
            raise ExceptionGroup("a demo phone's tasks failed", self.tasks.errors)

    @property
    def address(self) -> Address:
        """(ip, port) at which this phone can be called."""
        return self.endpoint.address

    @property
    def calls(self) -> tuple[Call, ...]:
        """Calls that are not over."""
        return tuple(self._calls.values())

    @property
    def contact(self) -> tuple[str, str]:
        """The Contact header."""
        ip, port = self.address
        return "Contact", f"<sip:{self.user}@{ip}:{port}>"

    @property
    def _identity(self) -> str:
        name = f"{quote(self._display_name)} " if self._display_name else ""
        return f"{name}<sip:{self.user}@{self.server[0]}>"

    # -- registration ------------------------------------------------------------------------------

    async def register(self, expires: int = 120) -> None:
        """Register for `expires` seconds and keep that up until `unregister` or the end.

        Raises:
            RegistrationFailed: The server refused.
            SipError: Nobody answered.
        """
        self._stop_refresh()
        granted = await self._register(expires)
        self._refresher = self.tasks.spawn(self._refresh(expires, granted), "demo: registration")

    async def unregister(self) -> None:
        """Take the registration back; does nothing without one. Errors as `register`."""
        self._stop_refresh()
        if self.registered:
            self.registered = False
            await self._register(0)

    def _stop_refresh(self) -> None:
        if self._refresher is not None:
            self._refresher.cancel()
            self._refresher = None

    async def _register(self, expires: int) -> float:
        """One registration; returns the seconds that the server granted."""
        if self._registration is None:
            self._registration = self._dialog(f"sip:{self.server[0]}:{self.server[1]}", self._identity)
        fields = [self.contact, ("Expires", str(expires)), ("Allow", METHODS)]
        response = await self.ask(self._registration, "REGISTER", fields)
        if response.status >= 300:
            raise RegistrationFailed(response.status)
        self.registered = expires > 0
        mine = uri_of(self.contact[1])
        for contact in response.headers.all("Contact"):
            seconds = params(contact).get("expires", "")
            if uri_of(contact) == mine and seconds.isascii() and seconds.isdigit() and len(seconds) < 8:
                return float(seconds)
        seconds = response.headers.get("Expires", "") or ""
        return float(seconds) if seconds.isascii() and seconds.isdigit() and len(seconds) < 8 else expires

    async def _refresh(self, expires: int, granted: float) -> None:
        wait, retry = max(granted * 0.75, 0.5), _RETRY[0]
        while True:
            await asyncio.sleep(wait)
            try:
                wait, retry = max(await self._register(expires) * 0.75, 0.5), _RETRY[0]
            except SipError:  # a restarted switch forgets us: try until it is back
                self.registered = False
                wait, retry = retry, min(retry * 2, _RETRY[1])

    # -- calls -------------------------------------------------------------------------------------

    async def dial(self, number: str, headers: Mapping[str, str] | None = None) -> OutgoingCall:
        """Call a number at the server, or a `sip:` URI; returns when the INVITE has been sent.

        Args:
            number: "12345" or "sip:8002@127.0.0.1:5070".
            headers: Further headers of the INVITE.

        Raises:
            SipError: The number or a header cannot be sent.
        """
        number = self.uri(number)
        call = OutgoingCall(self, self._dialog(number, f"<{number}>"), dict(headers or {}))
        call.place()
        self._calls[call.id] = call
        return call

    def uri(self, number: str) -> str:
        """The URI of a number at the server; a `sip:` URI is one already. Raises SipError."""
        if number.startswith("sip:"):
            return number
        if not _TARGET.fullmatch(number):
            raise SipError("a number to dial is 1 to 64 letters, digits or *#+._-")
        return f"sip:{number.replace('#', '%23')}@{self.server[0]}:{self.server[1]}"

    async def incoming(self, timeout: float = 30.0) -> IncomingCall:
        """The next incoming call (only without `on_call`). Raises TimeoutError."""
        async with asyncio.timeout(timeout):
            return await self._queue.get()

    def _dialog(self, target: str, remote: str) -> Dialog:
        dialog = Dialog(
            call_id=f"{token()}@{self.local_ip}",
            local=self._identity,
            remote=remote,
            local_tag=token(),
            remote_tag="",
            target=target,
            where=self.server,
        )
        dialog.retarget()
        return dialog

    def forget(self, call: Call) -> None:
        """The call is over."""
        self._calls.pop(call.id, None)

    def follow(self, dialog: Dialog, cseq: int, referral: Referral) -> None:
        """Hand the NOTIFYs about the REFER `cseq` of this dialog to `referral`, also after the call's end."""
        self._referrals.setdefault((dialog.call_id, dialog.local_tag), {})[cseq] = referral

    def credentials(self, response: Response, request: Request) -> tuple[str, str] | None:
        """The header that answers a 401 or 407, None without a password or a challenge we know."""
        if not self._password:
            return None
        try:
            asked = digest.challenge(response)
        except SipError:
            return None
        return digest.authorization(
            asked,
            user=self.user,
            password=self._password,
            method=request.method,
            uri=request.uri,
            cnonce=token(),
        )

    async def ask(self, dialog: Dialog, method: str, headers: list[tuple[str, str]] | None = None) -> Response:
        """Send a request within a dialog, logging in when asked to; returns its final response.

        Raises:
            SipError: Nobody answered.
        """
        login: list[tuple[str, str]] = []
        for attempt in range(3):
            request = dialog.request(method, self.address, headers=[*(headers or []), *login])
            response = await self.endpoint.ask(request, dialog.where)
            if response.status not in {401, 407}:
                return response
            header = self.credentials(response, request)
            if header is None or (attempt and not digest.challenge(response).stale):
                return response
            login = [header]
        return response

    # -- what comes in (called by the endpoint) ----------------------------------------------------

    def on_request(self, event: RequestReceived) -> None:
        """Answer a request, or hand it to its call."""
        request = event.request
        call = self._calls.get((request.call_id, request.to_tag))
        match request.method:
            case "CANCEL":
                self._on_cancel(event)
            case "INVITE" if not request.to_tag:
                self._on_invite(event)
            case "NOTIFY" if is_report(request) and (known := self._referrals.get((request.call_id, request.to_tag))):
                self._reply(event, 200)
                known.get(report_of(request) or 0, next(reversed(known.values()))).on_notify(request)
            case "OPTIONS" | "INFO" | "NOTIFY" | "MESSAGE" if call is not None or not request.to_tag:
                fields = [self.contact, ("Allow", METHODS), ("Accept", "application/sdp")]
                self._reply(event, 200, fields if request.method == "OPTIONS" else [])
            case "BYE" | "INVITE" if call is not None:
                if not call.in_order(request):
                    self._reply(event, 500)
                elif request.method == "INVITE":
                    call.on_reinvite(event.key, request, event.source)
                else:
                    self._reply(event, 200)
                    call.on_bye(request)
            case "BYE" | "INVITE" | "OPTIONS" | "INFO" | "NOTIFY" | "MESSAGE":
                self._reply(event, 481)
            case _:
                self._reply(event, 405, [("Allow", METHODS)])

    def _reply(self, event: RequestReceived, status: int, headers: list[tuple[str, str]] | None = None) -> None:
        response = respond(event.request, status, tag=token(), source=event.source, headers=headers or [])
        self.endpoint.respond(event.key, response)

    def _on_invite(self, event: RequestReceived) -> None:
        request = event.request
        if request.headers.get("Require"):
            unsupported = request.headers["Require"]
            self._reply(event, 420, [("Unsupported", unsupported)])
            return
        try:
            call = IncomingCall(self, Dialog.of_invite(request, event.source), request, event.key)
        except SipError:
            self._reply(event, 488)
            return
        self._calls[call.id] = call
        self._reply(event, 100)
        if self.on_call is None:
            self._queue.put_nowait(call)
        else:
            self.tasks.spawn(self._serve(self.on_call, call), "demo: incoming call")

    async def _serve(self, on_call: OnCall, call: IncomingCall) -> None:
        try:
            await on_call(call)
        except CallEnded:
            return  # the other side hung up: not an error
        except Exception:
            if call.state != "answered" and call.end is None:
                await call.reject(500)
            else:
                await call.hang_up()
            raise

    def _on_cancel(self, event: RequestReceived) -> None:
        self._reply(event, 481 if event.invite is None else 200)
        for call in self.calls:
            if isinstance(call, IncomingCall) and call.invite_key == event.invite:
                call.on_cancel(event.request.headers)

    def on_ack(self, event: AckReceived) -> None:
        """An ACK for a final answer of ours."""
        call = self._calls.get((event.request.call_id, event.request.to_tag))
        if call is not None:
            call.on_ack(event.request)

    def on_no_ack(self, event: NoAck) -> None:
        """A final answer of ours was never acknowledged."""
        for call in self.calls:
            if call.answered_by(event.key):
                call.on_no_ack()

    def on_error(self, error: Exception) -> None:
        """Something failed in a callback: it is raised when the phone closes."""
        self.tasks.fail(error)
