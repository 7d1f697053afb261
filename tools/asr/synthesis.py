"""Training set: features and 30 ms frame labels, taken from espeak-ng's own phoneme times (no alignment needed).

Used by build.py --retrain. `python synthesis.py PART.npz N SEED` makes one part in a process of its own, because
the library crashes now and then; the caller then tries again with another seed.
"""

from __future__ import annotations

import concurrent.futures
import itertools
import random
import subprocess
import sys
import tempfile
from pathlib import Path

import audio
import espeak
import lexicon
import numpy as np
from scipy.signal import resample_poly

# Left out: every variant with a "klatt" line crashes the library sooner or later; whisper*, Demonic, Lee, Marco,
# UniRobot, kaukovalta and AnxiousAndy cannot be understood. HELD_OUT_VOICES stay for the tests.
_VARIANTS = (
    "+f1 +f2 +f3 +f5 +m1 +m2 +m3 +m4 +m6 +m7 +Annie +Alicia +linda +steph +michel +Michael +rob +grandpa +Alex +Gene"
    " +Andy +aunty +pablo +robosoft4"
)
VARIANTS = ["", "", *_VARIANTS.split()]
_FOREIGN = ["en-us", "en", "de", "fr", "es", "it", "pt", "nl", "pl", "ru", "tr", "sv", "ro", "id", "fi"]
_OUTPUTS = lexicon.outputs()
_SILENCE = 0
Segments = list[tuple[float, float, int]]  # start and end in seconds, output


def _foreign(r: random.Random) -> tuple[np.ndarray, Segments] | None:
    """Pseudo-words of another language: all that is not silence is "other speech"."""

    def word() -> str:
        parts = ("bcdfghklmnprstvwz", ["a", "e", "i", "o", "u", "ee", "ou", "ai"], ["", "", "n", "s", "r", "t", "l"])
        return "".join("".join(r.choice(p) for p in parts) for _ in range(r.randint(1, 3)))

    lib = espeak.library()
    text = " ".join(word() for _ in range(r.randint(2, 6)))
    voice = r.choice(_FOREIGN) + r.choice(VARIANTS)
    pcm, events = lib.speak(text, voice, r.randint(120, 230), r.randint(15, 90), r.randint(20, 80), 0)
    marks = [(s, v) for s, kind, v in events if kind == "p"] + [(len(pcm), "_")]
    segments = [
        (a / lib.rate, b / lib.rate, _SILENCE if v.startswith("_:") or v == "_" else _OUTPUTS["SPN"][0])
        for (a, v), (b, _) in itertools.pairwise(marks)
    ]
    return (pcm.astype(np.float64), segments) if len(pcm) else None


def _utterance(syllables: list[list[str]], r: random.Random) -> tuple[np.ndarray, Segments] | None:
    """One sentence (syllables of each word) in a random voice; None when espeak's events do not fit."""
    lib, text = espeak.library(), ""
    for i, word in enumerate(syllables):
        text += " ".join(word) + (", " if i + 1 < len(syllables) and r.random() < 0.08 else " ")
    voice = espeak.VOICE + r.choice(VARIANTS)
    settings = r.randint(120, 270), r.randint(15, 90), r.randint(20, 80), r.choice([0, 0, 0, 1, 2])
    pcm, events = lib.speak(text.strip(), voice, *settings)
    groups: list[tuple[int, list[tuple[int, str]]]] = []  # per syllable ("w" event) its phonemes
    for sample, kind, phoneme in events:
        if kind == "w":
            groups.append((sample, []))
        elif groups:
            groups[-1][1].append((sample, phoneme))
    # espeak adds bogus empty word events.
    groups = [g for g in groups if any(not v.startswith("_") for _, v in g[1])]
    flat = [s for word in syllables for s in word]
    if len(groups) != len(flat):
        return None
    segments: Segments = []
    for i, (syllable, (start, phonemes)) in enumerate(zip(flat, groups, strict=True)):
        following = groups[i + 1][0] if i + 1 < len(groups) else len(pcm)
        end = next((s for s, v in phonemes if v.startswith("_") and s < following), following)
        real = [s for s, v in phonemes if not v.startswith("_")]
        units = lexicon.units_of(syllable)
        t0, t1 = start / lib.rate, end / lib.rate
        bound = t0
        if len(units) == 2:
            bound = real[1] / lib.rate if len(real) > 1 else t0 + 0.3 * (t1 - t0)
            segments.append((t0, bound, _OUTPUTS[units[0]][0]))
        first, second = _OUTPUTS[units[-1]]
        middle = (bound + t1) / 2
        segments += [(bound, middle, first), (middle, t1, second)]
        if following > end:
            segments.append((t1, following / lib.rate, _SILENCE))
    return pcm.astype(np.float64), segments


def _to_8k(pcm: np.ndarray, segments: Segments, speed: float) -> tuple[np.ndarray, Segments]:
    rate = espeak.library().rate
    down = round(rate * speed / 50) * 50
    common = np.gcd(8000, down)
    k = rate / down
    return resample_poly(pcm, 8000 // common, down // common), [(a * k, b * k, p) for a, b, p in segments]


def _line(
    y: np.ndarray, segments: Segments, rng: np.random.Generator, babble: list[np.ndarray]
) -> tuple[np.ndarray, Segments]:
    """Level, noise, telephone band and A-law, each by chance."""
    lead, tail = int(rng.uniform(0.05, 0.9) * 8000), int(rng.uniform(0.15, 1.0) * 8000)
    y = np.concatenate([np.zeros(lead), y, np.zeros(tail)])
    segments = [(a + lead / 8000, b + lead / 8000, p) for a, b, p in segments]
    y = y / (np.abs(y).max() + 1e-9) * 32767 * 10 ** (-rng.uniform(0.5, 26) / 20)
    band = rng.random()
    if band < 0.3:
        y = audio.telephone(y)
    if rng.random() < 0.8:
        y = y + audio.noise(rng, len(y), None, babble) * audio.level(y) * 10 ** (-rng.uniform(0, 32) / 20)
    if band > 0.6:
        y = audio.telephone(y)
    y = np.clip(y, -32768, 32767)
    return np.round(audio.alaw(y) if rng.random() < 0.5 else y), segments


def _labels(frames: int, segments: Segments) -> np.ndarray:
    """Outputs of frames 0, 3, 6… (the middle of the 25 ms window decides)."""
    middle = np.arange(0, frames, 3) * 0.01 + 0.0125
    out = np.zeros(len(middle), np.int16)
    for a, b, p in segments:
        out[(middle >= a) & (middle < b)] = p
    return out


def _part(path: Path, n: int, seed: int) -> None:
    rng, r = np.random.default_rng(seed), random.Random(seed)
    lex, inventory = lexicon.lexicon(), lexicon.all_syllables()
    features: list[np.ndarray] = []
    labels: list[np.ndarray] = []
    babble: list[np.ndarray] = []
    while len(features) < n:
        if babble and rng.random() < 0.08:  # no speech at all
            size = int(rng.uniform(1, 3) * 8000)
            kind = str(rng.choice(["white", "pink", "brown", "hum", "tones", "tones"]))
            y = np.zeros(size) if rng.random() < 0.2 else audio.noise(rng, size, kind) * 10 ** rng.uniform(0.3, 3.4)
            f = audio.mfcc(np.round(np.clip(y, -32768, 32767)))
            features.append(f.astype(np.float16))
            labels.append(_labels(len(f), []))
            continue
        dice = r.random()
        if dice < 0.10:  # the whole inventory of syllables
            words = [[r.choice(inventory)] for _ in range(r.randint(2, 8))]
        elif dice < 0.22:  # word salad: every neighbourhood
            words = [r.choice(r.choice(list(lex.values()))) for _ in range(r.randint(2, 6))]
        else:
            words = [r.choice(lex[w]) for w in lexicon.sample(r)]
        made = _foreign(r) if r.random() < 0.08 else _utterance(words, r)
        if made is None or not len(made[0]):
            continue
        y, segments = _to_8k(*made, speed=rng.uniform(0.9, 1.12))
        if len(babble) < 60:
            babble.append(y / (audio.level(y) + 1e-9))
        y, segments = _line(y, segments, rng, babble)
        f = audio.mfcc(y)
        features.append(f.astype(np.float16))
        labels.append(_labels(len(f), segments))
    np.savez(
        path,
        feat=np.concatenate(features),
        lab=np.concatenate(labels),
        nf=[len(f) for f in features],
        nl=[len(x) for x in labels],
    )


def make(out: Path, utterances: int, seed: int = 2, each: int = 300) -> None:
    """Synthesise the training set into one .npz (about 2 minutes for 12,000 on two cores)."""

    def part(k: int, tmp: str) -> Path:
        path = Path(tmp) / f"{k:04d}.npz"
        for attempt in range(5):
            command = [sys.executable, __file__, str(path), str(each), str(seed * 100000 + k + 7919 * attempt)]
            code = subprocess.run(command, check=False).returncode
            if code == 0:
                return path
            if code > 0:  # a Python error; a crash of the library is negative
                raise SystemExit(code)
            print(f"part {k}: libespeak-ng crashed ({code}), trying again", flush=True)
        raise RuntimeError("libespeak-ng keeps crashing")

    with tempfile.TemporaryDirectory(dir=out.parent) as tmp, concurrent.futures.ThreadPoolExecutor(2) as pool:
        parts = [np.load(p) for p in pool.map(lambda k: part(k, tmp), range(-(-utterances // each)))]
        merged = {k: np.concatenate([p[k] for p in parts]) for k in ("feat", "lab", "nf", "nl")}
    np.savez(out, **merged)
    print(f"{len(merged['nf'])} utterances, {merged['nf'].sum() / 360000:.1f} h", flush=True)


if __name__ == "__main__":
    _part(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
