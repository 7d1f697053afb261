"""A bad model is a clear error, never a dead process or a silent recogniser. (Real Vosk, real processes.)"""

from __future__ import annotations

import shutil
import struct
import time
import wave
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from recordings import RecogniserError, VoskRecognizer, character_error_rate, check_model
from recordings._recognizer import Upsampler

MODEL = Path(__file__).resolve().parents[3] / "config" / "asr" / "zh-small"


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return Path(shutil.copytree(MODEL, tmp_path / "model"))


def cut(path: Path, size: int = 100_000) -> None:
    path.write_bytes(path.read_bytes()[:size])


def foreign_graph(path: Path) -> None:
    """A sound OpenFst file whose labels the acoustic model does not have: reading beyond its arrays crashes Vosk."""

    def text(s: str) -> bytes:
        return struct.pack("<i", len(s)) + s.encode()

    head = struct.pack("<i", 2125659606) + text("vector") + text("standard") + struct.pack("<iiQqqq", 2, 0, 3, 0, 2, 2)
    state0 = struct.pack("<fq", float("inf"), 1) + struct.pack("<iifi", 90_000_000, 1, 0.0, 1)
    state1 = struct.pack("<fq", 0.0, 1) + struct.pack("<iifi", 90_000_000, 1, 0.0, 1)
    path.write_bytes(head + state0 + state1)


def shuffle_words(path: Path) -> None:
    words = [line.split()[0] for line in path.read_text("utf-8").splitlines()]
    path.write_text("".join(f"{w} {i}\n" for i, w in enumerate(reversed(words))), "utf-8")


def test_shipped_model_passes_its_own_check() -> None:
    report = check_model(MODEL, 60)
    assert (report.ok, report.error, report.warnings, report.rate) == (True, "", (), 8000)
    assert report.error_rate == 0.0


BAD: list[tuple[str, Callable[[Path], object], str]] = [
    ("no directory", shutil.rmtree, "no such directory"),
    ("acoustic model missing", lambda m: (m / "am/final.mdl").unlink(), "final.mdl: missing"),
    ("graph missing", lambda m: (m / "graph/HCLG.fst").unlink(), "HCLG.fst: missing"),
    ("configuration missing", lambda m: (m / "conf/mfcc.conf").unlink(), "mfcc.conf: missing"),
    ("words empty", lambda m: (m / "graph/words.txt").write_text(""), "words.txt: empty"),
    ("words without words", lambda m: (m / "graph/words.txt").write_text("<eps> 0\n"), "has no words"),
    ("download page", lambda m: (m / "am/final.mdl").write_text("<html>" * 99), "not a file of this kind"),
    ("acoustic model truncated", lambda m: cut(m / "am/final.mdl"), "could not load"),
    ("graph truncated", lambda m: cut(m / "graph/HCLG.fst"), "could not load"),
    ("words of another build", lambda m: shuffle_words(m / "graph/words.txt"), "self-check"),
    ("graph of another model", lambda m: foreign_graph(m / "graph/HCLG.fst"), "SIGSEGV"),
    ("self-check unreadable", lambda m: (m / "selfcheck.wav").write_bytes(b"RIFF"), "cannot be read"),
]


@pytest.mark.parametrize(("harm", "says"), [b[1:] for b in BAD], ids=[b[0] for b in BAD])
def test_bad_model_is_told_with_its_place_and_cure(model: Path, harm: Callable[[Path], object], says: str) -> None:
    harm(model)
    report = check_model(model, 60)
    assert not report.ok
    assert says in report.error
    assert str(model) in report.error
    assert any(cure in report.error for cure in ("copy the model again", "set the path"))


def test_check_that_hangs_is_ended(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    began = time.monotonic()
    report = check_model(model, 0.05)  # less than Python needs to start
    assert not report.ok
    assert "within 0.05 s" in report.error
    assert time.monotonic() - began < 10


def as_16k(model: Path, *, upsample: bool) -> None:
    """The model dressed as one for wide-band sound (mel bins stay within the telephone's band)."""
    conf = model / "conf/mfcc.conf"
    text = conf.read_text().replace("--sample-frequency=8000", "--sample-frequency=16000")
    conf.write_text(text.replace("--allow-upsample=true", f"--allow-upsample={str(upsample).lower()}"))


@pytest.mark.parametrize("upsample", [True, False])
def test_users_own_16k_model_works_on_telephone_sound(model: Path, upsample: bool) -> None:
    as_16k(model, upsample=upsample)
    report = check_model(model, 60)
    assert report.ok, report.error
    assert report.rate == 16000
    assert report.error_rate is not None and report.error_rate < 0.1
    assert bool(report.warnings) is not upsample
    for name in ("selfcheck.wav", "selfcheck.txt"):
        (model / name).unlink()
    assert check_model(model, 60).ok  # a public model has no self-check


def test_upsampling_keeps_a_tone_whatever_the_blocks() -> None:
    t = np.arange(8000) / 8000
    tone = np.round(8000 * np.sin(2 * np.pi * 440 * t)).astype("<i2").tobytes()
    whole = Upsampler(2)(tone)
    pieces = b"".join(map(Upsampler(2), [tone[i : i + 322] for i in range(0, len(tone), 322)]))
    assert whole == pieces
    y = np.frombuffer(whole, "<i2")
    assert len(y) == 16000
    spectrum = np.abs(np.fft.rfft(y[4000:12000].astype(float)))
    assert spectrum.argmax() * 2 == 440
    assert np.sort(spectrum)[-4] < spectrum.max() / 100


def test_words_have_times_and_confidence_and_rates_are_guarded() -> None:
    with wave.open(str(MODEL / "selfcheck.wav")) as f:
        data, seconds = f.readframes(f.getnframes()), f.getnframes() / f.getframerate()
    recognizer = VoskRecognizer(MODEL)
    blocks = [data[i : i + 3200] for i in range(0, len(data), 3200)]
    words = [w for u in recognizer.transcribe(blocks, 8000) for w in u.words]
    text = "".join(w.word for w in words)
    assert character_error_rate((MODEL / "selfcheck.txt").read_text("utf-8"), text) == 0
    assert all(0 <= w.start < w.end <= seconds and 0 < w.conf <= 1 for w in words)
    assert [w.start for w in words] == sorted(w.start for w in words)
    assert list(recognizer.transcribe([bytes(3200)] * 50, 8000)) == []
    assert list(recognizer.transcribe([], 8000)) == []
    for rate in (0, -8000):  # libvosk would hang or abort
        with pytest.raises(RecogniserError):
            list(recognizer.transcribe(blocks, rate))


def test_recogniser_never_goes_to_the_network_for_a_model(tmp_path: Path) -> None:
    with pytest.raises(RecogniserError, match="no such directory"):
        VoskRecognizer(tmp_path / "nothing")
