"""espeak-ng: speech from pinyin, by its command for test audio, by its library where phoneme times are needed.

Debian's espeak-ng 1.51 reads most Chinese characters wrongly, so it is always given pinyin and the voice
`cmn-latn-pinyin`. Its library crashes now and then: training data is made in processes of its own (synthesis.py).
"""

from __future__ import annotations

import ctypes as c
import io
import subprocess
import wave
from functools import cache

import numpy as np
from scipy.signal import resample_poly

VOICE = "cmn-latn-pinyin"
# Never heard in training; the test audio uses these.
HELD_OUT_VOICES = ("+f4", "+m5", "+m8", "+Andrea", "+Denis", "+Mario")


def speak(syllables: list[str], variant: str = "", *, rate: int = 165, pitch: int = 50) -> np.ndarray:
    """Pinyin syllables -> 8 kHz samples (floats at 16-bit scale), through the espeak-ng command.

    A "," among the syllables is a pause.

    Raises:
        RuntimeError: espeak-ng is missing or keeps failing.
    """
    text = " ".join(syllables).replace(" ,", ",")
    command = ["espeak-ng", "-v", VOICE + variant, "-s", str(rate), "-p", str(pitch), "--stdout", text]
    for _ in range(3):
        done = subprocess.run(command, capture_output=True, check=False)
        if done.returncode == 0 and len(done.stdout) > 1000:
            break
    else:
        raise RuntimeError(f"espeak-ng failed ({done.returncode}): {done.stderr[-200:]!r}; apt install espeak-ng")
    with wave.open(io.BytesIO(done.stdout)) as w:
        # The length in the header is a guess when espeak-ng writes into a pipe.
        pcm, rate_in = np.frombuffer(w.readframes(10**9), "<i2").astype(np.float64), w.getframerate()
    common = np.gcd(8000, rate_in)
    return np.asarray(resample_poly(pcm, 8000 // common, rate_in // common))


class _Id(c.Union):
    _fields_ = [("number", c.c_int), ("name", c.c_char_p), ("string", c.c_char * 8)]


class _Event(c.Structure):
    _fields_ = [
        ("type", c.c_int),
        ("unique_identifier", c.c_uint),
        ("text_position", c.c_int),
        ("length", c.c_int),
        ("audio_position", c.c_int),
        ("sample", c.c_int),
        ("user_data", c.c_void_p),
        ("id", _Id),
    ]


_CALLBACK = c.CFUNCTYPE(c.c_int, c.POINTER(c.c_short), c.c_int, c.POINTER(_Event))
_WORD, _PHONEME = 1, 7
_RATE, _PITCH, _RANGE, _WORDGAP = 1, 3, 4, 7


class _Library:
    """libespeak-ng, loaded once a process."""

    def __init__(self) -> None:
        self._lib = c.CDLL("libespeak-ng.so.1")
        self._lib.espeak_SetVoiceByName.argtypes = [c.c_char_p]
        self._lib.espeak_Synth.argtypes = [
            c.c_void_p, c.c_size_t, c.c_uint, c.c_int, c.c_uint, c.c_uint, c.c_void_p, c.c_void_p,
        ]  # fmt: skip
        self.rate = int(self._lib.espeak_Initialize(2, 0, None, 1))  # synchronous, with phoneme events
        self._pcm: list[np.ndarray] = []
        self._events: list[tuple[int, str, str]] = []
        self._callback = _CALLBACK(self._take)  # kept: the library calls it
        self._lib.espeak_SetSynthCallback(self._callback)

    def _take(self, samples: object, n: int, events: object) -> int:
        if n > 0:
            self._pcm.append(np.ctypeslib.as_array(samples, (n,)).copy())  # type: ignore[call-overload]
        i = 0
        while (event := events[i]).type:  # type: ignore[index]
            if event.type == _PHONEME:
                self._events.append((event.sample, "p", bytes(event.id.string).decode("utf-8", "replace")))
            elif event.type == _WORD:
                self._events.append((event.sample, "w", ""))
            i += 1
        return 0

    def speak(
        self, text: str, voice: str, rate: int, pitch: int, spread: int, gap: int
    ) -> tuple[np.ndarray, list[tuple[int, str, str]]]:
        """-> samples at `self.rate` and [(sample, "p", phoneme) | (sample, "w", "")]."""
        self._pcm, self._events = [], []
        if self._lib.espeak_SetVoiceByName(voice.encode()) != 0:
            raise ValueError(f"espeak-ng has no voice {voice}")
        for what, value in ((_RATE, rate), (_PITCH, pitch), (_RANGE, spread), (_WORDGAP, gap)):
            self._lib.espeak_SetParameter(what, value, 0)
        data = text.encode() + b"\0"
        self._lib.espeak_Synth(data, len(data), 0, 0, 0, 1, None, None)  # 1: UTF-8
        pcm = np.concatenate(self._pcm) if self._pcm else np.zeros(0, np.int16)
        return pcm, self._events


@cache
def library() -> _Library:
    """The one instance."""
    return _Library()
