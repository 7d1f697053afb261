"""The gate lets every word through, whatever the blocks, and leaves the recogniser in peace while nobody speaks."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recordings._gate import Gate, Heard
from recordings._tail import Tail

RATE = 8000


def noise(seconds: float, level: float, seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, level, round(seconds * RATE)).astype(np.int16)


def passed(gate: Gate, samples: np.ndarray, step: int = 8192) -> list[Heard]:
    return [h for i in range(0, len(samples), step) for h in gate.feed(samples[i : i + step])]


def seconds(heard: list[Heard]) -> float:
    return sum(len(h.samples) for h in heard) / RATE


@pytest.mark.parametrize("level", [0.0, 5.0, 30.0, 90.0])
def test_a_silent_or_softly_humming_line_gives_nothing_to_recognise(level: float) -> None:
    assert passed(Gate(), noise(20, level)) == []


def test_a_click_does_not_open_the_gate() -> None:
    line = noise(4, 10)
    line[16_000:16_240] = 12_000
    assert passed(Gate(), line) == []


@pytest.mark.parametrize("speech", [250.0, 600.0, 3000.0])
def test_speech_passes_whole_with_its_beginning_and_ends_half_a_second_after_it(speech: float) -> None:
    line = np.concatenate([noise(2, 20), noise(1.5, speech, 2), noise(3, 20)])
    heard = passed(Gate(0.5), line)
    assert [h.over for h in heard][-1] and sum(h.over for h in heard) == 1
    assert heard[0].at < 2.0  # some of what was before the first loud frame
    assert 3.9 <= heard[-1].at + len(heard[-1].samples) / RATE <= 4.3
    whole = np.concatenate([h.samples for h in heard])
    start = round(heard[0].at * RATE)
    assert np.array_equal(whole, line[start : start + len(whole)])


def test_a_line_that_is_always_loud_is_always_listened_to() -> None:
    """Somebody may be shouting beside a fire: the noise never counts as silence."""
    assert seconds(passed(Gate(), noise(30, 700))) > 29


def test_speech_over_steady_noise_opens_again_once_the_noise_is_known() -> None:
    line = np.concatenate([noise(10, 150), noise(1, 1500, 2), noise(2, 150)])
    heard = passed(Gate(), line)
    assert any(h.at <= 10 <= h.at + len(h.samples) / RATE for h in heard)
    assert heard[-1].over


@settings(deadline=None, max_examples=40)
@given(
    st.lists(st.tuples(st.floats(0.02, 1.5), st.sampled_from([0.0, 15.0, 400.0, 4000.0])), min_size=1, max_size=6),
    st.lists(st.integers(1, 9000), min_size=1, max_size=8),
)
def test_what_passes_does_not_depend_on_the_blocks(parts: list[tuple[float, float]], steps: list[int]) -> None:
    line = np.concatenate([noise(s, level, i) for i, (s, level) in enumerate(parts)])
    gate, at, pieces = Gate(), 0, []
    for i in range(len(line)):
        if at >= len(line):
            break
        step = steps[i % len(steps)]
        pieces += list(gate.feed(line[at : at + step]))
        at += step
    whole = list(Gate().feed(line))
    assert np.array_equal(_all(pieces), _all(whole))
    assert [round(h.at + len(h.samples) / RATE, 3) for h in pieces if h.over] == [
        round(h.at + len(h.samples) / RATE, 3) for h in whole if h.over
    ]
    for h in pieces:  # every piece is where it says it is
        start = round(h.at * RATE)
        assert np.array_equal(h.samples, line[start : start + len(h.samples)])


def _all(heard: list[Heard]) -> np.ndarray:
    return np.concatenate([h.samples for h in heard]) if heard else np.zeros(0, np.int16)


# ------------------------------------------------------------------ following a file
def stereo(left: np.ndarray) -> bytes:
    return np.stack([left, np.full(len(left), 999)], axis=1).astype("<i2").tobytes()


def test_a_growing_file_gives_the_callers_side_once_even_when_cut_in_mid_frame(tmp_path: Path) -> None:
    path = tmp_path / "c.raw"
    tail, left, got = Tail(str(path)), np.arange(5000, dtype=np.int16), []
    assert len(tail.read()) == 0  # not there yet: the switch begins it with the first sound
    data = stereo(left)
    with path.open("wb", buffering=0) as f:
        for i in range(0, len(data), 3001):
            f.write(data[i : i + 3001])
            got.append(tail.read())
    assert np.array_equal(np.concatenate(got), left)
    assert len(tail.read()) == 0


def test_a_call_found_after_a_restart_is_followed_from_shortly_before_now(tmp_path: Path) -> None:
    path = tmp_path / "c.raw"
    left = np.arange(20_000, dtype=np.int16)
    path.write_bytes(stereo(left) + b"\1")
    tail = Tail(str(path), behind=1.0)
    assert np.array_equal(tail.read(), left[12_000:])
    assert tail.skipped == pytest.approx(1.5, abs=0.001)


def test_links_and_devices_are_not_followed(tmp_path: Path) -> None:
    (tmp_path / "link.raw").symlink_to("/etc/hostname")
    os.mkfifo(tmp_path / "pipe.raw")
    for name in ("link.raw", "pipe.raw"):
        with pytest.raises(OSError, match=r"plain|symbolic"):
            Tail(str(tmp_path / name)).read()
