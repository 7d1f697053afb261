"""When a tone is said to begin and end is held against when it truly did."""

import time
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from demo import TONES, hears_exactly, tones_in
from demo import _rtp as rtp
from demo._rtp import Pcm
from demo._tones import RINGING, kind_of, tone_spans

from .test_calls import PATIENCE, connect, pair

LEVEL = 0.1 * 32_767
EDGE = 0.01 * 8000


def mix(seconds: float, *parts: tuple[float, float, float]) -> Pcm:
    """Tones as (Hz, from, until) in seconds, through A-law as on the line."""
    audio, at = np.zeros(round(seconds * 8000)), np.arange(round(seconds * 8000))
    for frequency, begin, end in parts:
        sounds = (at >= round(begin * 8000)) & (at < round(end * 8000))
        audio += np.where(sounds, np.sin(2 * np.pi * frequency / 8000 * at) * LEVEL, 0)
    return rtp.decode(rtp.encode(np.rint(audio).astype(np.int16), rtp.PCMA), rtp.PCMA)


def music(seconds: float, seed: int = 1) -> Pcm:
    """Chords of tempered notes that change four times a second."""
    chooser, at = np.random.default_rng(seed), np.arange(2000)
    chords = []
    for _ in range(round(seconds * 4)):
        notes = 440 * 2 ** (chooser.integers(-12, 30, 4) / 12)
        chords.append(sum(np.sin(2 * np.pi * note / 8000 * at) * 2000 for note in notes))
    made: Pcm = np.rint(np.concatenate(chords)).astype(np.int16)
    return made


def test_the_tones_are_no_notes_and_far_enough_from_each_other() -> None:
    for tone in TONES:
        semitones = 12 * np.log2(tone / 440)
        assert abs(semitones % 1 - 0.5) < 0.02
    assert all(b - a > 100 for a, b in pairwise(TONES))
    for tone in TONES:
        assert not any(abs(tone - k * other) < 60 for other in TONES for k in (2, 3) if other != tone)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from(TONES), st.integers(5, 100), st.integers(10, 100)),
        max_size=6,
        unique_by=lambda x: x[0],
    )
)
def test_every_tone_is_found_once_with_true_edges_whatever_else_sounds(parts: list[tuple[float, int, int]]) -> None:
    planned = {tone: (begin / 100, (begin + length) / 100) for tone, begin, length in parts}
    found = tone_spans(mix(2.2, *((tone, *span) for tone, span in planned.items())), TONES)
    assert sorted(tone for tone, _, _ in found) == sorted(planned)
    for tone, first, last in found:
        begin, end = planned[tone]
        assert abs(first - begin * 8000) <= EDGE, (tone, first / 8000, begin)
        assert abs(last - end * 8000) <= EDGE, (tone, last / 8000, end)


@pytest.mark.parametrize("gap", [0.05, 0.08, 0.2])
def test_a_gap_splits_a_tone_and_is_as_long_as_it_was(gap: float) -> None:
    one, two = tone_spans(mix(2, (538.6, 0.2, 0.8), (538.6, 0.8 + gap, 1.7)), TONES)
    assert abs((two[1] - one[2]) / 8000 - gap) <= 0.02


def test_a_lost_packet_is_no_gap() -> None:
    audio = mix(1, (538.6, 0.2, 0.8))
    audio[4000:4160] = 0
    assert len(tone_spans(audio, TONES)) == 1


def test_a_tone_that_sounds_at_the_end_goes_to_the_end() -> None:
    for end in (1.0, 1.01, 1.013):
        audio = mix(end, (538.6, 0.3, 2))
        ((_, _, last),) = tone_spans(audio, TONES)
        assert last == len(audio)
    assert tone_spans(mix(1, (538.6, 0.3, 0.97)), TONES)[0][2] < 8000


@pytest.mark.parametrize("seed", range(5))
def test_music_is_none_of_the_tones(seed: int) -> None:
    audio = music(4, seed)
    for begin in range(0, 30_000, 800):
        assert tones_in(audio[begin : begin + 1600], TONES) == frozenset(), begin
    assert [span for span in tone_spans(audio, TONES) if span[2] - span[1] > 1600] == []
    assert kind_of(audio[:4000], TONES) == "sound"


def test_kinds_of_sound() -> None:
    assert kind_of(np.zeros(4000, np.int16)) == "silence"
    assert kind_of(mix(0.5, (RINGING, 0, 1))) == "ringing"
    assert kind_of(mix(0.5, (538.6, 0, 1), (959.6, 0, 1)), TONES) == "tones"
    assert kind_of(mix(0.5, (538.6, 0, 1)), TONES[1:]) == "sound"
    assert kind_of(mix(0.5, (538.6, 0, 1))) == "sound"


@given(st.lists(st.tuples(st.integers(1, 400), st.integers(0, 60)), min_size=1, max_size=30), st.integers(0, 2**32 - 1))
def test_the_time_of_a_sample_is_its_packets_arrival_and_never_runs_back(
    steps: list[tuple[int, int]], stamp: int
) -> None:
    """Whatever came late, was lost or jumped: later samples are not said to have come earlier."""
    receiver, at, expected = rtp.Receiver(), 1000.0, []
    for wait, jump in steps:
        at += wait / 1000
        stamp = (stamp + 160 * (1 + jump)) & 0xFFFFFFFF
        receiver.packet(bytes(rtp.Packet(rtp.PCMA, 0, stamp, 1, b"\xd5" * 160)), at)
        expected.append((receiver.end - 160, at))
    for sample, came in expected:
        assert receiver.when(sample) == pytest.approx(came)
        assert receiver.when(sample + 159) == pytest.approx(came + 159 / 8000)
    assert rtp.Receiver().when(5) == 0.0


async def test_the_log_of_a_call_tells_when_tones_began_and_ended() -> None:
    async with pair() as (a, b):
        call, other = await connect(a, b)
        await call.wait_for_audio(0, PATIENCE)
        began = time.time()
        other.tone(538.6, 0.1)
        await call.wait_for_tone(538.6, PATIENCE)
        assert [(one.frequency, one.ended) for one in call.tone_log(TONES)] == [(538.6, None)]
        changed = time.time()
        other.tone(959.6, 0.1)
        await call.wait_for_tone(959.6, PATIENCE)
        other.stop()
        await hears_exactly(call, [], of=TONES, timeout=PATIENCE)
        first, second = call.tone_log(TONES)
        assert (first.frequency, second.frequency) == (538.6, 959.6)
        assert first.ended and second.ended
        # Never before it was sent; how much later is the machine's affair (edges are true to 10 ms).
        assert began - 0.01 <= first.began < first.ended and changed - 0.01 <= second.began < second.ended
        (one, _, end), (two, begin, _) = tone_spans(call.heard(), TONES)
        assert (one, two) == (538.6, 959.6) and abs(begin - end) <= EDGE, "one follows the other without a gap"
        assert call.tone_log(TONES, since=first.ended + 0.05) == [second]


async def test_a_tone_whose_packets_stop_has_ended() -> None:
    async with pair() as (a, b):
        call, other = await connect(a, b)
        other.tone(538.6, 0.1)
        await call.wait_for_tone(538.6, PATIENCE)
        held = time.time()
        await call.hold()  # the other side sends nothing at all now
        await call.wait_for_kind("silence", PATIENCE)
        (span,) = call.tone_log(TONES)
        assert span.ended and span.ended >= held - 0.05
        assert call.heard_level() == 0


async def test_levels_and_kinds_of_what_is_heard_now() -> None:
    async with pair() as (a, b):
        call, other = await connect(a, b)
        assert call.heard_kind() == "silence" and call.heard_level() < 60
        other.tone(RINGING)
        await call.wait_for_kind("ringing", PATIENCE)
        assert 4000 < call.heard_level() < 7000
        other.tone(538.6)
        await call.wait_for_kind("tones", PATIENCE, tones=TONES)
        with pytest.raises(TimeoutError):
            await call.wait_for_kind("sound", 0.7, tones=TONES)
        other.stop()
        await other.play(music(2))
        assert call.heard_kind(1.0, TONES) == "sound"


async def test_exactly_means_no_less_no_more_and_not_for_a_moment_only() -> None:
    async with pair() as (a, b):
        call, other = await connect(a, b)
        await hears_exactly(call, [], of=TONES, timeout=PATIENCE)
        other.tone(538.6, 0.1)
        await hears_exactly(call, [538.6], of=TONES, timeout=PATIENCE)
        with pytest.raises(TimeoutError, match=r"heard at last \[538.6\]"):
            await hears_exactly(call, [538.6, 959.6], of=TONES, timeout=1)
        with pytest.raises(TimeoutError):
            await hears_exactly(call, [], of=TONES, timeout=1)

        other.stop()
        await hears_exactly(call, [], of=TONES, timeout=PATIENCE)
        turns = [((538.6, 959.6)[n % 2], n * 0.2, n * 0.2 + 0.2) for n in range(30)]
        flicker = other.play(mix(6, *turns))
        with pytest.raises(TimeoutError):
            await hears_exactly(call, [538.6], of=TONES, timeout=3)
        assert not flicker.done()
