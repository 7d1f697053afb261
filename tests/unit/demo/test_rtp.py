import asyncio
import warnings
from collections.abc import Iterator
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from demo import _rtp as rtp
from demo import rms, tones_in
from demo._hearing import loud_span
from demo._resample import resample

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)
    audioop = pytest.importorskip("audioop")  # gone in Python 3.13


def sine(frequency: float, seconds: float = 1.0, rate: int = 8000, level: float = 8000) -> rtp.Pcm:
    return np.rint(np.sin(2 * np.pi * frequency / rate * np.arange(round(rate * seconds))) * level).astype(np.int16)


@pytest.mark.parametrize(("codec", "law"), [(rtp.PCMA, "alaw"), (rtp.PCMU, "ulaw")])
def test_every_sample_is_coded_as_g711_says(codec: int, law: str) -> None:
    every = np.arange(-32768, 32768).astype(np.int16)
    assert rtp.encode(every, codec) == getattr(audioop, f"lin2{law}")(every.tobytes(), 2)
    codes = bytes(range(256))
    assert rtp.decode(codes, codec).tobytes() == getattr(audioop, f"{law}2lin")(codes, 2)


def packets(audio: rtp.Pcm, stamp: int = 0, ssrc: int = 1) -> Iterator[tuple[bytes, float]]:
    """20 ms packets and the seconds at which they should arrive."""
    for number in range(len(audio) // 160):
        payload = rtp.encode(audio[number * 160 : number * 160 + 160], rtp.PCMA)
        at = (stamp + number * 160) & 0xFFFFFFFF
        yield bytes(rtp.Packet(rtp.PCMA, (65530 + number) & 0xFFFF, at, ssrc, payload)), 100 + number * 0.02


def loop_back(audio: rtp.Pcm) -> rtp.Pcm:
    return rtp.decode(rtp.encode(audio, rtp.PCMA), rtp.PCMA)


@given(st.permutations(range(1, 20)), st.sets(st.integers(1, 18)), st.sampled_from([0, 2**32 - 1000]))
def test_shuffled_doubled_and_lost_packets_land_where_their_timestamps_say(
    order: list[int], lost: set[int], stamp: int
) -> None:
    audio = sine(440, 0.4)
    made = list(packets(audio, stamp))
    receiver = rtp.Receiver()
    for number in [0, *(one for one in order if one not in lost), 19, 19]:
        receiver.packet(made[number][0], 100 + number * 0.02)
    expected = loop_back(audio)
    for number in lost:
        expected[number * 160 : number * 160 + 160] = 0
    assert np.array_equal(receiver.pcm(), expected)
    assert receiver.started_at == 100


def test_a_new_stream_goes_on_by_the_clock_and_overwrites_nothing() -> None:
    receiver = rtp.Receiver()
    first, second = sine(440, 0.2), sine(1000, 0.2)
    for data, at in packets(first, 5000, ssrc=1):
        receiver.packet(data, at)
    for data, at in packets(second, 77, ssrc=2):
        receiver.packet(data, at + 1.0)
    heard = receiver.pcm()
    assert np.array_equal(heard[:1600], loop_back(first))
    assert not heard[1600:8000].any()
    assert np.array_equal(heard[8000:], loop_back(second))


@pytest.mark.parametrize("jump", [10_000_000, -10_000_000])
def test_a_jump_of_timestamps_makes_no_hours_of_silence(jump: int) -> None:
    receiver = rtp.Receiver()
    audio = sine(440, 0.2)
    for data, at in packets(audio, 20_000_000):
        receiver.packet(data, at)
    for data, at in packets(audio, 20_000_000 + jump):
        receiver.packet(data, at + 0.2)
    assert receiver.end == 3200


def test_a_late_loop_does_not_shift_audio() -> None:
    """Packets read three seconds late in a row are still placed by their timestamps."""
    receiver = rtp.Receiver()
    audio = sine(440, 0.4)
    for number, (data, _) in enumerate(packets(audio)):
        receiver.packet(data, 100 if number == 0 else 103)
    assert np.array_equal(receiver.pcm(), loop_back(audio))


@given(st.binary(max_size=80))
def test_garbage_on_the_rtp_port_is_survived(data: bytes) -> None:
    receiver = rtp.Receiver()
    receiver.dtmf = 101
    for one in (data, b"\x80\x08" + data, b"\x90\x08" + data, b"\xb0\xe5" + data):
        receiver.packet(one, 1.0)
    assert receiver.end <= 8000


def test_rtcp_is_not_heard_as_audio() -> None:
    assert rtp.parse(b"\x80\xc8" + bytes(26)) is None


async def test_a_key_press_is_one_event_with_marker_one_timestamp_and_three_ends() -> None:
    sender = rtp.Sender()
    sender.dtmf = 101
    sender.packets()
    done = sender.press("5", 0.1, 0.04)
    made = [packet for _ in range(9) for packet in sender.packets()]
    events = [packet for packet in made if packet.payload_type == 101]
    assert [packet.marker for packet in events] == [True] + [False] * 6
    assert len({packet.timestamp for packet in events}) == 1
    assert [rtp.read_event(packet.payload) for packet in events] == [
        ("5", 160 * n, n == 5) for n in (1, 2, 3, 4, 5, 5, 5)
    ]
    numbers = [packet.sequence for packet in made]
    assert [(b - a) & 0xFFFF for a, b in pairwise(numbers)] == [1] * (len(made) - 1)
    audio = [packet for packet in made if packet.payload_type == 8]
    assert (audio[0].timestamp - events[0].timestamp) & 0xFFFFFFFF == 5 * 160  # the clock ran on
    assert audio[0].marker is False  # no silence before it: the event was sound
    assert done.done()


async def test_a_key_is_heard_once_even_if_only_one_of_its_packets_arrives() -> None:
    for lost in range(6):
        sender, receiver = rtp.Sender(), rtp.Receiver()
        sender.dtmf = receiver.dtmf = 101
        sender.press("1", 0.06, 0.06)
        sender.press("1", 0.06, 0.06)
        made = [packet for _ in range(12) for packet in sender.packets()]
        seen = 0
        for packet in made:
            seen = seen + 1 if packet.payload_type == 101 else 0
            if packet.payload_type != 101 or seen > lost - 1:
                receiver.packet(bytes(packet), 1.0)
        assert [digit.key for digit in receiver.digits] == (["1", "1"] if lost < 6 else [])


async def test_speech_tone_and_silence_follow_each_other_without_gaps() -> None:
    sender = rtp.Sender()
    sender.tone(1000)
    speech = np.full(200, 5000, np.int16)
    done = sender.play(speech)
    frames = [sender.packets()[0] for _ in range(2)]
    assert not done.done()
    frames.append(sender.packets()[0])
    assert done.result() is True
    sender.stop()
    frames.append(sender.packets()[0])
    heard = np.concatenate([rtp.decode(frame.payload, 8) for frame in frames])
    assert np.array_equal(heard[:200], loop_back(speech))
    assert rms(heard[320:480]) > 4000 and rms(heard[480:]) < 10
    stamps = [frame.timestamp for frame in frames]
    assert {(b - a) & 0xFFFFFFFF for a, b in pairwise(stamps)} == {160}


async def test_stopping_frees_who_waits_for_speech_and_keys() -> None:
    sender = rtp.Sender()
    speech, key = sender.play(sine(440)), sender.press("1", 0.1, 0.1)
    sender.close()
    assert speech.result() is False and key.result() is False


async def test_the_sender_keeps_its_rate_after_the_loop_was_late(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a clock of our own: 20 ms a packet, short delays are caught up, long ones shift the schedule."""
    loop = asyncio.get_running_loop()
    session = rtp.RtpSession("127.0.0.1", lambda error: pytest.fail(repr(error)))
    sent: list[bytes] = []
    now = 1000.0
    monkeypatch.setattr(loop, "time", lambda: now)
    monkeypatch.setattr(loop, "call_at", lambda when, call: asyncio.TimerHandle(when, call, (), loop))
    monkeypatch.setattr(session._socket, "send", lambda data, to: sent.append(data))
    session.remote = ("127.0.0.1", 9)
    session.start()
    for late in (0, 0.003, 0.001, 0.05, 0, 0):
        now = session._next + late
        session._tick()
    assert len(sent) == 7 + 2 and session.slips == 0
    assert session._next == pytest.approx(1000.0 + 9 * 0.02)
    now += 1.0
    session._tick()
    assert len(sent) == 9 + 5 and session.slips == 1 and session._next == pytest.approx(now + 0.02)
    session.close()


def test_tones_are_told_apart_and_speech_like_noise_is_none() -> None:
    both = (sine(440) // 2 + sine(1000) // 2).astype(np.int16)
    assert tones_in(both[:1600], [350, 440, 620, 1000]) == {440, 1000}
    noise = np.random.default_rng(1).normal(0, 3000, 1600).astype(np.int16)
    assert tones_in(noise, [440, 1000, 2000]) == frozenset()
    assert tones_in(np.zeros(1600, np.int16), [440]) == frozenset()


def test_the_loud_part_is_found() -> None:
    audio = np.concatenate([np.zeros(800, np.int16), sine(440, 0.2), np.zeros(800, np.int16)])
    assert loud_span(audio, 300) == (1600, 2400)


@pytest.mark.parametrize("rate", [16_000, 22_050, 44_100])
def test_resampling_keeps_pitch_and_level_and_lets_nothing_fold_back(rate: int) -> None:
    kept = resample(sine(1000, rate=rate), rate)
    assert len(kept) == 8000
    assert np.abs(kept[200:-200].astype(int) - sine(1000)[200:-200]).max() < 40
    assert rms(resample(sine(5000, rate=rate), rate)[200:-200]) < 8
