"""Speech by the espeak-ng command, in a process of its own: it crashes now and then."""

from __future__ import annotations

import io
import shutil
import subprocess
import wave
from dataclasses import dataclass

import numpy as np

from ._audio import Samples

ATTEMPTS = 3
TIME_LIMIT = 60.0


@dataclass(frozen=True, slots=True)
class Voice:
    """An espeak-ng voice; `speed` in its words a minute."""

    name: str
    speed: int


VOICES = {"zh": Voice("cmn-latn-pinyin+f4", 225), "en": Voice("en-us+f4", 190)}
"""225 is about 4.6 syllables a second, as a person announces; the greeting then lasts 2.5 s."""


class SpeechError(RuntimeError):
    """espeak-ng is missing or keeps failing."""


def program() -> str:
    """Where espeak-ng is. Raises SpeechError when it is not installed."""
    found = shutil.which("espeak-ng")
    if found is None:
        raise SpeechError(
            "espeak-ng is not installed, so missing prompts cannot be spoken; `apt install espeak-ng`, "
            "or record every prompt into config/prompts/<language>/<id>.wav"
        )
    return found


def speak(espeak: str, text: str, voice: Voice) -> tuple[Samples, int]:
    """Text → (mono samples in [-1, 1], samples a second).

    Args:
        espeak: path of the program.
        text: as the voice wants it (`_reading`).
        voice: who speaks.

    Raises:
        SpeechError: it failed every time.
    """
    command = [espeak, "-v", voice.name, "-s", str(voice.speed), "--stdout", "--", text]
    why = ""
    for _ in range(ATTEMPTS):
        try:
            done = subprocess.run(command, capture_output=True, check=False, timeout=TIME_LIMIT)
        except subprocess.TimeoutExpired:
            why = f"no answer within {TIME_LIMIT:g} s"
            continue
        if done.returncode == 0:
            try:
                with wave.open(io.BytesIO(done.stdout)) as w:
                    # The length in the header is a guess when espeak-ng writes into a pipe.
                    pcm, rate = np.frombuffer(w.readframes(10**9), "<i2"), w.getframerate()
            except (wave.Error, EOFError, ValueError):
                why = "what it wrote is no sound"
                continue
            if np.any(pcm):
                return pcm.astype(np.float64) / 32768, rate
            why = "it said nothing"
        else:
            last = done.stderr.decode("utf-8", "replace").strip().splitlines()[-1:]
            why = f"exit code {done.returncode} {' '.join(last)}".strip()
    raise SpeechError(f"espeak-ng failed {ATTEMPTS} times with voice {voice.name}: {why}")
