"""Words: the hotline's sentences (grammar/), their readings and the sound units they are made of."""

from __future__ import annotations

import random
import re
import zlib
from collections.abc import Iterator
from pathlib import Path

from pypinyin import Style, lazy_pinyin

GRAMMAR = Path(__file__).parent / "grammar"
_SLOT = re.compile(r"\{(\w+)\}")

# Words that are not read as written, or that pypinyin reads wrongly. Several readings: a tuple of them.
READINGS: dict[str, tuple[str, ...]] = {
    "12345": ("yi1 er4 san1 si4 wu3", "yao1 er4 san1 si4 wu3"),
    "110": ("yao1 yao1 ling2", "yi1 yi1 ling2"),
    "119": ("yao1 yao1 jiu3", "yi1 yi1 jiu3"),
    "120": ("yao1 er4 ling2", "yi1 er4 ling2"),
    "122": ("yao1 er4 er4", "yi1 er4 er4"),
    "朝阳路": ("chao2 yang2 lu4", "zhao1 yang2 lu4"),
    "谁": ("shei2", "shui2"),
    "长兴县": ("chang2 xing1 xian4",),
    "长江路": ("chang2 jiang1 lu4",),
    "嗯": ("en1",),
    "喂": ("wei4",),
    "幺": ("yao1",),
}

_INITIALS = "zh ch sh b p m f d t n l g k h j q x r z c s y w"
INITIALS = _INITIALS.split()

# The acoustic model's sound units, in the order of its outputs. Fixed here rather than derived from pypinyin's
# tables: another version of those must not silently shift the outputs of weights.npz.
_UNITS = (
    "_a _ai _an _ang _ao _e _ei _en _eng _er _i _ia _ian _iang _iao _ie _in _ing _iong _ir _iu _iz _o _ong _ou _u "
    "_ua _uai _uan _uang _ui _un _uo _v _van _ve _vn b c ch d f g h j k l m n p q r s sh t w x y z zh"
)
UNITS = _UNITS.split()


def outputs() -> dict[str, list[int]]:
    """Unit -> the model's outputs: 0 is silence, 1 other speech; an initial has one, a final two (its halves)."""
    out, n = {"SIL": [0], "SPN": [1]}, 2
    for unit in UNITS:
        k = 2 if unit[0] == "_" else 1
        out[unit] = list(range(n, n + k))
        n += k
    return out


def _read_slots() -> dict[str, list[str]]:
    slots: dict[str, list[str]] = {}
    for line in (GRAMMAR / "slots.txt").read_text("utf-8").splitlines():
        if line.strip() and not line.startswith("#"):
            name, op, rest = re.match(r"(\w+) (\+?=) (.*)", line).groups()  # type: ignore[union-attr]
            new = [choice.strip() for choice in rest.split("|")]
            slots[name] = slots[name] + new if op == "+=" else new
    return slots


def _read_sentences() -> list[str]:
    out: list[str] = []
    for line in (GRAMMAR / "sentences.txt").read_text("utf-8").splitlines():
        if line.strip() and not line.startswith("#"):
            times, text = re.match(r"(?:(\d)\* )?(.*)", line).groups()  # type: ignore[union-attr]
            out += [text.strip()] * int(times or 1)
    return out


SLOTS, SENTENCES = _read_slots(), _read_sentences()
_OPEN = {s for s in SENTENCES if "{" in s}


def sample(rng: random.Random, *, held_out: bool = False) -> list[str]:
    """One random sentence as words; from the held-out eighth, or (the default) from all the others.

    Sentences without a slot ("请稍等") belong to the language model always: holding those out would take the
    commonest things said on a hotline away from it.
    """
    while True:
        text = rng.choice(SENTENCES)
        fixed = text not in _OPEN
        while "{" in text:
            text = _SLOT.sub(lambda m: rng.choice(SLOTS[m.group(1)]), text)
        words = text.split()
        held = not fixed and len(words) > 3 and zlib.crc32(text.encode()) % 8 == 0
        if held == held_out:
            return words


def vocabulary() -> set[str]:
    """Every word that a sentence can have."""
    texts = SENTENCES + [choice for choices in SLOTS.values() for choice in choices]
    return {w for text in texts for w in _SLOT.sub(" ", text).split()}


def syllables(word: str) -> list[str]:
    """First reading of a word as pinyin syllables with tone numbers (what espeak-ng is given)."""
    if word in READINGS:
        return READINGS[word][0].split()
    out = lazy_pinyin(word, style=Style.TONE3, neutral_tone_with_five=True, v_to_u=True)
    return [s if s[-1].isdigit() else s + "5" for s in out]


def lexicon() -> dict[str, list[list[str]]]:
    """Word -> its readings; besides the vocabulary every single character of it, as a fall-back."""
    lex = {w: [r.split() for r in READINGS.get(w, ())] or [syllables(w)] for w in sorted(vocabulary())}
    for word in list(lex):
        if not word.isascii():
            for char, reading in zip(word, lex[word][0], strict=True):
                lex.setdefault(char, [[reading]])
    return lex


def units_of(syllable: str) -> list[str]:
    """Pinyin syllable -> its one or two units, tone dropped: "shi4" -> ["sh", "_ir"]."""
    s = syllable.rstrip("12345").replace("ü", "v")
    for initial in INITIALS:
        if s.startswith(initial):
            final = s[len(initial) :]
            if initial in ("j", "q", "x", "y") and final.startswith("u"):
                final = "v" + final[1:]
            if final == "i" and initial in ("zh", "ch", "sh", "r"):
                final = "ir"
            if final == "i" and initial in ("z", "c", "s"):
                final = "iz"
            return [initial, "_" + final]
    return ["_" + s]


# Readings that no hotline needs and espeak-ng does not speak well.
_RARE = (
    "m n ng hm hng ê o ei yo lo fiao cei den dia eng nia nun pia rua sei shei tei kei biang zhei lün lia chua zhua nou"
)


def all_syllables() -> list[str]:
    """Every Mandarin syllable with tone, so that new words need a new graph only, never a new training."""
    out: set[str] = set()
    rare = set(_RARE.split())
    for code in range(0x4E00, 0x9FA6):
        out |= {s for s in syllables(chr(code)) if s[:-1].isascii() or "ü" in s}
    return sorted(s for s in out if s[-1].isdigit() and s[:-1] and s[:-1] not in rare)


def spoken(text: str) -> list[str]:
    """Written text without spaces -> words of the vocabulary, longest first (for test sentences)."""
    known, out = vocabulary(), []
    longest = max(map(len, known))
    for piece in text.split():
        i = 0
        while i < len(piece):
            size = next((n for n in range(min(longest, len(piece) - i), 1, -1) if piece[i : i + n] in known), 1)
            out.append(piece[i : i + size])
            i += size
    return out


def unknown_units() -> Iterator[str]:
    """Words whose units the acoustic model does not have (none, unless a reading is wrong)."""
    known = set(UNITS)
    for word, readings in lexicon().items():
        if any(u not in known for r in readings for s in r for u in units_of(s)):
            yield word


if __name__ == "__main__":
    lex = lexicon()
    print(len(vocabulary()), "words,", len(lex), "entries; unknown units in:", list(unknown_units()))
    rng = random.Random(1)
    for _ in range(10):
        words = sample(rng)
        print(" ".join(words), [s for w in words for s in lex[w][0]])
