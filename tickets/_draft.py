"""From a call's words to a draft ticket. Pure: the clock is an argument, nothing is read or written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ._address import best_address, find_addresses
from ._amounts import find_amounts, yuan_of
from ._caller import is_urgent, language_of, says_again, surname_of, wants_secrecy
from ._catalogue import Found
from ._channel import find_channel
from ._emergency import Alarm, find_emergency
from ._gazetteer import Gazetteer
from ._guide import Guide
from ._handling import handling_of
from ._heard import CALLER, SURE, Line, content_of, lines_of
from ._kinds import kind_of
from ._mentions import How
from ._model import Doubt, Draft, Facts, Note, Why
from ._phones import find_phone
from ._region import Choice, choose_region
from ._repeat import Earlier, find_repeats
from ._title import title_of
from ._transcript import TranscriptLike

_NO_WORDS = {
    Note.NO_SPEECH: "未听清内容的来电",
    Note.NO_TRANSCRIPT: "未转写的来电",
    Note.FAILED: "待补录的来电",
    Note.WAITING: "等待转写的来电",
}
_UNSURE_SHARE = 0.3
"""From this share of badly recognised characters on, the whole content is marked."""


def make_draft(
    transcript: TranscriptLike | None,
    facts: Facts,
    gazetteer: Gazetteer,
    now: float,
    guide: Guide | None = None,
    earlier: Sequence[Earlier] = (),
) -> Draft:
    """The draft of one call.

    Args:
        transcript: both parties' words; None when there are none to be had (transcription failed).
        facts: what is known besides the words.
        gazetteer: the places.
        now: unix seconds; the time of registration, from which the due date counts.
        guide: catalogue and calendar; without them a draft has no entry, unit and due date.
        earlier: this caller's earlier tickets, for repeats.

    Only the caller's words make the content; the seat's words confirm or deny a place. Never raises for any
    text; what it is unsure of is listed in `uncertain`.
    """
    if transcript is None:
        return empty_draft(facts, gazetteer, now, Note.NO_TRANSCRIPT)
    lines = lines_of(transcript)
    content = content_of(lines)
    if not content:
        return empty_draft(facts, gazetteer, now, Note.NO_SPEECH)
    found = guide.catalogue.find(lines) if guide is not None else None
    alarm = find_emergency(lines)
    kind, doubts = kind_of(lines, found.entry.kind if found is not None else None, alarm is not None)
    choice = choose_region(lines, gazetteer, gazetteer.get(facts.centre))
    addresses = find_addresses(lines, [m for m in choice.said if m.how is not How.PLACE])
    address = best_address(addresses)
    if address is not None and not address.sure:
        doubts += (Doubt("address", Why.LOW_CONFIDENCE, address.text),)
    sureness = [one >= SURE for line in lines if line.party == CALLER for one in line.conf]
    if sureness.count(False) > len(sureness) * _UNSURE_SHARE:
        doubts += (Doubt("content", Why.LOW_CONFIDENCE),)
    title = title_of(lines, choice, addresses, address)
    draft = Draft(
        kind=kind,
        region=choice.region.code if choice.region is not None else None,
        region_name=_name(choice, gazetteer),
        title=title or kind.zh,
        content=content,
        address=address.text if address is not None else None,
        caller_number=facts.caller_number,
        source=facts.source,
        uncertain=(*choice.doubts, *doubts),
        made_at=now,
    )
    draft = _placed(_marked(draft, lines, facts, alarm), lines, found, guide)
    return replace(draft, repeats=find_repeats(draft, earlier)) if earlier else draft


def _marked(draft: Draft, lines: list[Line], facts: Facts, alarm: Alarm | None) -> Draft:
    """With what the caller's words say besides the matter itself."""
    phone = find_phone(lines, facts.caller_number)
    amounts = find_amounts(lines)
    doubts = phone.doubts + tuple(Doubt("amounts", Why.AMOUNT, one.text) for one in amounts)
    channel = find_channel(lines)
    return replace(
        draft,
        emergency=None if alarm is None else alarm.number,
        channel=None if channel is None else channel.code,
        surname=surname_of(lines),
        phone=phone.number,
        amounts=yuan_of(amounts),
        language=language_of(lines),
        secret=wants_secrecy(lines),
        urgent=is_urgent(lines),
        again=says_again(lines),
        uncertain=draft.uncertain + doubts,
    )


def _placed(draft: Draft, lines: list[Line], found: Found | None, guide: Guide | None) -> Draft:
    """With the catalogue's entry, the unit, and until when."""
    if guide is None:
        return draft
    handling = handling_of(lines, draft, found)
    doubts: tuple[Doubt, ...] = ()
    if found is not None and found.others:
        names = "、".join(entry.zh for entry in (found.entry, *found.others))
        doubts += (Doubt("catalogue", Why.SEVERAL, names),)
    if handling is None:
        return replace(draft, uncertain=draft.uncertain + doubts)
    due, provisional = guide.due(handling, draft.made_at)
    if provisional:
        doubts += (Doubt("due", Why.PROVISIONAL, due),)
    return replace(
        draft,
        handling=handling.value,
        due=due,
        catalogue=found.entry.code if found is not None else None,
        unit=found.entry.unit if found is not None else None,
        reason=found.reason if found is not None else "",
        uncertain=draft.uncertain + doubts,
    )


def empty_draft(facts: Facts, gazetteer: Gazetteer, now: float, note: Note) -> Draft:
    """A draft without words, so that the seat still has a form with the caller's number; `note` says why."""
    choice = choose_region([], gazetteer, gazetteer.get(facts.centre))
    return Draft(
        region=choice.region.code if choice.region is not None else None,
        region_name=_name(choice, gazetteer),
        title=_NO_WORDS.get(note, ""),
        caller_number=facts.caller_number,
        phone=facts.caller_number or None,
        source=facts.source,
        uncertain=choice.doubts,
        note=note,
        made_at=now,
    )


def _name(choice: Choice, gazetteer: Gazetteer) -> str | None:
    return None if choice.region is None else gazetteer.full_name(choice.region.code)
