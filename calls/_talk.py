"""Between the flow's interpreter and the call: inputs in, outputs as commands."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import ivr
from routing import Demand

from . import commands as c
from . import events as e
from .model import Call


def speak(call: Call, event: e.Event) -> tuple[ivr.Input | None, Call]:
    """The interpreter's word for an event, and the call with what has ended taken away."""
    if isinstance(event, e.PromptsDone):
        return ivr.PromptsDone(), replace(call, playing=None)
    if isinstance(event, e.DigitPressed):
        return ivr.DigitPressed(event.digit), call
    if isinstance(event, e.TimerFired):
        left = tuple(t for t in call.timers if t[0] != event.timer)
        if len(left) == len(call.timers):
            return None, call  # disarmed meanwhile
        return ivr.TimedOut(event.timer), replace(call, timers=left)
    return None, call


def demand_of(route: ivr.RouteTo, default: Demand) -> Demand:
    """A flow's route as a demand; what the flow leaves open is taken from the default."""
    return Demand(
        skills=tuple(sorted(route.skills.items())) or default.skills,
        priority=route.priority,
        centre=route.centre or default.centre,
        language=route.language or default.language,
    )


def play_flow(
    call: Call, outputs: Iterable[ivr.Output], now: float, default: Demand
) -> tuple[Call, tuple[c.Command, ...]]:
    """Turns the interpreter's outputs into commands and armed timers."""
    out: list[c.Command] = []
    for output in outputs:
        match output:
            case ivr.Play():
                # The ticket is part of the state, so that a fold gives the same one again.
                call = replace(call, plays=call.plays + 1)
                ticket = f"{call.id}/{call.plays}"
                call = replace(call, playing=ticket)
                names = tuple(p.file for p in output.prompts)
                out.append(c.Play(call.id, call.channel, names, output.barge_in, ticket))
            case ivr.StopPlaying():
                if call.playing is not None:
                    out.append(c.StopPlaying(call.id, call.channel))
            case ivr.ArmTimer():
                others = tuple(t for t in call.timers if t[0] != output.timer_id)
                call = replace(call, timers=(*others, (output.timer_id, now + output.seconds)))
            case ivr.CancelTimer():
                call = replace(call, timers=tuple(t for t in call.timers if t[0] != output.timer_id))
            case ivr.RouteTo():
                call = replace(call, demand=demand_of(output, default), timers=())
                out.append(c.ToWaiting(call.id, call.channel))
            case ivr.RingEmergency():
                # Which trunks, is the directory's word: the engine rings the line in the same batch (_advice).
                call = replace(call, demand=demand_of(output.route, default), timers=(), wish=output.entry)
                out.append(c.ToWaiting(call.id, call.channel))
            case ivr.LeaveVoicemail():
                language = call.session.language if call.session is not None else "zh"
                call = replace(call, timers=())
                out.append(c.ToVoicemail(call.id, call.channel, output.max_seconds, language))
            case ivr.HangUp():
                call = replace(call, timers=(), reason=output.reason)
                out.append(c.HangUp(call.id, call.channel))
    return call, tuple(out)
