"""Voices for the demonstration: espeak-ng in a process of its own, Mandarin by way of pinyin."""

import hashlib
import re
import shutil
import subprocess
import tempfile
import wave
from pathlib import Path

import numpy as np

from ._resample import resample
from ._rtp import Pcm

__all__ = ["SpeechError", "pinyin_of", "speak"]

_TRIES = 5
_TIMEOUT = 30.0
_PEAK = 16_000
_VERSION = 1  # part of the cache's key: raise it when the sound changes
_VOICE = re.compile(r"[A-Za-z0-9_-]{0,32}")
_DIGITS = "零一二三四五六七八九"
# espeak makes its pauses at these; Chinese punctuation must become one of them.
_STOPS = str.maketrans({"，": ", ", "、": ", ", "；": "; ", "：": ": ", "。": ". ", "！": "! ", "？": "? "})
_BRACKETS = str.maketrans(dict.fromkeys("「」『』“”‘’（）()《》【】[]<>…—·~\"'", " "))


class SpeechError(Exception):
    """espeak-ng is missing or failed again and again."""


def pinyin_of(text: str) -> str:
    """Mandarin text as pinyin with tone numbers, the way espeak-ng reads it best.

    One or two digits are read as a number ("15" = shi2 wu3), more digit by digit ("12345"). Latin letters
    are left out: the voice cannot read them.
    """
    from pypinyin import Style, lazy_pinyin  # half a second and 30 MB that only speech needs

    text = re.sub(r"[0-9]+", lambda found: _number(found[0]), text.translate(_STOPS).translate(_BRACKETS))
    parts: list[str] = []
    for run in re.findall(r"[\u3400-\u9fff]+|[,.;:!?]", text):
        if len(run) == 1 and run in ",.;:!?":
            if parts and parts[-1][-1] not in ",.;:!?":
                parts[-1] += run
        else:
            # Neutral tone as 5, ü as ü: what the speech model's lexicon uses too.
            parts += lazy_pinyin(run, style=Style.TONE3, neutral_tone_with_five=True, v_to_u=True)
    return " ".join(parts)


def _number(digits: str) -> str:
    if len(digits) > 2 or (len(digits) == 2 and digits[0] == "0"):
        return "".join(_DIGITS[int(one)] for one in digits)
    tens, ones = divmod(int(digits), 10)
    if not tens:
        return _DIGITS[ones]
    return ("" if tens == 1 else _DIGITS[tens]) + "十" + (_DIGITS[ones] if ones else "")


def speak(
    text: str, voice: str = "f4", speed: int = 165, *, lang: str = "zh", cache_dir: Path | str | None = None
) -> Pcm:
    """Speak `text`. Blocks for about 0.2 s a sentence: in asyncio use `asyncio.to_thread`.

    Args:
        text: Mandarin ("zh") or English ("en"); punctuation makes pauses.
        voice: espeak-ng variant: f4, m5, m8, Andrea, … ("" for the plain voice).
        speed: Words a minute, 80 to 300.
        lang: "zh" or "en".
        cache_dir: Where finished speech is kept between runs; None for nowhere.

    Returns:
        int16 samples at 8000 Hz, peak at half of full scale.

    Raises:
        SpeechError: espeak-ng is missing, or crashed each time.
        ValueError: Nothing to say, or a setting out of range.
    """
    if lang not in {"zh", "en"} or not 80 <= speed <= 300 or not _VOICE.fullmatch(voice):
        raise ValueError("speech: lang is zh or en, speed 80..300, voice a name of letters and digits")
    words = pinyin_of(text) if lang == "zh" else " ".join(text.split())
    if not re.search(r"\w", words):
        raise ValueError(f"speech: nothing in the text can be spoken in {lang}")
    name = ("cmn-latn-pinyin" if lang == "zh" else "en-us") + (f"+{voice}" if voice else "")
    if cache_dir is None:
        return _synthesise(words, name, speed)
    key = hashlib.sha256(f"{_VERSION}\n{name}\n{speed}\n{words}".encode()).hexdigest()[:32]
    return _cached(Path(cache_dir) / f"{key}.npy", words, name, speed)


def _cached(path: Path, words: str, name: str, speed: int) -> Pcm:
    try:
        kept = np.load(path, allow_pickle=False)
        if kept.dtype == np.int16 and kept.ndim == 1:
            pcm: Pcm = kept
            return pcm
    except (OSError, ValueError, EOFError):
        pass  # not there yet, or cut off by a full disk: made anew
    made = _synthesise(words, name, speed)
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=path.parent, suffix=".part", delete=False) as part:
        np.save(part, made)
    Path(part.name).replace(path)  # whole or not at all, whoever else writes it
    return made


def _synthesise(words: str, name: str, speed: int) -> Pcm:
    program = shutil.which("espeak-ng")
    if program is None:
        raise SpeechError("espeak-ng is not installed: apt install espeak-ng")
    why = ""
    with tempfile.TemporaryDirectory(prefix="speech-") as folder:
        path = Path(folder) / "speech.wav"
        command = [program, "-v", name, "-s", str(speed), "-b", "1", "-w", str(path), "--stdin"]
        for _ in range(_TRIES):  # it crashes now and then; the next time it works
            try:
                done = subprocess.run(command, input=words.encode(), capture_output=True, timeout=_TIMEOUT, check=False)
            except subprocess.TimeoutExpired:
                why = "it hung"
                continue
            if done.returncode == 0 and path.exists() and (pcm := _read(path)) is not None:
                return pcm
            why = f"exit code {done.returncode}"
    raise SpeechError(f"espeak-ng failed {_TRIES} times with voice {name} ({why}): try another voice")


def _read(path: Path) -> Pcm | None:
    """The WAV at 8000 Hz without silence around it, or None when it holds no sound."""
    try:
        with wave.open(str(path)) as file:
            rate, raw = file.getframerate(), file.readframes(file.getnframes())
    except (wave.Error, EOFError):
        return None
    pcm = resample(np.frombuffer(raw[: len(raw) // 2 * 2], "<i2").astype(np.int16), rate)
    loud = np.flatnonzero(np.abs(pcm.astype(np.int32)) > 100)
    if not len(loud):
        return None
    kept = pcm[max(int(loud[0]) - 400, 0) : int(loud[-1]) + 800].astype(np.float64)
    made: Pcm = np.rint(kept * (_PEAK / np.abs(kept).max())).astype(np.int16)
    return made
