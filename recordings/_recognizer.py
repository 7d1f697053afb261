"""The port to speech recognition, and Vosk behind it.

libvosk can kill its process (a graph that does not fit the acoustic model, bad rates), so only worker processes and
the probe load it, never the service.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from ._model import Word
from .errors import RecogniserError

_UNKNOWN = {"[unk]", "<unk>", "<UNK>"}


@dataclass(frozen=True, slots=True)
class Utterance:
    """Words said between two pauses; times count from the first block fed."""

    words: tuple[Word, ...]


class Recognizer(Protocol):
    """Turns the speech of one party of one call into words. One instance serves many streams, one after another."""

    @property
    def name(self) -> str:
        """What transcripts name as their model."""

    def transcribe(self, blocks: Iterable[bytes], rate: int) -> Iterator[Utterance]:
        """Recognise one stream.

        Args:
            blocks: mono 16-bit little-endian samples, at most 0.2 s each.
            rate: samples a second.

        Yields:
            Utterances in the order of time; none for silence.

        Raises:
            RecogniserError: the recogniser refuses the stream.
        """


class SpeechStream(Protocol):
    """One party's speech while it is being said."""

    def accept(self, block: bytes) -> Utterance | None:
        """Feed mono 16-bit little-endian samples; an utterance when the recogniser hears that one has ended.

        Raises:
            RecogniserError: the recogniser refuses the stream.
        """

    def partial(self) -> Utterance | None:
        """What the utterance at hand sounds like so far; times and confidence are not known yet (0)."""

    def finish(self) -> Utterance | None:
        """The rest; the stream is of no use afterwards."""


class LiveRecognizer(Protocol):
    """A recogniser for speech that is not over yet. One instance serves many streams at once, from one thread."""

    def open(self, rate: int) -> SpeechStream:
        """A new stream. Raises RecogniserError."""


@dataclass(frozen=True, slots=True)
class MfccConf:
    """What matters of a model's conf/mfcc.conf."""

    rate: int
    upsamples: bool

    @classmethod
    def read(cls, model: Path) -> MfccConf:
        """Read it; Kaldi's defaults (16 kHz, no up-sampling) where nothing is said."""
        path = next((p for p in (model / "conf" / "mfcc.conf", model / "mfcc.conf") if p.is_file()), None)
        text = path.read_text("utf-8", "replace") if path else ""
        rate = re.search(r"^\s*--sample-frequency=(\d+)", text, re.M)
        up = re.search(r"^\s*--allow-upsample=(\w+)", text, re.M)
        return cls(int(rate.group(1)) if rate else 16_000, bool(up and up.group(1).lower() in ("true", "t", "1")))


class VoskRecognizer:
    """Vosk with a model from disk. Check the model first (`check_model`): a bad one ends the process."""

    def __init__(self, model: Path) -> None:
        os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # more threads only fight over the cores
        import vosk  # late: loading the library takes memory that only workers should spend

        # Vosk looks for models on the network unless it is given a path that exists.
        if not model.is_dir():
            raise RecogniserError(f"{model}: no such directory; set the path of a Vosk model")
        vosk.SetLogLevel(-1)
        try:
            self._model = vosk.Model(str(model))
        except Exception as e:
            raise RecogniserError(f"{model}: Vosk could not load it ({e})", "bad-model") from None
        self._vosk = vosk
        self._conf = MfccConf.read(model)
        self._name = model.resolve().name

    @property
    def name(self) -> str:
        """The directory's name."""
        return self._name

    def transcribe(self, blocks: Iterable[bytes], rate: int) -> Iterator[Utterance]:
        """See `Recognizer`."""
        stream = self.open(rate)
        for block in blocks:
            if found := stream.accept(block):
                yield found
        if found := stream.finish():
            yield found

    def open(self, rate: int) -> SpeechStream:
        """See `LiveRecognizer`."""
        if rate not in range(4000, 96_001):  # 0 hangs libvosk, below 0 aborts
            raise RecogniserError(f"rate {rate}: expected 4000-96000")
        up = None
        if rate < self._conf.rate and not self._conf.upsamples and self._conf.rate % rate == 0:
            up = Upsampler(self._conf.rate // rate)
            rate = self._conf.rate
        stream: Any = self._vosk.KaldiRecognizer(self._model, float(rate))
        stream.SetWords(True)
        return _VoskStream(stream, up)


class _VoskStream:
    """See `SpeechStream`."""

    def __init__(self, stream: Any, up: Upsampler | None) -> None:
        self._stream, self._up = stream, up

    def accept(self, block: bytes) -> Utterance | None:
        state = self._stream.AcceptWaveform(self._up(block) if self._up else block)
        if state < 0:
            raise RecogniserError("Vosk refused the sound; does conf/mfcc.conf allow this sample rate?")
        return _utterance(self._stream.Result()) if state else None

    def partial(self) -> Utterance | None:
        text = str(json.loads(self._stream.PartialResult()).get("partial", ""))
        words = tuple(Word(w, 0.0, 0.0, 0.0) for w in text.split() if w not in _UNKNOWN)
        return Utterance(words) if words else None

    def finish(self) -> Utterance | None:
        return _utterance(self._stream.FinalResult())


def _utterance(result: str) -> Utterance | None:
    words = tuple(
        Word(
            w["word"],
            max(0.0, round(float(w["start"]), 3)),
            max(0.0, round(float(w["end"]), 3)),
            min(1.0, max(0.0, round(float(w["conf"]), 3))),
        )
        for w in json.loads(result).get("result", [])
        if w["word"] not in _UNKNOWN
    )
    return Utterance(words) if words else None


class Upsampler:
    """Raises the sample rate by a whole factor, block by block (windowed sinc, delay of 16 samples in all).

    For models made for 16 kHz whose mfcc.conf does not allow Vosk to do it.
    """

    def __init__(self, factor: int) -> None:
        half = 16 * factor
        n = np.arange(-half, half + 1)
        self._factor = factor
        self._taps = np.sinc(n / factor) * np.hamming(len(n))
        self._tail = np.zeros(len(self._taps) - 1)

    def __call__(self, block: bytes) -> bytes:
        """The block at the higher rate."""
        x = np.frombuffer(block, "<i2").astype(np.float64)
        spread = np.zeros(len(x) * self._factor)
        spread[:: self._factor] = x
        padded = np.concatenate([self._tail, spread])
        self._tail = padded[len(padded) - len(self._tail) :]
        y = np.convolve(padded, self._taps, "valid")
        return np.round(np.clip(y, -32768, 32767)).astype("<i2").tobytes()
