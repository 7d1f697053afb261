"""Whether a phone has heard a prompt's words: by its likeness with the prompt's own audio."""

import numpy as np
import soundfile

from tests.conftest import PROMPTS


def heard_words(call, prompt, language="zh", since=0):
    """How far a prompt's audio (0 to 1) is in what a phone has heard from sample `since` on: its loudest
    second, wherever it was played."""
    words, rate = soundfile.read(PROMPTS / language / f"{prompt}.wav", dtype="float64")
    assert rate == 8000
    loudest = int(np.argmax(np.convolve(np.square(words), np.ones(8000), "valid")))
    part = words[loudest : loudest + 8000]
    audio = call.heard(since).astype(np.float64)
    if len(audio) < len(part):
        return 0.0
    size, last = 1 << (len(audio) + len(part)).bit_length(), len(audio) - len(part) + 1
    alike = np.fft.irfft(np.fft.rfft(audio, size) * np.conj(np.fft.rfft(part, size)), size)[:last]
    sums = np.concatenate([[0.0], np.cumsum(np.square(audio))])
    power = sums[len(part) :] - sums[: -len(part)]
    return float(np.max(alike / np.sqrt(np.maximum(power, 1.0) * np.sum(np.square(part)))))
