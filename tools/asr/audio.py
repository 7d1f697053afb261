"""Features (must agree with conf/mfcc.conf), telephone line and noises. Samples are floats at 16-bit scale."""

from __future__ import annotations

import wave
from pathlib import Path

import numpy as np
from scipy.signal import butter, lfilter

RATE = 8000
COEFFICIENTS = 32
_LOW, _HIGH = 100, 3700
MFCC_CONF = f"""\
--use-energy=false
--sample-frequency={RATE}
--num-mel-bins={COEFFICIENTS}
--num-ceps={COEFFICIENTS}
--low-freq={_LOW}
--high-freq={_HIGH}
--dither=0
--allow-downsample=true
--allow-upsample=true
"""
_BAND = butter(3, [300, 3400], "bandpass", fs=RATE)


def mfcc(pcm: np.ndarray) -> np.ndarray:
    """Kaldi's MFCC: (frames of 10 ms, coefficients)."""
    import kaldi_native_fbank as knf  # only training needs it

    o = knf.MfccOptions()
    o.frame_opts.samp_freq = RATE
    o.frame_opts.dither = 0
    o.frame_opts.snip_edges = True
    o.mel_opts.num_bins = COEFFICIENTS
    o.mel_opts.low_freq, o.mel_opts.high_freq = _LOW, _HIGH
    o.num_ceps = COEFFICIENTS
    o.use_energy = False
    f = knf.OnlineMfcc(o)
    f.accept_waveform(RATE, np.asarray(pcm, np.float32).tolist())
    f.input_finished()
    frames = [f.get_frame(i) for i in range(f.num_frames_ready)]
    return np.stack(frames) if frames else np.zeros((0, COEFFICIENTS), np.float32)


def alaw(x: np.ndarray) -> np.ndarray:
    """There and back through G.711 A-law."""
    a_const = 87.6
    y = np.clip(x / 32768.0, -1, 1)
    size = np.abs(y)
    scale = 1 + np.log(a_const)
    code = np.where(size < 1 / a_const, a_const * size / scale, (1 + np.log(np.maximum(a_const * size, 1e-9))) / scale)
    q = (np.floor(code * 128).clip(0, 127) + 0.5) / 128
    back = np.where(q < 1 / scale, q * scale / a_const, np.exp(q * scale - 1) / a_const)
    return np.sign(y) * back * 32768.0


def telephone(x: np.ndarray) -> np.ndarray:
    """The band of a telephone, 300-3400 Hz."""
    return np.asarray(lfilter(*_BAND, x))


def level(x: np.ndarray) -> float:
    """Root mean square of the parts that are not silence."""
    size = np.abs(x)
    loud = x[size > 0.05 * (size.max() + 1e-9)]
    return float(np.sqrt(np.mean(loud**2))) if len(loud) else 1e-9


def noise(
    rng: np.random.Generator, n: int, kind: str | None = None, babble: list[np.ndarray] | None = None
) -> np.ndarray:
    """`n` samples of noise with RMS 1: white, pink, brown, hum, tones (line signals) or babble of given voices."""
    kind = kind or str(rng.choice(["white", "white", "pink", "pink", "brown", "hum", "tones", "babble"]))
    if kind == "babble" and babble:
        y = np.zeros(n)
        for _ in range(rng.integers(3, 7)):
            b = babble[rng.integers(len(babble))]
            y += np.roll(np.resize(b, n), rng.integers(n)) * rng.uniform(0.4, 1)
    elif kind == "tones":
        y = _tones(rng, n)
    elif kind == "hum":
        t = np.arange(n) / RATE
        y = rng.normal(0, 0.2, n)
        for k in range(1, 9):
            y = y + rng.uniform(0, 1) * np.sin(2 * np.pi * 50 * k * t + rng.uniform(0, 6))
    else:
        tilt = {"white": 0.0, "pink": 0.5, "brown": 1.0}.get(kind, 0.5)
        f = np.fft.rfftfreq(n)
        f[0] = f[1] if n > 1 else 1
        y = np.fft.irfft(np.fft.rfft(rng.normal(0, 1, n)) / f**tilt, n)
    return np.asarray(y / (np.sqrt(np.mean(y**2)) + 1e-9))


def _tones(rng: np.random.Generator, n: int) -> np.ndarray:
    """Ring-back, busy and DTMF: gated sines."""
    t, y, k = np.arange(n) / RATE, np.zeros(n), 0
    on, off = rng.choice([(1.0, 4.0), (0.35, 0.35), (0.1, 0.1), (0.2, 0.3), (9.0, 0.0)])
    while k < n:
        e = min(n, k + int(on * RATE * rng.uniform(0.8, 1.2)))
        keys = (rng.choice([697, 770, 852, 941]), rng.choice([1209, 1336, 1477]))
        for f in (450,) if on >= 0.35 else keys:
            y[k:e] += np.sin(2 * np.pi * f * t[k:e])
        k = e + int(off * RATE * rng.uniform(0.8, 1.2)) + 1
    return y + rng.normal(0, 10 ** rng.uniform(-4, -1), n)


def write_wav(path: Path, y: np.ndarray) -> None:
    """8 kHz mono 16 bit."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with wave.open(str(path), "wb") as w:
        w.setnchannels(1)
        w.setsampwidth(2)
        w.setframerate(RATE)
        w.writeframes(np.round(np.clip(y, -32768, 32767)).astype("<i2").tobytes())
