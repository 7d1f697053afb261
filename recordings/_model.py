"""The nouns of this room."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

from ._parties import Mark, PartyKind, PartySpan, Span, marks_of, parties_of, seats_of, seconds
from .errors import BadJobError

CALL_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
_RATES = (8000, 16000, 32000, 48000)
Kind = Literal["call", "voicemail"]


def checked_call(call: str) -> str:
    """A call id that is safe as a file name.

    Raises:
        BadJobError: it is not.
    """
    if not CALL_ID.fullmatch(call) or call.startswith("."):
        raise BadJobError("call id: expected 1-64 letters, digits, dots, dashes or underscores, no dot in front")
    return call


@dataclass(frozen=True, slots=True)
class Job:
    """One recording to finalise and transcribe.

    Attributes:
        call: Asterisk's unique id of the caller's channel.
        raw: path of the switch's file: 16-bit little-endian samples, left = caller, right = what the caller hears.
        rate: samples a second.
        answered, ended: unix seconds.
        seats: when a seat was joined; the right channel outside of these is greeting or music.
        kind: "call" or "voicemail".
        parties: when which party was in the talk with the caller (not while the caller was on hold, nor in a private
            consultation). Empty in jobs of earlier versions: then `seats` tells.
        spoke: who spoke when, while more than one party was in the talk; may be empty or overlap.
    """

    call: str
    raw: str
    rate: int
    answered: float
    ended: float
    seats: tuple[Span, ...]
    kind: Kind = "call"
    parties: tuple[PartySpan, ...] = ()
    spoke: tuple[Mark, ...] = ()

    @classmethod
    def parse(cls, text: str) -> Job:
        """Read the JSON of the `job` field.

        Raises:
            BadJobError: naming the field that is wrong.
        """
        return cls.of(_object(text))

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> Job:
        """Check the fields of a job (also those kept in a manifest)."""
        call, raw, rate = data.get("call"), data.get("raw"), data.get("rate", 8000)
        if not isinstance(call, str):
            raise BadJobError("job.call: expected text")
        if not isinstance(raw, str) or not raw or "\0" in raw:
            raise BadJobError("job.raw: expected a path")
        if rate not in _RATES:
            raise BadJobError(f"job.rate: expected one of {_RATES}")
        answered, ended = (seconds(data.get(k), f"job.{k}") for k in ("answered", "ended"))
        kind = data.get("kind", "call")
        if kind not in ("call", "voicemail"):
            raise BadJobError("job.kind: expected call or voicemail")
        return cls(
            checked_call(call), raw, int(rate), answered, max(answered, ended), seats_of(data.get("seats", [])), kind,
            parties_of(data.get("parties", [])), marks_of(data.get("spoke", [])),
        )  # fmt: skip

    def dumps(self) -> str:
        """The JSON of the `job` field."""
        data = asdict(self)
        data["seats"] = [[s.start, s.end, s.seat] for s in self.seats]
        data["parties"] = [[p.start, p.end, p.who, p.kind] for p in self.parties]
        data["spoke"] = [[m.start, m.end, m.who] for m in self.spoke]
        return json.dumps(data, ensure_ascii=False, separators=(",", ":"))


@dataclass(frozen=True, slots=True)
class Discard:
    """The raw file of a caller who was turned away: to be removed, without a set, a transcript or a result.

    Attributes:
        call: as in `Job`.
        raw: as in `Job`; the file must have the call's name.
    """

    call: str
    raw: str


def parse_job(text: str) -> Job | Discard:
    """Read the JSON of the `job` field, whatever is to be done.

    Raises:
        BadJobError: naming the field that is wrong.
    """
    data = _object(text)
    if data.get("kind") != "discard":
        return Job.of(data)
    call, raw = data.get("call"), data.get("raw")
    if not isinstance(call, str):
        raise BadJobError("job.call: expected text")
    if not isinstance(raw, str) or not raw or "\0" in raw:
        raise BadJobError("job.raw: expected a path")
    return Discard(checked_call(call), raw)


def _object(text: str) -> dict[str, Any]:
    try:
        data = json.loads(text)
    except RecursionError:
        raise BadJobError("job: nested too deeply") from None
    except ValueError as e:
        raise BadJobError(f"job: not JSON at character {getattr(e, 'pos', 0)}") from None
    if not isinstance(data, dict):
        raise BadJobError("job: expected an object")
    return data


@dataclass(frozen=True, slots=True)
class Word:
    """A recognised word; seconds from the start of the recording, confidence 0-1."""

    word: str
    start: float
    end: float
    conf: float


@dataclass(frozen=True, slots=True)
class Segment:
    """What one party said in one go.

    Attributes:
        party: "caller" (left channel) or "seat" (right channel: whoever the caller heard).
        seat: the seat's id; None for the caller, for an outside line, and where it is not known who of several spoke.
        who: the seat's id or "line.<entry>"; None for the caller and where it is not known.
        kind: seat, third or line; None where `who` is.
    """

    party: Literal["caller", "seat"]
    seat: str | None
    start: float
    end: float
    text: str
    confidence: float
    words: tuple[Word, ...]
    who: str | None = None
    kind: PartyKind | None = None

    def as_dict(self) -> dict[str, Any]:
        """As transcript.json has it."""
        return {**asdict(self), "words": [asdict(w) for w in self.words]}


@dataclass(frozen=True, slots=True)
class ModelReport:
    """What a check of a model found.

    Attributes:
        ok: may be used.
        path: the model's directory.
        error: what is wrong, where, and how to mend it; "" when ok.
        warnings: things that work, but not as one may think.
        rate: samples a second the model was made for.
        load_seconds: how long loading took.
        error_rate: character error rate on the model's own self-check, None if it has none.
    """

    ok: bool
    path: str
    error: str = ""
    warnings: tuple[str, ...] = ()
    rate: int | None = None
    load_seconds: float | None = None
    error_rate: float | None = None


def sentence(words: list[str]) -> str:
    """Words as one text: blanks only between two words of Latin letters or digits."""
    out = ""
    for w in words:
        out += (" " if out and out[-1].isascii() and w[:1].isascii() else "") + w
    return out
