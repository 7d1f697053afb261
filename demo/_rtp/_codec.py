"""A-law and µ-law (ITU-T G.711) by table: one look-up a sample in each direction."""

import numpy as np
import numpy.typing as npt

Pcm = npt.NDArray[np.int16]
"""Linear audio: int16, 8000 samples/s, one channel."""

RATE = 8000
FRAME = 160
"""Samples in one 20 ms packet."""
PCMU, PCMA = 0, 8


def _alaw_decoder() -> Pcm:
    code = np.arange(256, dtype=np.int32) ^ 0x55
    exponent, mantissa = (code & 0x70) >> 4, code & 0x0F
    base = np.where(exponent == 0, 8, 0x108) + (mantissa << 4)
    size = base << np.maximum(exponent - 1, 0)
    table: Pcm = np.where(code & 0x80, size, -size).astype(np.int16)
    return table


def _ulaw_decoder() -> Pcm:
    code = ~np.arange(256, dtype=np.int32) & 0xFF
    size = ((((code & 0x0F) << 3) + 0x84) << ((code & 0x70) >> 4)) - 0x84
    table: Pcm = np.where(code & 0x80, -size, size).astype(np.int16)
    return table


def _segment(size: npt.NDArray[np.int32], first: int) -> npt.NDArray[np.int32]:
    """Index of the chord: how often `size` must be halved to fall below `first`."""
    edges = first << np.arange(7)
    chord: npt.NDArray[np.int32] = np.searchsorted(edges, size, side="right").astype(np.int32)
    return chord


def _alaw_encoder() -> npt.NDArray[np.uint8]:
    pcm = np.arange(65_536, dtype=np.int32).astype(np.uint16).view(np.int16).astype(np.int32)
    size = np.where(pcm >= 0, pcm >> 3, ~(pcm >> 3))  # 13 bits; negative ones mirrored about -0.5
    chord = _segment(size, 0x20)
    low = np.where(chord < 2, size >> 1, size >> np.maximum(chord, 1)) & 0x0F
    table: npt.NDArray[np.uint8] = (((chord << 4) | low) ^ np.where(pcm >= 0, 0xD5, 0x55)).astype(np.uint8)
    return table


def _ulaw_encoder() -> npt.NDArray[np.uint8]:
    pcm = np.arange(65_536, dtype=np.int32).astype(np.uint16).view(np.int16).astype(np.int32)
    size = np.minimum(np.abs(pcm >> 2), 8158) + 0x21  # 14 bits plus the bias
    chord = _segment(size, 0x40)
    low = (size >> (chord + 1)) & 0x0F
    table: npt.NDArray[np.uint8] = (((chord << 4) | low) ^ np.where(pcm >= 0, 0xFF, 0x7F)).astype(np.uint8)
    return table


_DECODE = {PCMA: _alaw_decoder(), PCMU: _ulaw_decoder()}
_ENCODE = {PCMA: _alaw_encoder(), PCMU: _ulaw_encoder()}
SILENCE = {PCMA: b"\xd5", PCMU: b"\xff"}
"""One encoded sample of silence."""


def decode(payload: bytes, codec: int) -> Pcm:
    """G.711 bytes to int16 samples; `codec` is 8 (A-law) or 0 (µ-law)."""
    pcm: Pcm = _DECODE[codec][np.frombuffer(payload, np.uint8)]
    return pcm


def encode(pcm: Pcm, codec: int) -> bytes:
    """int16 samples to G.711 bytes; `codec` is 8 (A-law) or 0 (µ-law)."""
    samples: npt.NDArray[np.uint16] = np.ascontiguousarray(pcm, np.int16).view(np.uint16)
    return bytes(_ENCODE[codec][samples])
