"""The heart's `Switch` on a real Asterisk: typed commands out as AMI actions, typed events in."""

from __future__ import annotations

import asyncio
import logging
import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from calls import commands as c
from calls import events as e
from calls.ports import Entry, Snapshot
from calls.reconcile import OUT as OUT_CALL

from ._diary import Diary
from ._link import ActionRefused, ActionTimeout, AmiLink, LinkDown
from ._switch_clock import ASK, SwitchClock
from ._translate import OUT, Message, channel_view, clean_seat, failed_caller, failed_leg, translate

log = logging.getLogger(__name__)

_HANGUP_COMES = 0.1
"""Seconds within which the Hangup of a failed leg arrives, if it ever had a channel."""
_GONE = ("UNAVAILABLE", "INVALID", "UNKNOWN")
_PHONE = re.compile(r"[A-Za-z0-9_-]{1,32}(@[A-Za-z0-9_-]{1,32})?")
_LINE = re.compile(r"[+*#0-9]{1,24}")
_OUTSIDE = re.compile(r"\+?[0-9]{3,24}")
_SEAT_CONTEXT = {
    "seat": "hotline-seat", "callback": "hotline-seat-out", "join": "hotline-join", "beside": "hotline-beside",
    "listen": "hotline-listen", "whisper": "hotline-whisper",
}  # fmt: skip
_PLACES = {
    "talk": ("hotline-join", "s"), "beside": ("hotline-beside", "s"), "quiet": ("hotline-side", "quiet"),
    "ring": ("hotline-side", "ring"), "music": ("hotline-side", "music"), "listen": ("hotline-listen", "s"),
    "whisper": ("hotline-whisper", "s"), "again": ("hotline-again", "s"),
}  # fmt: skip
"""Where a command moves a leg → (context, extension)."""
_ANEW = {False: (), True: ("HL_ANEW=1",)}
_HEADER = re.compile(r"[A-Za-z0-9-]{1,40}")
_VALUE = re.compile(r"[A-Za-z0-9 ._:;=/+@-]{1,400}")
_BORN = "HL_BORN"
_REFUSED: Message = {"Response": "Error", "Message": "not sent"}
NO_ROUTE = 3
"""Q.850: no route to destination."""
MAX_WORDS = 880
"""A value of the manager interface may have 900 bytes."""
_PROMPT = re.compile(r"[A-Za-z0-9/_-]{1,100}")


@dataclass(slots=True)
class SwitchCounters:
    """For the metrics."""

    failed_actions: int = 0
    refused_values: int = 0
    crossed: int = 0
    """Rings that were answered before they could be cancelled: those talks go on."""


class AsteriskSwitch:
    """See calls.ports.Switch. `deliver` takes translated events, in the order Asterisk sent them."""

    def __init__(
        self,
        link: AmiLink,
        deliver: Callable[[Sequence[e.Input]], None],
        clock: Callable[[], float] = time.time,
        out_trunk: str = "",
        asking: AmiLink | None = None,
        system: str = "",
    ) -> None:
        """See the class.

        Args:
            link: commands out, events in.
            deliver: takes the events.
            clock: unix seconds.
            out_trunk: the endpoint for calling out; empty: nobody is ever called outside (no toll fraud).
            asking: a session without events, for long lists: on the other one they would hold up the events.
            system: its system name, where there are several: its calls' ids begin with it.
        """
        self.system = system
        self.diary: Diary | None = None
        """Where it writes down what happens while nobody listens."""
        self.asking = asking
        self.link = link
        self.out_trunk = out_trunk
        self.counters = SwitchCounters()
        self._deliver = deliver
        self._clock = clock
        self._its = SwitchClock()

    @property
    def up(self) -> bool:
        """Logged in."""
        return self.link.up

    def owns(self, call: str) -> bool:
        """Whether a call or leg of this id is at this switch."""
        if not self.system:
            return True
        name = call.removeprefix("leg-").partition("~")[0]
        return name.endswith(f".{self.system}") if name.startswith(OUT_CALL) else name.startswith(f"{self.system}-")

    def reaches(self, call: str) -> bool:
        """Whether it has that call and can be told something."""
        return self.up and self.owns(call)

    # ------------------------------------------------------------------ in
    def on_messages(self, messages: Sequence[Message]) -> None:
        """The link's batch of events. Phones' registrations are looked at here, calls are translated."""
        events = translate(messages)
        for m in messages:
            kind = m.get("Event")
            if kind == "ContactStatus":
                self._contact(m, events)
            elif kind == "OriginateResponse":
                failed = failed_leg(m) or failed_caller(m)
                if failed is not None:
                    loop = asyncio.get_running_loop()
                    loop.call_later(_HANGUP_COMES, self._deliver, [failed])
        if events:
            self._deliver(events)

    def _contact(self, m: Message, events: list[e.Input]) -> None:
        seat = m.get("EndpointName") or m.get("AOR")
        # Its name goes into a question: only what can be a seat's is asked about.
        if not isinstance(seat, str) or not clean_seat(seat):
            return
        if m.get("ContactStatus") in ("Removed", "Unreachable"):
            # A phone that registers anew removes its old contact too: ask what is true now.
            self._ask_phone(seat)
        else:
            events.append(e.PhoneUp(seat))

    def _ask_phone(self, seat: str) -> None:
        def answered(reply: Message | None) -> None:
            if reply is not None and reply.get("Value") in _GONE:
                self._deliver([e.PhoneDown(seat)])

        self._send({"Action": "Getvar", "Variable": f"DEVICE_STATE(PJSIP/{seat})"}, answered)

    # ------------------------------------------------------------------ out
    def _send(self, fields: dict[str, str | list[str]], on_reply: Callable[[Message | None], None]) -> None:
        """`on_reply` gets None when there was no answer (link down, timeout)."""
        try:
            self.link.send_nowait(fields, on_reply)
        except ActionRefused:
            self.counters.refused_values += 1
            log.warning("an action was refused: a value cannot be sent", extra={"action": fields["Action"]})
            on_reply(_REFUSED)  # as the switch's own refusal: tried again, it would be refused again
        except LinkDown:
            on_reply(None)

    def _quiet(self, reply: Message | None) -> None:
        if reply is None or reply.get("Response") == "Error":
            # A caller or leg that has just gone: its Hangup event says so. Counted, nothing more.
            self.counters.failed_actions += 1

    def do(self, command: c.ToSwitch) -> None:
        """Carries a command out; see the port."""
        match command:
            case c.RingSeat():
                self._ring(command)
            case c.CancelLeg():
                if command.ringing:
                    self._cancel_ring(command.leg)
                else:
                    self._send({"Action": "Hangup", "Channel": command.leg, "Cause": "16"}, self._quiet)
            case c.HangUp():
                self._send({"Action": "Hangup", "Channel": command.call, "Cause": str(command.cause)}, self._quiet)
            case c.Play():
                self._play(command)
            case c.StopPlaying():
                fields: dict[str, str | list[str]] = {
                    "Action": "ControlPlayback", "Channel": command.channel, "Control": "stop",
                }  # fmt: skip
                self._send(fields, self._quiet)
            case c.RingLine():
                self._ring_line(command)
            case c.Move():
                if command.leg == command.call:
                    self._setvar("HL_QUEUED", "", command.call)
                self._beside(command.leg, command.beside)
                if command.anew:
                    self._setvar("HL_ANEW", "1", command.leg)
                self._redirect(command.leg, *_PLACES[command.to])
            case c.Hold():
                self._hold(command)
            case c.InQueue():
                # A Hold just before may still be on its way to its first step, which would undo the second alone.
                self._setvar("HL_QUEUED", "1", command.call)
                self._setvar("HL_PLACE", "wait", command.call)
            case c.Mute():
                self._setvar("MUTEAUDIO(in)", "on" if command.on else "off", command.leg)
            case c.Mark():
                self._setvar("TALK_DETECT(set)" if command.on else "TALK_DETECT(remove)", "", command.leg)
            case c.ToWaiting():
                if command.prompts:
                    self._words(command.call, command.prompts)
                self._redirect(command.call, "hotline-wait", "told" if command.prompts else "s")
            case c.Announce():
                self._words(command.call, command.prompts)
            case c.Farewell():
                self._words(command.call, command.prompts)
                self._redirect(command.call, "hotline-farewell")
            case c.DialCaller():
                self._dial_caller(command)
            case c.NoLimit():
                self._setvar("TIMEOUT(absolute)", "0", command.call)
            case c.ToVoicemail():
                for name, value in (("HL_SECONDS", f"{command.seconds:.0f}"), ("HL_LANGUAGE", command.language)):
                    self._setvar(name, value, command.channel)
                self._redirect(command.call, "hotline-voicemail")

    def _ring(self, command: c.RingSeat) -> None:
        name = re.sub(r'[^\w ·.\-]', "", command.name)[:40]
        number = command.number or "anonymous"
        phone = command.phone or command.seat
        if not _PHONE.fullmatch(phone) or command.role not in _SEAT_CONTEXT:
            self.counters.refused_values += 1
            self._deliver([e.LegLeft(command.call, command.leg, 20)])
            return
        fields: dict[str, str | list[str]] = {
            "Action": "Originate", "ActionID": command.leg, "Channel": f"PJSIP/{phone}",
            "Context": _SEAT_CONTEXT[command.role], "Exten": "s", "Priority": "1", "Async": "true",
            "Timeout": f"{(command.seconds + 5) * 1000:.0f}", "Codecs": "alaw,ulaw",
            "CallerID": f'"{name}" <{number}>' if name else f"<{number}>",
            "ChannelId": command.leg, "Variable": [
                f"HL_CALLER={command.channel}", f"HL_BESIDE={command.beside}", "TRANSFER_CONTEXT=hotline-refer",
                *_ANEW[command.anew],
            ],
        }  # fmt: skip
        self._originate(command.call, command.leg, fields)

    def _cancel_ring(self, leg: str) -> None:
        """Ends a leg unless it has been answered. Over a slow link the answer may be older than our order: so the leg
        is first forbidden to join (HL_OFF), then asked whether it was on its way already (HL_IN): whichever of the two
        the switch does first, the other one sees it."""

        def told(reply: Message | None) -> None:
            if reply is not None and reply.get("Response") != "Error" and reply.get("Value") == "1":
                self.counters.crossed += 1
                self._setvar("HL_OFF", "", leg)
            else:
                self._send({"Action": "Hangup", "Channel": leg, "Cause": "16"}, self._quiet)

        self._setvar("HL_OFF", "1", leg)
        self._send({"Action": "Getvar", "Channel": leg, "Variable": "HL_IN"}, told)

    def _originate(self, call: str, leg: str, fields: dict[str, str | list[str]]) -> None:
        def answered(reply: Message | None) -> None:
            if reply is not None and reply.get("Response") != "Error":
                return
            self.counters.failed_actions += 1
            # No answer: the leg may exist all the same. Ending it is idempotent; then it is over.
            self._send({"Action": "Hangup", "Channel": leg, "Cause": "16"}, lambda _: None)
            self._deliver([e.LegLeft(call, leg, e.NEVER_RUNG if reply is None else 20)])

        self._send(fields, answered)

    def _ring_line(self, command: c.RingLine) -> None:
        """Rings somebody outside, over a trunk of the directory."""
        role = _SEAT_CONTEXT.get(command.role) if command.role in ("join", "beside") else None
        if role is None or not _PHONE.fullmatch(command.trunk) or not _LINE.fullmatch(command.number):
            self.counters.refused_values += 1
            self._deliver([e.LegLeft(command.call, command.leg, 28)])
            return
        variables = [f"HL_CALLER={command.channel}", f"HL_BESIDE={command.beside}", *_ANEW[command.anew]]
        for name, value in command.headers:
            # Ours are hex and plain names: what the switch would take apart (a comma, a quote) is none of them.
            if _HEADER.fullmatch(name) and _VALUE.fullmatch(value):
                variables.append(f"PJSIP_HEADER(add,{name})={value}")
            else:
                self.counters.refused_values += 1
        if command.role == "join":
            # A seat that answers an older offer adds itself, should the line have been quicker.
            self._setvar("HL_OPEN", "1", command.call)
        fields: dict[str, str | list[str]] = {
            "Action": "Originate", "ActionID": command.leg, "Channel": f"PJSIP/{command.number}@{command.trunk}",
            "Context": role, "Exten": "s", "Priority": "1", "Async": "true",
            "Timeout": f"{command.seconds * 1000:.0f}", "Codecs": "alaw,ulaw",
            "CallerID": f"<{command.shown or 'anonymous'}>", "ChannelId": command.leg, "Variable": variables,
        }  # fmt: skip
        self._originate(command.call, command.leg, fields)

    def _beside(self, leg: str, beside: str) -> None:
        if beside:
            self._setvar("HL_BESIDE", beside, leg)

    def _hold(self, command: c.Hold) -> None:
        """Caller and leg leave their bridge at once: one action moves both, so that neither falls out of it alone."""
        self._beside(command.leg, command.beside)
        context, exten = _PLACES[command.to]
        # Of an older InQueue that found it in the music already.
        self._setvar("HL_QUEUED", "", command.call)
        if command.to == "again":
            self._setvar("HL_READY", "", command.call)
        place = "anew" if command.to == "again" else "hold"
        fields: dict[str, str | list[str]] = {
            "Action": "Redirect", "Channel": command.call, "Context": "hotline-wait", "Exten": place, "Priority": "1",
            "ExtraChannel": command.leg, "ExtraContext": context, "ExtraExten": exten, "ExtraPriority": "1",
        }  # fmt: skip
        self._send(fields, self._quiet)

    def _words(self, call: str, prompts: Sequence[str]) -> None:
        """What a waiting caller hears at the next turn of its loop; nothing: takes back what was not heard yet."""
        good = [p for p in prompts if _PROMPT.fullmatch(p)]
        self.counters.refused_values += len(prompts) - len(good)
        while len("&".join(good)) > MAX_WORDS:
            good.pop()
        self._setvar("HL_WORDS", "&".join(good), call)

    def _dial_caller(self, command: c.DialCaller) -> None:
        """Rings the caller of an outbound call over the site's trunk for calling out."""

        def failed(cause: int) -> None:
            self.counters.failed_actions += 1
            self._deliver([e.CallerLeft(command.call, cause)])

        number = command.number
        if not self.out_trunk or not _OUTSIDE.fullmatch(number):
            self.counters.refused_values += 1
            failed(NO_ROUTE)
            return
        fields: dict[str, str | list[str]] = {
            "Action": "Originate", "ActionID": f"{OUT}{command.call}", "Channel": f"PJSIP/{number}@{self.out_trunk}",
            "Context": "hotline-callback", "Exten": "s", "Priority": "1", "Async": "true",
            "Timeout": f"{command.seconds * 1000:.0f}", "Codecs": "alaw,ulaw", "CallerID": f"<{command.dialled}>",
            "ChannelId": command.call, "Variable": [f"HL_LEG={command.leg}", f"HL_DIALLED={command.dialled}"],
        }  # fmt: skip

        def answered(reply: Message | None) -> None:
            if reply is None or reply.get("Response") == "Error":
                self._send({"Action": "Hangup", "Channel": command.call, "Cause": "16"}, lambda _: None)
                failed(e.NEVER_RUNG if reply is None else NO_ROUTE)

        self._send(fields, answered)

    def _play(self, command: c.Play) -> None:
        good = [p for p in command.prompts if _PROMPT.fullmatch(p)]
        self.counters.refused_values += len(command.prompts) - len(good)
        if not good:
            # Playing nothing would be an error that ends the caller's flow: it has just ended, that is all.
            self._deliver([e.PromptsDone(command.call, command.ticket)])
            return
        prompts = "&".join(good)
        app = f"Background {prompts},,,hotline-keys" if command.barge_in else f"Playback {prompts}"
        fields: dict[str, str | list[str]] = {
            "Action": "AGI", "Channel": command.channel, "Command": f"EXEC {app}", "CommandID": command.ticket,
        }  # fmt: skip

        def answered(reply: Message | None) -> None:
            if reply is None or reply.get("Response") == "Error":
                self.counters.failed_actions += 1
                self._deliver([e.PromptsDone(command.call, command.ticket)])

        self._send(fields, answered)

    def _redirect(self, channel: str, context: str, exten: str = "s") -> None:
        fields: dict[str, str | list[str]] = {
            "Action": "Redirect", "Channel": channel, "Context": context, "Exten": exten, "Priority": "1",
        }  # fmt: skip
        self._send(fields, self._quiet)

    def _setvar(self, name: str, value: str, channel: str | None = None) -> None:
        fields: dict[str, str | list[str]] = {"Action": "Setvar", "Variable": name, "Value": value}
        if channel is not None:
            fields["Channel"] = channel
        self._send(fields, self._quiet)

    def beat(self, now: float) -> None:
        """The global HEARTBEAT, in whole seconds as ${EPOCH} has them, and in the switch's time."""
        self._setvar("HEARTBEAT", str(int(self._its.now(now))))
        if self._its.ask():
            self._send({"Action": "Getvar", "Variable": ASK}, self._its.told)

    def renew(self, call: str) -> None:
        """The limit in seconds that hotline-flow sets at first; Asterisk counts it from now."""
        self._setvar("TIMEOUT(absolute)", "6", call)

    def announce(self, entries: Mapping[str, Entry]) -> None:
        """Globals HL_FLOW_<number> and HL_SAY_<number>; running calls keep what they began with."""
        for number, entry in entries.items():
            self._setvar(f"HL_FLOW_{number}", entry.flow)
            self._setvar(f"HL_SAY_{number}", "&".join(entry.prompts) if entry.prompts else "agi")

    async def _lists(self) -> tuple[Sequence[Message], Sequence[Message]]:
        """Channels and devices, over the session for lists if there is one.

        The answer of a Ping on the session of the events comes after every event that the lists already know: so
        what they show is never compared with books that have not heard of it yet.
        """
        if self.asking is not None and self.asking.up:
            try:
                channels = await self.asking.send_list({"Action": "CoreShowChannels"})
                devices = await self.asking.send_list({"Action": "DeviceStateList"})
            except (LinkDown, ActionTimeout):
                pass  # over the other one
            else:
                await self.link.send({"Action": "Ping"})
                return channels, devices
        return (
            await self.link.send_list({"Action": "CoreShowChannels"}),
            await self.link.send_list({"Action": "DeviceStateList"}),
        )

    async def _born(self) -> float:
        """Since when this run of Asterisk is known: a global that dies with it. Whoever links first sets it, before it
        asks for the channels; so whatever process reads it, a call in the books that is older was of an earlier run.
        """
        told = (await self.link.send({"Action": "Getvar", "Variable": _BORN})).get("Value", "")
        try:
            return float(str(told))
        except ValueError:
            now = round(self._clock(), 3)
            await self.link.send({"Action": "Setvar", "Variable": _BORN, "Value": f"{now:.3f}"})
            return now

    async def snapshot(self, name: str = "") -> Snapshot:
        """Channels and registered phones. Raises LinkDown, ActionFailed or ActionTimeout."""
        born = await self._born()
        tales = await asyncio.to_thread(self.diary.read) if self.diary is not None else []
        asked = self._clock()
        channels, devices = await self._lists()
        views = [channel_view(m) for m in channels if m.get("Event") == "CoreShowChannel"]
        phones = frozenset(
            str(m.get("Device", ""))[6:]
            for m in devices
            if m.get("Event") == "DeviceStateChange"
            and str(m.get("Device", "")).startswith("PJSIP/")
            and m.get("State") not in _GONE
        )
        return Snapshot(asked, views, phones, {self.system: born}, self.owns, tales)
