"""What a reader gets to see of a call or a draft: pure, from (reader, whole) to (shown, looks to audit)."""

from __future__ import annotations

import re
from typing import TypeVar

from pydantic import JsonValue

from ._ports import Look
from ._roles import Principal, Right, Role
from ._schema import Call, CallSummary, Context, Draft, Leg, LiveCall, Moment, Party, Segment, Text2, Withheld
from ._schema_floor import Callback

SummaryT = TypeVar("SummaryT", bound=CallSummary)
_OWN_STATES = frozenset({"preview", "dialling", "offered", "talking", "staying", "wrap_up"})
_TALKS = frozenset({"talking", "staying"})
_SEEN_MODES = frozenset({"whisper", "barge", "takeover"})
_DIGITS = re.compile(r"\d(?:[- ]?\d){6,}")


def mask_number(number: str | None) -> str | None:
    """``13812341234`` → ``138****1234``; shorter ones keep less; nothing of 6 characters or fewer is kept."""
    if not number:
        return number
    if len(number) >= 11:
        return f"{number[:3]}****{number[-4:]}"
    if len(number) >= 7:
        return f"{number[:2]}****{number[-2:]}"
    return "****"


def mask_name(name: str | None) -> str | None:
    """``张小明`` → ``张**``, whatever the length."""
    return f"{name[0]}**" if name else name


def mask_digits(text: str, number: str | None = None) -> str:
    """Mask ``number`` and every other run of seven or more digits in a text."""
    if number:
        text = text.replace(number, str(mask_number(number)))
    return _DIGITS.sub(lambda found: str(mask_number(re.sub(r"[- ]", "", found.group()))), text)


NOBODY = Principal(Role.SEAT, "", None, 0.0, 0.0)
"""A reader of the floor without any call of its own: what is shown when a look cannot be audited."""


def owns_call(reader: Principal, call: CallSummary) -> bool:
    """Whether the call is offered to, talking with or being wrapped up by the reader's own seat."""
    if not reader.may(Right.OWN_CALL) or reader.seat is None:
        return False
    if call.state in _OWN_STATES and call.seat == reader.seat:
        return True
    # A seat brought in beside the first one has a leg of its own.
    return call.state in _TALKS and any(
        leg.kind != "caller" and leg.who == reader.seat and leg.joined_at is not None and leg.ended_at is None
        for leg in call.legs
    )


def owns_draft(reader: Principal, draft: Draft) -> bool:
    """Whether the draft is of a call that the reader's seat served and still has to be confirmed."""
    return reader.may(Right.OWN_CALL) and reader.seat is not None and draft.seat == reader.seat


def _mask_detail(key: str, value: JsonValue, number: str | None) -> JsonValue:
    if isinstance(value, list):
        return [_mask_detail(key, one, number) for one in value]
    if isinstance(value, dict):
        return {mask_digits(name, number): _mask_detail(name, one, number) for name, one in value.items()}
    if not isinstance(value, str):
        return value
    if key == "digit":
        return "*"  # key by key a caller may have typed a number
    return mask_digits(value, number)


def _mask_call(call: SummaryT) -> SummaryT:
    number = call.caller.number
    masked = mask_number(number)

    changes: dict[str, object] = {
        "caller": call.caller.model_copy(
            update={"number": masked, "name": mask_name(call.caller.name), "masked": True}
        ),
        "legs": [
            leg.model_copy(update={"who": mask_number(leg.who)}) if leg.kind == "caller" else leg
            for leg in call.legs
        ],
    }
    if isinstance(call, LiveCall):
        changes["earlier"] = []
        changes["parties"] = [_mask_party(party) for party in call.parties]
        changes["context"] = _mask_context(call.context) if call.context is not None else None
        changes["timeline"] = [
            moment.model_copy(
                update={"detail": {key: _mask_detail(key, value, number) for key, value in moment.detail.items()}}
            )
            for moment in call.timeline
        ]
    return call.model_copy(update=changes)


def _mask_party(party: Party) -> Party:
    """A dialled number is shortened; names of the directory are public."""
    if party.target.kind != "number":
        return party
    short = str(mask_number(party.target.id))
    target = party.target.model_copy(update={"id": short})
    trying = Text2(zh=short, en=short) if party.trying is not None else None
    return party.model_copy(
        update={"target": target, "label": Text2(zh=short, en=short), "trying": trying, "masked": True}
    )


def _mask_context(context: Context) -> Context:
    caller = context.caller.model_copy(
        update={"number": mask_number(context.caller.number), "name": mask_name(context.caller.name), "masked": True}
    )
    back = mask_number(context.callback_number)
    return context.model_copy(
        update={"caller": caller, "title": None, "summary": None, "address": None, "callback_number": back}
    )


def _listens(leg: Leg) -> bool:
    return leg.kind == "observer" and leg.mode not in _SEEN_MODES


def _tells_of_listener(moment: Moment) -> bool:
    return moment.what.startswith(("observer", "supervis")) and moment.detail.get("mode") not in _SEEN_MODES


def _without_listeners(call: SummaryT) -> SummaryT:
    """A seat works as if nobody listened; who speaks to it, it sees."""
    changes: dict[str, object] = {}
    if any(map(_listens, call.legs)):
        changes["legs"] = [leg for leg in call.legs if not _listens(leg)]
    if isinstance(call, LiveCall) and any(map(_tells_of_listener, call.timeline)):
        changes["timeline"] = [moment for moment in call.timeline if not _tells_of_listener(moment)]
    return call.model_copy(update=changes) if changes else call


def see_summary(reader: Principal, call: SummaryT) -> tuple[SummaryT, frozenset[Look]]:
    """A call without words: with its number for those who may see it, else masked."""
    if not reader.may(Right.SUPERVISE):
        call = _without_listeners(call)
    if not (reader.may(Right.NUMBERS) or owns_call(reader, call)):
        return _mask_call(call), frozenset()
    looks = {Look.NUMBER} if call.caller.number else set()
    if isinstance(call, LiveCall):
        if any(party.target.kind == "number" for party in call.parties):
            looks.add(Look.NUMBER)
        if call.context is not None:
            looks.add(Look.CONTEXT)
    return call, frozenset(looks)


def see_callback(reader: Principal, entry: Callback) -> tuple[Callback, frozenset[Look]]:
    """An entry of the callback list: with its number for those who may see numbers, else masked.

    A seat that is to call back sees the number in the call itself, once that is its own.
    """
    if reader.may(Right.NUMBERS):
        return entry, frozenset({Look.NUMBER}) if entry.number else frozenset()
    return entry.model_copy(update={"number": mask_number(entry.number), "masked": True}), frozenset()


def see_draft(reader: Principal, draft: Draft) -> tuple[Draft | None, frozenset[Look]]:
    """A draft: whole for its own seat; with masked numbers for readers of words only; None for others."""
    own = owns_draft(reader, draft)
    if not (own or reader.may(Right.WORDS)):
        return None, frozenset()
    looks = {Look.DRAFT}
    if own or reader.may(Right.NUMBERS):
        return draft, frozenset(looks | ({Look.NUMBER} if draft.caller.phone else set()))
    caller = draft.caller
    return draft.model_copy(
        update={
            "caller": caller.model_copy(
                update={"name": mask_name(caller.name), "phone": mask_number(caller.phone), "masked": True}
            ),
            "title": mask_digits(draft.title, caller.phone),
            "content": mask_digits(draft.content, caller.phone),
            "address": mask_digits(draft.address, caller.phone) if draft.address else draft.address,
            "uncertain": [
                doubt.model_copy(update={"text": mask_digits(doubt.text, caller.phone)}) for doubt in draft.uncertain
            ],
        }
    ), frozenset(looks)


def see_call(reader: Principal, call: Call) -> tuple[Call, frozenset[Look]]:
    """A call whole: what is hidden is null and named in ``withheld``."""
    own = owns_call(reader, call)
    shown, looks = see_summary(reader, call)
    seen = set(looks)
    withheld: list[Withheld] = ["number"] if shown.caller.masked else []
    transcript, recording, draft = call.transcript, call.recording, call.draft
    if transcript is not None:
        if own or reader.may(Right.WORDS):
            seen.add(Look.TRANSCRIPT)
            if shown.caller.masked:
                transcript = transcript.model_copy(
                    update={"segments": [_mask_segment(s, call.caller.number) for s in transcript.segments]}
                )
        else:
            transcript = None
            withheld.append("transcript")
    if recording is not None and not (own or reader.may(Right.RECORDINGS)):
        recording = None
        withheld.append("recording")
    if draft is not None:
        whole = draft
        draft, draft_looks = (draft, frozenset({Look.DRAFT})) if own else see_draft(reader, draft)
        seen |= draft_looks
        if draft is None and whole is not None:
            withheld.append("draft")
    return (
        shown.model_copy(
            update={"transcript": transcript, "recording": recording, "draft": draft, "withheld": withheld}
        ),
        frozenset(seen),
    )


def _mask_segment(segment: Segment, number: str | None) -> Segment:
    words = [word.model_copy(update={"word": mask_digits(word.word, number)}) for word in segment.words]
    return segment.model_copy(update={"text": mask_digits(segment.text, number), "words": words})
