"""What is wrong with a file: where, why and how to mend it. Many at once, so that one run shows all."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One mistake in one file. Lines and columns start at 1, as editors count."""

    path: str
    line: int
    column: int
    reason: str
    mend: str = ""

    def __str__(self) -> str:
        text = f"{self.path}:{self.line}:{self.column}: {self.reason}"
        return f"{text}; {self.mend}" if self.mend else text


class FlowError(ValueError):
    """A flow or prompt file cannot be used. `problems` holds every mistake found, in file order."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(sorted(set(problems)))
        super().__init__("\n".join(str(p) for p in self.problems))


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """ "did you mean x?", or the list of what is possible when nothing is near."""
    names = sorted(known)
    near = get_close_matches(word.lower(), names, n=1, cutoff=0.6)
    if near:
        return f"did you mean {near[0]}?"
    if not names:
        return ""
    shown = ", ".join(names[:12]) + (" …" if len(names) > 12 else "")
    return f"possible here: {shown}"
