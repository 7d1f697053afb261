"""AMI messages → the heart's typed events. Stateless: all it needs is in the message.

A seat's leg carries its call and seat in its own id ("<call>~<seat>~<n>", set with ChannelId when we
make it), so that no table has to survive a restart.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from urllib.parse import unquote

from calls import clean_case
from calls import events as e
from calls.ports import ChannelView, Place
from calls.reconcile import split_leg

from ._frames import unescape

Message = Mapping[str, str | list[str]]

_CALL_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
_SEAT_ID = re.compile(r"[A-Za-z0-9_-]{1,32}")
_CHANNEL = re.compile(r"[A-Za-z0-9._/@:;+*#~-]{1,200}")
_MILLISECONDS = re.compile(r"\d{1,9}", re.ASCII)
OUT = "out:"
"""Begins the ActionID of an outbound call's Originate."""
MAX_NAME = 64
MAX_NUMBER = 32


def _text(message: Message, key: str) -> str:
    value = message.get(key, "")
    return value if isinstance(value, str) else (value[0] if value else "")


def _known(value: str) -> str:
    """Asterisk writes <unknown> for an absent number or name."""
    return "" if value == "<unknown>" else value


def clean_number(value: str) -> str:
    """A caller's number as it may be shown and dialled: digits, + * # only. Hostile input shrinks."""
    return re.sub(r"[^0-9+*#]", "", _known(value))[:MAX_NUMBER]


def clean_name(value: str) -> str:
    """A caller's name without control characters, at most 64 characters."""
    return "".join(ch for ch in unescape(_known(value)) if ch.isprintable())[:MAX_NAME]


def _plain(value: str, most: int) -> str:
    """A header of a foreign switch: printable ASCII, or nothing."""
    return value[:most] if value.isascii() and value.isprintable() else ""


def clean_channel(value: str, call: str) -> str:
    """A channel's name as Asterisk makes it, else the channel's id, which it takes as well: the name becomes a variable
    of other channels, where a comma would begin a second one."""
    return value if _CHANNEL.fullmatch(value) else call


def _flow(value: str) -> str:
    """name@version of a flow; what is none of ours is no flow, and the caller gets a human."""
    return value if value.isprintable() and len(value) <= 256 else ""


_PHONE = re.compile(r"PJSIP/([A-Za-z0-9_-]{1,32})-[0-9a-f]{8}")


def phone_of(channel: str) -> str:
    """The endpoint of a channel by its name; empty if it is of another kind."""
    found = _PHONE.fullmatch(channel)
    return found[1] if found is not None else ""


def clean_seat(value: str) -> str:
    """A seat's id as configuration allows it; anything else is no seat."""
    return value if _SEAT_ID.fullmatch(value) else ""


def _user_event(m: Message) -> e.Input | None:
    call = _text(m, "Uniqueid")
    match _text(m, "UserEvent"):
        case "Arrived":
            return e.Arrived(
                call,
                clean_channel(_text(m, "Channel"), call),
                clean_number(_text(m, "Exten")),
                clean_number(_text(m, "CallerIDNum")),
                clean_name(_text(m, "CallerIDName")),
                _flow(_text(m, "Flow")),
                origin=clean_seat(_text(m, "Origin")),
                case=clean_case(unquote(_text(m, "Case"))),
                uui=_plain(unquote(_text(m, "Uui")), 400),
                pressed=key if (key := _text(m, "Key")) in _KEYS else "",
            )
        case "Waiting":
            return e.Waits(call)
        case "Voicemail":
            return e.VoicemailBegan(call)
        case "Native":
            return e.WentNative(call)
        case "Ready" | "Assisting":
            names = split_leg(call)
            return e.LegReady(names[0], call) if names else None
        case "Answered":
            return e.CallerAnswered(call, clean_channel(_text(m, "Channel"), call))
        case "NativeSeat":
            # A seat that the switch's own queue has rung is about to be joined; the event is its channel's.
            seat = phone_of(_text(m, "Channel"))
            return e.LegJoined(_text(m, "Call"), call, seat) if seat else None
        case "SeatDialled":
            return e.SeatDialled(call, clean_seat(_text(m, "Seat")), clean_number(_text(m, "To")))
        case "SeatCode":
            return e.SeatCode(call, clean_seat(_text(m, "Seat")), clean_number(_text(m, "Code")))
    return None


def _hangup(m: Message) -> e.Input | None:
    uid = _text(m, "Uniqueid")
    try:
        cause = int(_text(m, "Cause") or 0)
    except ValueError:
        cause = 0
    names = split_leg(uid)
    return e.LegLeft(names[0], uid, cause) if names else e.CallerLeft(uid, cause)


def _bridge_enter(m: Message) -> e.Input | None:
    if _text(m, "BridgeTechnology") == "holding_bridge":
        return None  # alone, in the music
    uid, bridge = _text(m, "Uniqueid"), _text(m, "BridgeUniqueid")
    names = split_leg(uid)
    if names is None:
        # A caller that goes to a consultation, or that a phone's attended transfer puts into one; a seat's leg that the
        # switch's own queue has made, where we have sent it.
        moved = _text(m, "Context") in ("hotline-beside", "hotline-join") or _text(m, "SwapUniqueid")
        return e.LegJoined(uid, uid, "", bridge) if moved else None
    return e.LegJoined(names[0], uid, names[1], bridge)


def _blind(m: Message) -> e.Input | None:
    """A seat's phone has transferred its caller: the channel of the caller is the call."""
    leg, to = _text(m, "TransfererUniqueid"), clean_number(_text(m, "Extension"))
    names = split_leg(leg)
    if names is None and _text(m, "Result") == "Success" and phone_of(_text(m, "TransfererChannel")):
        # A seat that the switch's own queue has rung: its leg has no call in its name.
        return e.Referred(_text(m, "TransfereeUniqueid"), leg, to)
    if names is None or _text(m, "Result") != "Success" or _text(m, "TransfereeUniqueid") != names[0]:
        # More than two were in the talk: who is with whom is to be asked.
        return e.Transferred(names[0]) if names is not None else None
    return e.Referred(names[0], leg, to)


def _attended(m: Message) -> e.Input | None:
    for key in ("OrigTransfererUniqueid", "SecondTransfererUniqueid"):
        names = split_leg(_text(m, key))
        if names is not None:
            return e.Transferred(names[0])
    return None


def _talked(m: Message) -> e.Input | None:
    """The talk detector of a leg: it has just been silent for a while."""
    uid, duration = _text(m, "Uniqueid"), _text(m, "Duration")
    names = split_leg(uid)
    return e.Spoke(names[0], uid, int(duration) / 1000) if names and _MILLISECONDS.fullmatch(duration) else None


def _newstate(m: Message) -> e.Input | None:
    uid = _text(m, "Uniqueid")
    names = split_leg(uid)
    return e.LegRinging(names[0], uid) if names and _text(m, "ChannelStateDesc") == "Ringing" else None


_KEYS = frozenset("0123456789*#ABCD")


def _digit(m: Message) -> e.Input | None:
    uid = _text(m, "Uniqueid")
    digit = _text(m, "Digit")
    if split_leg(uid) or _text(m, "Direction") != "Received" or digit not in _KEYS:
        return None
    return e.DigitPressed(uid, digit)


def _agi_start(m: Message) -> e.Input | None:
    return e.FlowStarted(_text(m, "Uniqueid"))


def _agi_exec(m: Message) -> e.Input | None:
    return e.PromptsDone(_text(m, "Uniqueid"), _text(m, "CommandId"))


_BY_EVENT: dict[str, Callable[[Message], e.Input | None]] = {
    "UserEvent": _user_event,
    "Hangup": _hangup,
    "BridgeEnter": _bridge_enter,
    "BlindTransfer": _blind,
    "AttendedTransfer": _attended,
    "ChannelTalkingStop": _talked,
    "Newstate": _newstate,
    "DTMFEnd": _digit,
    "AsyncAGIStart": _agi_start,
    "AsyncAGIExec": _agi_exec,
}


def failed_leg(m: Message) -> e.LegLeft | None:
    """A leg that Asterisk could not make. If a channel existed, its Hangup event, with the true cause,
    comes just before or just after this one: the caller of this function waits for it."""
    leg = _text(m, "ActionID")
    names = split_leg(leg)
    if names is None or _text(m, "Response") != "Failure" or not _CALL_ID.fullmatch(names[0]):
        return None
    return e.LegLeft(names[0], leg, cause=20)  # Q.850 20: subscriber absent


def failed_caller(m: Message) -> e.CallerLeft | None:
    """An outbound call's channel that Asterisk could not make; its Hangup, if it had one, says why."""
    action = _text(m, "ActionID")
    if not action.startswith(OUT) or _text(m, "Response") != "Failure":
        return None
    call = action[len(OUT) :]
    return e.CallerLeft(call, cause=20) if _CALL_ID.fullmatch(call) else None


def translate(messages: Iterable[Message]) -> list[e.Input]:
    """Events in their order; what is not ours, or has an id that cannot be one, is left out."""
    out: list[e.Input] = []
    for message in messages:
        reader = _BY_EVENT.get(_text(message, "Event"))
        event = reader(message) if reader is not None else None
        if event is None:
            continue
        if isinstance(event, e.Event) and not _CALL_ID.fullmatch(event.call):
            continue
        out.append(event)
        if isinstance(event, e.Arrived) and event.pressed:
            out.append(e.DigitPressed(event.call, event.pressed))
    return out


_PLACES = {
    "hotline-trunk": Place.GREETING,
    "hotline-door": Place.GREETING,
    "hotline-greeted": Place.GREETING,
    "hotline-wait": Place.WAITING,
    "hotline-farewell": Place.LEAVING,
    "hotline-callback": Place.CALLBACK,
    "hotline-flow": Place.FLOW,
    "hotline-voicemail": Place.VOICEMAIL,
    "hotline-native": Place.NATIVE,
    "hotline-seat": Place.SEAT,
    "hotline-seat-out": Place.SEAT,
    "hotline-join": Place.SEAT,
    "hotline-again": Place.SEAT,
    "hotline-beside": Place.WAITING,
    "hotline-refer": Place.WAITING,
    "hotline-side": Place.SEAT,
    "hotline-listen": Place.SEAT,
    "hotline-whisper": Place.SEAT,
}


_DURATION = re.compile(r"(\d{1,6}):(\d\d?):(\d\d?)", re.ASCII)


def _seconds(duration: str) -> float:
    """"hh:mm:ss" in seconds; anything else is a channel just made, which is always the careful answer."""
    found = _DURATION.fullmatch(duration)
    if found is None:
        return 0.0
    hours, minutes, seconds = map(int, found.groups())
    return hours * 3600.0 + minutes * 60 + seconds


def channel_view(m: Message) -> ChannelView:
    """One CoreShowChannel message."""
    uid = _text(m, "Uniqueid")
    names = split_leg(uid)
    place = _PLACES.get(_text(m, "Context"), Place.OTHER)
    if names is not None:
        place = Place.SEAT
    elif place is Place.GREETING and _text(m, "Application") == "AGI":
        place = Place.FLOW
    if not _CALL_ID.fullmatch(names[0] if names is not None else uid):
        place = Place.OTHER
    app = _text(m, "Application")
    return ChannelView(
        id=uid,
        name=clean_channel(_text(m, "Channel"), uid),
        place=place,
        bridge=_text(m, "BridgeId") or None,
        number=clean_number(_text(m, "CallerIDNum")),
        caller_name=clean_name(_text(m, "CallerIDName")),
        dialled=clean_number(_text(m, "AccountCode")),
        age=_seconds(_text(m, "Duration")),
        seat=phone_of(_text(m, "Channel")) if place is Place.OTHER else "",
        hears=place is Place.FLOW and app.lower() in ("background", "playback"),
        rings=app == "AppQueue" and _text(m, "ChannelStateDesc") in ("Down", "Ringing", "Ring"),
    )
