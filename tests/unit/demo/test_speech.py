import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from demo import speech
from demo._hearing import levels


def test_text_becomes_pinyin_with_tones_pauses_and_numbers() -> None:
    assert speech.pinyin_of("路灯坏了3天，电话12345。") == (
        "lu4 deng1 huai4 le5 san1 tian1, dian4 hua4 yi1 er4 san1 si4 wu3."
    )
    assert speech.pinyin_of("“15日”、绿！！") == "shi2 wu3 ri4, lü4!"


@pytest.mark.parametrize(
    ("digits", "read"), [("0", "零"), ("10", "十"), ("15", "十五"), ("20", "二十"), ("05", "零五"), ("110", "一一零")]
)
def test_short_numbers_are_read_as_numbers_and_long_ones_by_digit(digits: str, read: str) -> None:
    assert speech._number(digits) == read


@pytest.mark.parametrize("bad", [{"text": "…"}, {"text": "好", "speed": 9}, {"text": "好", "voice": "../x"}])
def test_what_cannot_be_spoken_is_refused(bad: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="speech"):
        speech.speak(**bad)


needs_espeak = pytest.mark.skipif(shutil.which("espeak-ng") is None, reason="espeak-ng is not installed")


@needs_espeak
def test_a_sentence_becomes_telephone_audio_and_a_comma_a_pause() -> None:
    joined, parted = speech.speak("路灯坏了"), speech.speak("路灯，坏了")
    assert joined.dtype == np.int16 and 0.6 < len(joined) / 8000 < 2.5
    assert 15_000 < np.abs(joined.astype(int)).max() <= 16_000
    assert len(parted) > len(joined) + 1000
    quiet = [level < 100 for level in levels(parted)[5:-5]]
    assert "1111" in "".join("1" if one else "0" for one in quiet)


@needs_espeak
def test_the_cache_is_used_and_a_broken_file_in_it_is_made_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = speech.speak("hello", lang="en", cache_dir=tmp_path)
    (kept,) = tmp_path.iterdir()
    kept.write_bytes(kept.read_bytes()[:100])
    assert np.array_equal(speech.speak("hello", lang="en", cache_dir=tmp_path), first)
    monkeypatch.setattr(speech, "_synthesise", lambda *_: pytest.fail("not from the cache"))
    assert np.array_equal(speech.speak("hello", lang="en", cache_dir=tmp_path), first)


@needs_espeak
def test_a_crash_is_tried_again_and_many_are_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    run, crashes = subprocess.run, [2]

    def crash(*args: Any, **more: Any) -> Any:
        crashes[0] -= 1
        if crashes[0] >= 0:
            return subprocess.CompletedProcess(args, -11, b"", b"")
        return run(*args, **more)

    monkeypatch.setattr(subprocess, "run", crash)
    assert len(speech.speak("hi", lang="en"))
    crashes[0] = 99
    with pytest.raises(speech.SpeechError, match="-11"):
        speech.speak("hi", lang="en")


def test_a_missing_espeak_says_how_to_mend_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda _: None)
    with pytest.raises(speech.SpeechError, match="apt install"):
        speech.speak("好")
