"""The shipped places, and transcripts written as plain lines."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tickets import Draft, Facts, Gazetteer, Segment, Transcript, Word, make_draft

REGIONS = Path(__file__).resolve().parents[3] / "config" / "regions.yaml"


@pytest.fixture(scope="session")
def gazetteer() -> Gazetteer:
    return Gazetteer.load(REGIONS)


@pytest.fixture
def drafted(gazetteer: Gazetteer) -> Callable[..., Draft]:
    """Drafts a talk: lines as a recogniser gives them, the seat's with "S:" in front; `conf` of all words."""

    def draft(*talk: str, centre: str | None = "330300", conf: float = 0.95) -> Draft:
        segments = []
        for n, line in enumerate(talk):
            text = line.removeprefix("S:")
            party = "seat" if line.startswith("S:") else "caller"
            words = tuple(Word(one, conf=conf) for one in text.split())
            segments.append(Segment(party, text, n * 4.0, n * 4.0 + 2.0, conf, words))
        facts = Facts("hotline-1.1", caller_number="057712345678", dialled="12345", centre=centre)
        return make_draft(Transcript("hotline-1.1", tuple(segments)), facts, gazetteer, 1763932131.0)

    return draft
