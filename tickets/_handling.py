"""Fast or general (Art. 12, 15)."""

from __future__ import annotations

from collections.abc import Sequence

from ._catalogue import Found, Handling
from ._heard import Line
from ._model import Draft, Kind


def handling_of(lines: Sequence[Line], draft: Draft, found: Found | None) -> Handling | None:
    """How the matter is to be handled; None when nothing is known of it.

    The catalogue's entry says it; what only asks is answered fast, suggestions take their time.
    """
    if draft.kind is Kind.CONSULT:
        return Handling.FAST
    if draft.kind is Kind.SUGGESTION:
        return Handling.GENERAL
    if found is None:
        return None if draft.kind is Kind.OTHER else Handling.GENERAL
    return found.entry.handling
