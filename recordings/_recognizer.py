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
        if rate not in range(4000, 96_001):  # 0 hangs libvosk, below 0 aborts
            raise RecogniserError(f"rate {rate}: expected 4000-96000")
        if rate < self._conf.rate and not self._conf.upsamples and self._conf.rate % rate == 0:
            blocks = upsampled(blocks, self._conf.rate // rate)
            rate = self._conf.rate
        stream: Any = self._vosk.KaldiRecognizer(self._model, float(rate))
        stream.SetWords(True)
        for block in blocks:
            state = stream.AcceptWaveform(block)
            if state < 0:
                raise RecogniserError("Vosk refused the sound; does conf/mfcc.conf allow this sample rate?")
            if state and (found := _utterance(stream.Result())):
                yield found
        if found := _utterance(stream.FinalResult()):
            yield found


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


def upsampled(blocks: Iterable[bytes], factor: int) -> Iterator[bytes]:
    """Raise the sample rate by a whole factor (windowed sinc, delay of 16 samples in all).

    For models made for 16 kHz whose mfcc.conf does not allow Vosk to do it.
    """
    half = 16 * factor
    n = np.arange(-half, half + 1)
    taps = np.sinc(n / factor) * np.hamming(len(n))
    tail = np.zeros(len(taps) - 1)
    for block in blocks:
        x = np.frombuffer(block, "<i2").astype(np.float64)
        spread = np.zeros(len(x) * factor)
        spread[::factor] = x
        padded = np.concatenate([tail, spread])
        tail = padded[len(padded) - len(tail) :]
        y = np.convolve(padded, taps, "valid")
        yield np.round(np.clip(y, -32768, 32767)).astype("<i2").tobytes()
