"""`python -m recordings.probe MODEL`: load a Vosk model and try it; the answer is one line of JSON.

Run by `check_model` as a process of its own, because a bad model may crash or hang whoever loads it.
"""

from __future__ import annotations

import json
import sys
import time
import wave
from collections.abc import Iterator
from pathlib import Path

from ._cer import character_error_rate
from ._recognizer import VoskRecognizer
from .errors import RecordingError


def _blocks(data: bytes, rate: int) -> Iterator[bytes]:
    step = rate // 5 * 2
    for i in range(0, len(data), step):
        yield data[i : i + step]


def probe(model: Path) -> dict[str, object]:
    """Load, decode the self-check if the model has one, and some tones if not."""
    began = time.monotonic()
    try:
        recognizer = VoskRecognizer(model)
    except RecordingError as e:
        return {"error": f"{e}; copy the model again, or unpack its archive anew"}
    result: dict[str, object] = {"load_seconds": round(time.monotonic() - began, 3)}
    wav, txt = model / "selfcheck.wav", model / "selfcheck.txt"
    if not (wav.exists() and txt.exists()):
        # Something that is not silence, so that the graph is walked: this is where files that do not fit crash.
        saw = b"".join(((i * 37 % 200 - 100) * 80).to_bytes(2, "little", signed=True) for i in range(16_000))
        list(recognizer.transcribe(_blocks(saw, 8000), 8000))
        return result
    try:
        with wave.open(str(wav)) as f:
            if (f.getnchannels(), f.getsampwidth()) != (1, 2):
                return {"error": f"{wav}: expected mono 16 bit"}
            rate, data = f.getframerate(), f.readframes(f.getnframes())
        expected = txt.read_text("utf-8")
    except (OSError, EOFError, UnicodeError, wave.Error) as e:
        return {"error": f"{wav.parent}: the self-check cannot be read ({e}); copy the model again"}
    heard = "".join(w.word for u in recognizer.transcribe(_blocks(data, rate), rate) for w in u.words)
    result["error_rate"] = round(character_error_rate(expected, heard), 4)
    return result


if __name__ == "__main__":
    print(json.dumps(probe(Path(sys.argv[1]))), flush=True)
