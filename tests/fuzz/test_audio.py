"""Sound that is none: raw recordings of odd sizes, cut short, garbage, links and directories; FLAC and WAV files with
spoilt headers; manifests and transcripts that are none. A recording becomes a set, or the reason is said; the raw file
of one that failed stays, and the next recording is finished."""

from __future__ import annotations

import contextlib
import io
import os
import tracemalloc
import wave
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from hypothesis import example, given
from hypothesis import strategies as st

from ivr.prompts._site import RecordingError as PromptError
from ivr.prompts._site import decode
from recordings import Job, RecordingError
from recordings._audio import blocks, frames_of, raw_to_flac
from recordings._gate import Gate
from recordings._tail import Tail
from recordings._vault import Vault
from tests.fuzz.hostile import LONG, changed, fuzz, rng, torn, values
from tickets import Transcript, TranscriptError

C = "hotline-1763932131.12"
RATE = 8000


def tone(frames: int = 4000) -> bytes:
    x = (np.sin(np.arange(frames) / 5) * 9000).astype("<i2")
    return np.stack([x, x], axis=1).tobytes()


def stage(root: Path, raw: bytes, call: str = C) -> tuple[Vault, Job, Path]:
    spool = root / "spool"
    spool.mkdir(parents=True, exist_ok=True)
    path = spool / f"{call}.raw"
    path.write_bytes(raw)
    vault = Vault(root / "vault", spool, settle=0.0, patience=0.0)
    return vault, Job(call, str(path), RATE, 1_763_932_131.0, 1_763_932_132.0, ()), path


def whole(vault: Vault, job: Job, raw: bytes) -> None:
    """What was sealed is what was recorded, to the last whole frame."""
    manifest = vault.manifest(job.call)
    assert manifest is not None
    assert (manifest["audio"]["frames"], manifest["raw"]["cut"]) == divmod(len(raw), 4)
    audio = vault.audio(job.call)
    assert audio is not None and vault.verify(job.call)
    data, _ = soundfile.read(str(audio), dtype="int16", always_2d=True)
    assert data.astype("<i2").tobytes()[: len(raw) - len(raw) % 4] == raw[: len(raw) - len(raw) % 4]
    for channel in (0, 1):
        for start, end in ((0.0, 9.0), (-5.0, 0.1), (0.2, 0.1), (1e9, 2e9)):
            assert sum(len(b) for b in blocks(audio, channel, start, end)) <= len(raw) + 4


@example(raw=b"")
@example(raw=b"\x00")
@example(raw=tone()[:-1])
@example(raw=b"RIFF\xff\xff\xff\xffWAVEfmt ")
@example(raw=b"fLaC" + b"\xff" * 200)
@given(raw=st.binary(max_size=3000))
@fuzz(25)
def test_any_bytes_of_the_switch_become_a_recording(tmp_path_factory: pytest.TempPathFactory, raw: bytes) -> None:
    vault, job, path = stage(tmp_path_factory.mktemp("a"), raw)
    vault.finalise(job)
    whole(vault, job, raw)
    assert not path.exists()
    vault.finalise(job)  # again: the same set


def test_a_long_recording_is_read_in_blocks(tmp_path: Path) -> None:
    raw = os.urandom(4_000_001)
    vault, job, _ = stage(tmp_path, raw)
    tracemalloc.start()
    vault.finalise(job)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2_500_000
    whole(vault, job, raw)


@pytest.mark.parametrize("kind", ["a link", "a link to the world", "a directory", "a pipe", "nothing", "elsewhere"])
def test_what_is_no_plain_file_is_refused_and_the_next_is_finished(tmp_path: Path, kind: str) -> None:
    vault, job, path = stage(tmp_path, b"")
    path.unlink()
    match kind:
        case "a link":
            path.symlink_to(tmp_path / "spool" / "x")
        case "a link to the world":
            path.symlink_to("/etc/hostname")
        case "a directory":
            path.mkdir()
        case "a pipe":
            os.mkfifo(path)
        case "elsewhere":
            job = Job(C, "/etc/hostname", RATE, job.answered, job.ended, ())
    with pytest.raises((RecordingError, OSError)):
        vault.finalise(job)
    raw = tone()
    _, other, _ = stage(tmp_path, raw, "hotline-1763932131.13")
    vault.finalise(other)
    whole(vault, other, raw)


def test_spoilt_sound_and_manifests_are_said(tmp_path: Path) -> None:
    dice = rng(41)
    for n in range(400 if LONG else 12):
        vault, job, _ = stage(tmp_path / str(n), tone())
        vault.finalise(job)
        folder = vault.folder(C)
        assert folder is not None
        for name in ("manifest.json", "transcript.json", "audio.flac"):
            path = folder / name
            good = path.read_bytes() if path.exists() else b"{}"
            path.write_bytes(dice.choice([torn(good, dice), b"", b"[" * 5000, good[: dice.randint(0, len(good))]]))
            for look in (vault.manifest, vault.transcript, vault.job, vault.audio, vault.verify):
                with contextlib.suppress(RecordingError):
                    look(C)
            path.write_bytes(good)
        (folder / "audio.flac").write_bytes(torn((folder / "audio.flac").read_bytes(), dice))
        with contextlib.suppress(soundfile.LibsndfileError):
            list(blocks(folder / "audio.flac", 0, 0, 5))
            frames_of(folder / "audio.flac")


@given(rest=st.lists(st.binary(max_size=700), max_size=6), behind=st.one_of(st.none(), st.floats(0, 2)))
@fuzz(25)
def test_a_growing_file_is_followed_frame_by_frame(
    tmp_path_factory: pytest.TempPathFactory, rest: list[bytes], behind: float | None
) -> None:
    path = tmp_path_factory.mktemp("t") / "x.raw"
    tail, got, gate = Tail(str(path), behind), 0, Gate()
    for n, data in enumerate(rest):
        with path.open("ab") as f:
            f.write(data)
        samples = tail.read()
        got += len(samples)
        assert all(np.isfinite(x.samples).all() for x in gate.feed(samples))
        if n == 3:
            os.truncate(path, 1)  # the switch began anew
    tail.close()
    assert got <= sum(map(len, rest)) // 4


# ---------------------------------------------------------------------- prompts of the site
def wav(rate: int = 8000, width: int = 2, channels: int = 1, frames: int = 2000) -> bytes:
    out = io.BytesIO()
    with wave.open(out, "wb") as w:
        w.setnchannels(channels)
        w.setsampwidth(width)
        w.setframerate(rate)
        w.writeframes((np.sin(np.arange(frames * channels) / 5) * 9000).astype("<i2").tobytes() * (width // 2 or 1))
    return out.getvalue()


def heard(data: bytes, ending: str) -> None:
    try:
        x = decode(data, ending)
    except PromptError as refusal:
        assert str(refusal) and len(str(refusal)) < 400
    else:
        assert len(x) and np.all(np.isfinite(x))


@example(data=wav()[:44], ending=".wav")
@example(data=wav(rate=0xFFFF_FFF), ending=".wav")
@example(data=b"RIFF" + b"\xff" * 60, ending=".wav")
@given(data=st.one_of(st.binary(max_size=200), st.integers(0, 60).flatmap(
    lambda at: st.binary(min_size=1, max_size=8).map(lambda b: wav()[:at] + b + wav()[at + len(b):]))),
    ending=st.sampled_from([".wav", ".flac", ".ogg", ".x"]))
@fuzz(120)
def test_a_prompt_is_sound_or_refused(data: bytes, ending: str) -> None:
    heard(data, ending)


def test_torn_prompts_are_sound_or_refused() -> None:
    dice = rng(42)
    flac = io.BytesIO()
    soundfile.write(flac, np.sin(np.arange(3000) / 5), 8000, format="FLAC")
    for _ in range(3000 if LONG else 60):
        raw = dice.choice([wav(), wav(44100, 2, 2), flac.getvalue()])
        heard(torn(raw, dice), dice.choice([".wav", ".flac"]))


# ---------------------------------------------------------------------- transcripts
WORDS = {"version": 1, "call": C, "model": "m", "duration": 3.0, "segments": [
    {"party": "caller", "seat": None, "start": 0.0, "end": 1.0, "text": "路灯坏了", "confidence": 0.9,
     "words": [{"word": "路灯", "start": 0.0, "end": 0.5, "conf": 0.9}], "who": None, "kind": None}]}  # fmt: skip


@given(data=st.one_of(values, changed(WORDS)))
@fuzz(120)
def test_a_transcript_is_one_or_is_not(data: Any) -> None:
    try:
        found: Any = Transcript.from_json(data)
    except TranscriptError:
        return
    for segment in found.segments:
        assert isinstance(segment.text, str) and isinstance(segment.start, float | int)


def test_no_frame_is_made_of_two_halves(tmp_path: Path) -> None:
    raw = bytes(range(256)) * 40
    for cut in range(8):
        with io.BytesIO(raw[: len(raw) - cut]) as source:
            frames, odd = raw_to_flac(source, tmp_path / f"{cut}.flac", RATE)
        assert (frames, odd) == divmod(len(raw) - cut, 4)
