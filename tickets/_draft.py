"""From a call's words to a draft ticket. Pure: the clock is an argument, nothing is read or written."""

from __future__ import annotations

from ._address import best_address, find_addresses
from ._gazetteer import Gazetteer
from ._heard import CALLER, SURE, content_of, lines_of
from ._kinds import kind_of
from ._model import Doubt, Draft, Facts, Note, Why
from ._region import Choice, choose_region
from ._title import title_of
from ._transcript import TranscriptLike

_NO_WORDS = {
    Note.NO_SPEECH: "未听清内容的来电",
    Note.NO_TRANSCRIPT: "未转写的来电",
    Note.FAILED: "待补录的来电",
}
_UNSURE_SHARE = 0.3
"""From this share of badly recognised characters on, the whole content is marked."""


def make_draft(transcript: TranscriptLike | None, facts: Facts, gazetteer: Gazetteer, now: float) -> Draft:
    """The draft of one call.

    Args:
        transcript: both parties' words; None when there are none to be had (transcription failed).
        facts: what is known besides the words.
        gazetteer: the places.
        now: unix seconds.

    Only the caller's words make the content; the seat's words confirm or deny a place. Never raises for any
    text; what it is unsure of is listed in `uncertain`.
    """
    if transcript is None:
        return empty_draft(facts, gazetteer, now, Note.NO_TRANSCRIPT)
    lines = lines_of(transcript)
    content = content_of(lines)
    if not content:
        return empty_draft(facts, gazetteer, now, Note.NO_SPEECH)
    kind, doubts = kind_of(lines)
    choice = choose_region(lines, gazetteer, gazetteer.get(facts.centre))
    addresses = find_addresses(lines, choice.said)
    address = best_address(addresses)
    if address is not None and not address.sure:
        doubts += (Doubt("address", Why.LOW_CONFIDENCE, address.text),)
    sureness = [one >= SURE for line in lines if line.party == CALLER for one in line.conf]
    if sureness.count(False) > len(sureness) * _UNSURE_SHARE:
        doubts += (Doubt("content", Why.LOW_CONFIDENCE),)
    title = title_of(lines, choice, addresses, address)
    return Draft(
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


def empty_draft(facts: Facts, gazetteer: Gazetteer, now: float, note: Note) -> Draft:
    """A draft without words, so that the seat still has a form with the caller's number; `note` says why."""
    choice = choose_region([], gazetteer, gazetteer.get(facts.centre))
    return Draft(
        region=choice.region.code if choice.region is not None else None,
        region_name=_name(choice, gazetteer),
        title=_NO_WORDS.get(note, ""),
        caller_number=facts.caller_number,
        source=facts.source,
        uncertain=choice.doubts,
        note=note,
        made_at=now,
    )


def _name(choice: Choice, gazetteer: Gazetteer) -> str | None:
    return None if choice.region is None else gazetteer.full_name(choice.region.code)
