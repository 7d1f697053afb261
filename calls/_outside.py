"""The outside as the heart sees it: the hotline directory, and what travels with a call. Part of the host; no I/O."""

from __future__ import annotations

from typing import Protocol

from routing import Directory, DirectoryError, Line

from . import _words as words
from . import events as e
from ._errors import OrderError
from .model import Call, CallState

S = CallState


class Issuer(Protocol):
    """Makes what a call to another hotline carries (see `_handover.HandoverIssuer`)."""

    def issue(self, call: Call, line: Line, by: str, now: float, note: str = "") -> dict[str, str]:
        """SIP headers for the line, or none; `note`: the seat's word for the next hotline. Never raises."""

    def take_changes(self) -> list[tuple[str, dict[str, object] | None]]:
        """Rows of the journal's table `handovers`."""


class Outside:
    """One for the engine's host; the service gives it the directory and the issuer."""

    def __init__(self, directory: Directory | None = None) -> None:
        self.directory = directory or Directory()
        self.handovers: Issuer | None = None

    def line(
        self, call: Call, by: str, now: float, *, entry: str = "", number: str = "", note: str = ""
    ) -> Line:
        """A line to a directory entry or a number, with what it carries. Raises OrderError."""
        try:
            known = self.directory
            line = known.line(entry, now, number=number) if entry else known.number_line(number, now)
        except DirectoryError as refusal:
            raise OrderError(refusal.code, str(refusal)) from None
        if self.handovers is None:
            return line
        headers = self.handovers.issue(call, line, by, now, note)
        return line.with_headers(headers) if headers else line

    def emergency(
        self, call: Call, entry: str, by: str, now: float, key: str = "", part: str = "", note: str = ""
    ) -> e.PartyWanted:
        """The event that rings an emergency line for a call in any state. Raises OrderError."""
        line = self.line(call, by, now, entry=entry, note=note)
        leg = call.main_seat
        part = part or f"e{len(call.parties) + 1}"
        return e.PartyWanted(
            call.id, part, "emergency", None, line.json(), by, leg.id if leg is not None else "", f"entry:{entry}",
            key=key,
        )  # fmt: skip

    def asked_by_digit(self, call: Call, digit: str, now: float) -> e.PartyWanted | e.Told | None:
        """A caller whom nobody serves yet has pressed the key of an emergency line; None: it has not, or it rings
        already, or the line cannot be rung (the caller goes on waiting for a human)."""
        entry = self.directory.emergency_digits.get(digit)
        return self.asked_by_caller(call, entry, "digit", now) if entry is not None else None

    def asked_by_caller(self, call: Call, entry: str, by: str, now: float) -> e.PartyWanted | e.Told | None:
        """As `asked_by_digit`, for the line itself. A line that cannot be rung (none configured) is said so."""
        if any(p.how == "emergency" and p.state in ("queued", "ringing", "joined") for p in call.parties):
            return None
        try:
            return self.emergency(call, entry, by, now)
        except OrderError as refusal:
            language = call.demand.language if call.demand is not None else "zh"
            prompts = words.files(language, *words.emergency_failed())
            return e.Told(call.id, prompts, "emergency_failed", {"who": entry, "why": refusal.code})
