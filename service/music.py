"""Music for waiting callers: a few quiet bars made here, so that no licence is needed. Sites replace it
by putting WAV files (8 kHz, mono, 16-bit) into config/prompts/music."""

from __future__ import annotations

import shutil
import wave
from pathlib import Path

import numpy as np

RATE = 8000
# A pentatonic phrase: (semitones above A4 or None for a rest, beats).
_PHRASE = ((-9, 1), (-5, 1), (-2, 2), (0, 1), (-2, 1), (-5, 2), (-7, 1), (-5, 1), (-2, 1), (-5, 1), (-9, 4))
_BEAT = 0.55


def _tone(semitones: int, seconds: float) -> np.ndarray:
    t = np.arange(int(seconds * RATE)) / RATE
    f = 440.0 * 2 ** (semitones / 12)
    wave_form = np.sin(2 * np.pi * f * t) + 0.35 * np.sin(4 * np.pi * f * t) + 0.12 * np.sin(6 * np.pi * f * t)
    attack = np.minimum(1.0, t / 0.02)
    result: np.ndarray = wave_form * attack * np.exp(-t * 2.2)
    return result


def build_music(site: Path, out: Path) -> None:
    """Copies the site's music to `out`, or makes ours if there is none."""
    out.mkdir(parents=True, exist_ok=True)
    theirs = sorted(site.glob("*.wav")) if site.is_dir() else []
    wanted = {path.name for path in theirs} or {"waiting.wav"}
    for old in out.glob("*.wav"):  # Asterisk plays every file that is there
        if old.name not in wanted:
            old.unlink()
    if theirs:
        for path in theirs:
            shutil.copyfile(path, out / path.name)
        return
    path = out / "waiting.wav"
    if path.exists():
        return
    length = sum(b for _, b in _PHRASE) * _BEAT + 1.5
    mix = np.zeros(int(length * RATE) + RATE)
    at = 0.0
    for semitones, beats in _PHRASE:
        note = _tone(semitones, beats * _BEAT + 0.9)
        start = int(at * RATE)
        mix[start : start + len(note)] += note
        bass = _tone(semitones - 12, beats * _BEAT + 0.9) * 0.4
        mix[start : start + len(bass)] += bass
        at += beats * _BEAT
    mix *= 5000 / np.abs(mix).max()
    temporary = path.with_suffix(".tmp")
    with wave.open(str(temporary), "wb") as w:
        w.setnchannels(1)
        w.setsampwidth(2)
        w.setframerate(RATE)
        w.writeframes(np.round(mix).astype("<i2").tobytes())
    temporary.rename(path)
