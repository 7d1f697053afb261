"""The prompts: id → what is said, in every language. The audio is made from it by `ivr.prompts`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ._model import LANGUAGES
from ._problems import FlowError, Problem
from ._yaml import NAME, Reader, compose

SYSTEM_PROMPTS = (
    "greeting",
    "recording-notice",
    "connecting",
    "all-busy",
    "voicemail-invite",
    "voicemail-beep",
    "goodbye",
    "invalid-choice",
    "please-repeat",
    "transfer-failed",
    # said to waiting callers (calls._words)
    "wait-next", "wait-ahead-before", "wait-ahead-after", "wait-many-ahead", "wait-about", "wait-over-before",
    "wait-minutes", "wait-under-minute", "callback-offer-before", "callback-offer-after", "callback-confirmed",
    "nobody-now", "num-two", *(f"num-{n}" for n in (*range(21), *range(30, 100, 10))),
    # said when a party comes, goes or cannot be reached (calls._words)
    *(f"emergency-{word}-{line}" for word in ("connecting", "offer") for line in ("110", "119", "120", "122")),
    "emergency-connecting", "emergency-failed", "party-left", "held",
    # said to restricted callers (calls._restricted)
    *(f"restricted-{part}" for part in ("why", "left", "days", "hours", "soon", "months", "emergency", "appeal")),
    "restricted-short",
    # said to callers who are not let in (calls._words; hotline-busy in the dialplan)
    "busy-now", "busy-offer-before", "busy-offer-after", "busy-urgent", "busy-later", "busy-often",
)  # fmt: skip
"""Prompts that the service or the dialplan plays by name, whatever the flows say."""


@dataclass(frozen=True, slots=True)
class Tone:
    """A plain tone instead of words."""

    hertz: float
    seconds: float


@dataclass(frozen=True, slots=True)
class Prompt:
    """One thing that callers may hear: words in every language, or a tone."""

    id: str
    texts: Mapping[str, str]
    tone: Tone | None = None


@dataclass(frozen=True, slots=True)
class PromptLibrary:
    """All prompts by id, as one prompts.yaml has them."""

    prompts: Mapping[str, Prompt]

    def __contains__(self, prompt_id: object) -> bool:
        return prompt_id in self.prompts

    def __getitem__(self, prompt_id: str) -> Prompt:
        return self.prompts[prompt_id]


def load_prompts(path: Path) -> PromptLibrary:
    """Reads prompts.yaml.

    Raises:
        FlowError: every mistake in the file, with its line; or the file cannot be read.
    """
    return parse_prompts(read_file(path), str(path))


def read_file(path: Path) -> bytes:
    """The bytes of a configuration file. Raises FlowError when it cannot be read."""
    try:
        return path.read_bytes()
    except OSError as e:
        why = f"the file cannot be read ({e.strerror or type(e).__name__})"
        raise FlowError([Problem(str(path), 1, 1, why)]) from None


def parse_prompts(data: bytes, path: str = "prompts.yaml") -> PromptLibrary:
    """Prompts from the file's bytes; `path` is for messages. Raises FlowError."""
    read = Reader(path)
    root = compose(path, data)
    top = read.fields(root, "the file", ["prompts"], [])
    out: dict[str, Prompt] = {}
    listed = read.mapping(top["prompts"].value, "prompts", "prompt") if "prompts" in top else {}
    for prompt_id, item in listed.items():
        what = f"prompt {prompt_id}"
        if NAME.fullmatch(prompt_id) is None:
            read.problem(item.key, f"{what}: not a good name", "use a-z, 0-9 and single hyphens")
        entries = read.mapping(item.value, what)
        tone = None
        texts: dict[str, str] = {}
        if "tone" in entries:
            read.only(entries, item.key, what, ["tone"], [])
            sound = read.fields(entries["tone"].value, f"{what}: tone", ["hertz", "seconds"], [])
            hertz = seconds = 0.0
            if "hertz" in sound:
                hertz = read.number(sound["hertz"].value, "hertz", 100, 3400, 440)
            if "seconds" in sound:
                seconds = read.number(sound["seconds"].value, "seconds", 0.05, 5, 0.5)
            tone = Tone(hertz, seconds)
        else:
            read.only(entries, item.key, what, LANGUAGES, [])
            texts = {n: read.text(entries[n].value, f"{what}, {n}") for n in LANGUAGES if n in entries}
        out[prompt_id] = Prompt(prompt_id, texts, tone)
    for needed in SYSTEM_PROMPTS:
        if "prompts" in top and needed not in out:
            mend = f"add `{needed}:` with zh and en"
            read.problem(top["prompts"].key, f"prompt {needed} is missing; the service plays it", mend)
    read.raise_if_any()
    return PromptLibrary(out)
