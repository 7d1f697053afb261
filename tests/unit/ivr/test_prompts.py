"""Audio of prompts: a site's recordings first, the voice for the rest, nothing twice, nothing half."""

from __future__ import annotations

import io
import os
import stat
import wave
from pathlib import Path

import numpy as np
import pytest
import soundfile

import ivr
from ivr.prompts import PromptBuildError, build_prompts
from ivr.prompts import _audio as audio
from ivr.prompts import _espeak as espeak
from ivr.prompts import _reading as reading

FEW = ("greeting", "voicemail-beep", "connecting")


@pytest.fixture
def few(prompts: ivr.PromptLibrary) -> ivr.PromptLibrary:
    return ivr.PromptLibrary({n: prompts[n] for n in FEW})


def read(path: Path) -> tuple[np.ndarray, wave._wave_params]:
    with wave.open(str(path)) as w:
        return np.frombuffer(w.readframes(10**9), "<i2") / 32768, w.getparams()


def speech(seconds: float, rate: int) -> np.ndarray:
    return 0.3 * np.sin(2 * np.pi * 440 * np.arange(int(seconds * rate)) / rate)


@pytest.fixture
def fake_espeak(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An espeak-ng that notes its calls; its first call crashes, as the real one does now and then."""
    sound = io.BytesIO()
    soundfile.write(sound, np.pad(speech(0.5, 22050), 3000), 22050, "PCM_16", format="WAV")
    (tmp_path / "sound.wav").write_bytes(sound.getvalue())
    program = tmp_path / "bin/espeak-ng"
    program.parent.mkdir()
    program.write_text(
        f"#!/bin/sh\necho \"$@\" >>{tmp_path}/calls\n[ -e {tmp_path}/broken ] && kill -SEGV $$\n"
        f"mkdir {tmp_path}/crashed 2>/dev/null && kill -SEGV $$\ncat {tmp_path}/sound.wav\n"
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}{os.pathsep}{os.environ['PATH']}")
    return tmp_path


def test_missing_prompts_are_spoken_and_a_crash_of_the_voice_is_survived(
    few: ivr.PromptLibrary, fake_espeak: Path
) -> None:
    seen: list[tuple[int, int, str]] = []
    out = fake_espeak / "out"
    report = build_prompts(few, fake_espeak / "site", out, progress=lambda *a: seen.append(a))
    assert report.spoken == tuple(sorted(f"{lang}/{p}" for lang in ("zh", "en") for p in FEW))
    assert report.problems == ()
    assert [n for n, _, _ in seen] == [1, 2, 3, 4, 5, 6]
    assert {total for _, total, _ in seen} == {6}
    for path in out.glob("*/*.wav"):
        _, params = read(path)
        assert (params.nchannels, params.sampwidth, params.framerate) == (1, 2, 8000)
        assert stat.S_IMODE(path.stat().st_mode) == 0o644
    assert not list(out.glob("*/.*")), "temporary files are left"


def test_nothing_is_made_twice_and_a_changed_text_is_made_again(few: ivr.PromptLibrary, fake_espeak: Path) -> None:
    site, out = fake_espeak / "site", fake_espeak / "out"
    build_prompts(few, site, out)
    calls = (fake_espeak / "calls").read_text()
    assert len(build_prompts(few, site, out).kept) == 6
    assert (fake_espeak / "calls").read_text() == calls
    other = ivr.PromptLibrary({**few.prompts, "greeting": ivr.Prompt("greeting", {"zh": "早上好", "en": "Hello"})})
    assert build_prompts(other, site, out).spoken == ("en/greeting", "zh/greeting")
    assert build_prompts(other, site, out, voices={**espeak.VOICES, "en": espeak.Voice("en-gb", 150)}).spoken == (
        "en/connecting", "en/greeting",
    )  # fmt: skip


def test_a_damaged_or_lost_output_is_made_again(few: ivr.PromptLibrary, fake_espeak: Path) -> None:
    site, out = fake_espeak / "site", fake_espeak / "out"
    build_prompts(few, site, out)
    target = out / "zh/greeting.wav"
    target.write_bytes(target.read_bytes()[:100])
    (out / "en/greeting.wav").unlink()
    assert build_prompts(few, site, out).spoken == ("en/greeting", "zh/greeting")


@pytest.mark.parametrize(("ending", "rate", "channels"), [("wav", 44100, 2), ("flac", 16000, 1), ("wav", 8000, 1)])
def test_a_recording_replaces_the_voice_file_by_file(
    few: ivr.PromptLibrary, fake_espeak: Path, ending: str, rate: int, channels: int
) -> None:
    site, out = fake_espeak / "site", fake_espeak / "out"
    build_prompts(few, site, out)
    (site / "zh").mkdir(parents=True)
    sound = np.repeat(speech(1.0, rate)[:, None], channels, 1)
    soundfile.write(site / f"zh/greeting.{ending}", sound, rate, "PCM_16")
    report = build_prompts(few, site, out)
    assert (report.recorded, len(report.kept), report.spoken) == (("zh/greeting",), 5, ())
    x, params = read(out / "zh/greeting.wav")
    assert (params.nchannels, params.sampwidth, params.framerate) == (1, 2, 8000)
    assert abs(len(x) - 8000) <= 1
    middle = x[2000:6000]
    assert np.abs(np.fft.rfft(middle)).argmax() == 220  # 440 Hz in half a second
    assert np.sqrt((middle**2).mean()) == pytest.approx(0.3 / np.sqrt(2), rel=0.01)  # its own level
    (site / f"zh/greeting.{ending}").unlink()
    assert build_prompts(few, site, out).spoken == ("zh/greeting",)


@pytest.mark.parametrize("damage", ["noise", "empty", "short wav", "short flac", "silent", "nan", "mp3 name"])
def test_a_bad_recording_is_named_and_the_voice_used(few: ivr.PromptLibrary, fake_espeak: Path, damage: str) -> None:
    site, out = fake_espeak / "site", fake_espeak / "out"
    path = site / "zh" / ("greeting.flac" if "flac" in damage else "greeting.wav")
    path.parent.mkdir(parents=True)
    sound = {"silent": np.zeros(8000), "nan": np.full(8000, np.nan)}.get(damage, speech(1, 8000))
    soundfile.write(path, sound, 8000, "FLOAT" if damage == "nan" else "PCM_16")
    whole = path.read_bytes()
    if damage in ("noise", "empty"):
        path.write_bytes(np.random.default_rng(1).bytes(5000) if damage == "noise" else b"")
    elif "short" in damage:
        path.write_bytes(whole[: len(whole) // 2])
    elif damage == "mp3 name":
        path.write_bytes(b"ID3\x03" + whole)
    report = build_prompts(few, site, out)
    assert len(report.problems) == 1
    assert report.problems[0].startswith(f"{path}: it ")
    assert "zh/greeting" in report.spoken
    assert read(out / "zh/greeting.wav")[0].any()
    again = build_prompts(few, site, out)
    assert again.problems == report.problems, "a bad recording must not be forgotten on the next run"
    assert "zh/greeting" in again.kept


def test_recordings_that_no_prompt_uses_are_told(few: ivr.PromptLibrary, fake_espeak: Path) -> None:
    site = fake_espeak / "site"
    (site / "zh").mkdir(parents=True)
    for name in ("greting.wav", "connecting.WAV", "greeting.wav", "greeting.flac"):
        soundfile.write(site / "zh" / name, speech(1, 8000), 8000, "PCM_16")
    (site / "zh/readme.txt").write_text("not a sound")
    problems = build_prompts(few, site, fake_espeak / "out").problems
    assert len(problems) == 3
    assert "did you mean greeting?" in "".join(problems)


def test_a_missing_voice_is_a_clear_error_and_recordings_are_still_made(
    few: ivr.PromptLibrary, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    (tmp_path / "site/zh").mkdir(parents=True)
    soundfile.write(tmp_path / "site/zh/greeting.wav", speech(1, 8000), 8000, "PCM_16")
    with pytest.raises(PromptBuildError, match=r"3 of 6 prompts .*\s*espeak-ng is not installed.*apt install"):
        build_prompts(few, tmp_path / "site", tmp_path / "out")
    assert (tmp_path / "out/zh/greeting.wav").exists()


def test_a_voice_that_always_crashes_is_an_error_after_three_tries(
    few: ivr.PromptLibrary, fake_espeak: Path
) -> None:
    (fake_espeak / "broken").touch()
    with pytest.raises(PromptBuildError, match="failed 3 times"):
        build_prompts(few, fake_espeak / "site", fake_espeak / "out")
    assert len((fake_espeak / "calls").read_text().splitlines()) == 12
    assert not list((fake_espeak / "out").glob("*/greeting.*"))


def test_a_place_that_cannot_be_written_is_a_clear_error(few: ivr.PromptLibrary, fake_espeak: Path) -> None:
    (fake_espeak / "out").write_text("a file, not a directory")
    with pytest.raises(PromptBuildError, match="cannot be written"):
        build_prompts(few, fake_espeak / "site", fake_espeak / "out")


@pytest.mark.parametrize(
    ("text", "pinyin"),
    [
        ("您好，浙江12345热线。", "nin2 hao3, zhe4 jiang1 yao1 er4 san1 si4 wu3 re4 xian4."),
        ("请按1", "qing3 an4 yi1"),
        ("18位", "shi2 ba1 wei4"),
        ("20、30", "er4 shi2, san1 shi2"),
        ("110", "yao1 yao1 ling2"),
        ("0", "ling2"),
        ("。！你好", "ni2 hao3"),
        ("按#", "an4 jing3 hao4"),
    ],
)
def test_chinese_is_read_as_people_read_it(text: str, pinyin: str) -> None:
    assert reading.chinese(text) == pinyin


def test_english_numbers_are_read_digit_by_digit() -> None:
    assert reading.english("Zhejiang 12345, press 1, in 30 days.") == "Zhejiang 1 2 3 4 5, press 1, in 30 days."


def test_the_greeting_is_short_and_at_the_usual_level(prompts: ivr.PromptLibrary, tmp_path: Path) -> None:
    """With the real espeak-ng: callers wait for a person, not for a speech."""
    build_prompts(ivr.PromptLibrary({"greeting": prompts["greeting"]}), tmp_path, tmp_path / "out")
    x, _ = read(tmp_path / "out/zh/greeting.wav")
    assert 1.5 < len(x) / 8000 <= 2.6
    loud = audio._loudness(x)
    active = loud[loud > loud.max() * 0.01]
    assert 20 * np.log10(np.sqrt((active**2).mean())) == pytest.approx(-18, abs=1.5)
    assert np.abs(x).max() <= 0.96
    assert loud[:1].max() < 0.01, "the first 10 ms are quiet"


@pytest.mark.parametrize("rate", [8000, 11025, 16000, 22050, 44100, 48000, 7999])
def test_resampling_keeps_length_pitch_and_level(rate: int) -> None:
    x = audio.resample(speech(1.0, rate), rate)
    assert abs(len(x) - 8000) <= 1
    middle = x[2000:6000]
    assert np.abs(np.fft.rfft(middle)).argmax() == 220
    assert np.sqrt((middle**2).mean()) == pytest.approx(0.3 / np.sqrt(2), rel=0.01)


def test_what_a_telephone_cannot_carry_is_not_folded_into_speech() -> None:
    x = np.sin(2 * np.pi * 7000 * np.arange(48000) / 48000)
    assert np.abs(audio.resample(x, 48000)[500:-500]).max() < 0.001
