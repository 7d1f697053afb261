"""RTP for one G.711 stream: codec, paced sending, receiving by timestamp, telephone events."""

from ._codec import FRAME, PCMA, PCMU, RATE, SILENCE, Pcm, decode, encode
from ._packet import KEYS, Packet, event, parse, read_event
from ._receiver import Digit, Receiver
from ._sender import Sender
from ._session import RtpSession

__all__ = [
    "FRAME", "KEYS", "PCMA", "PCMU", "RATE", "SILENCE", "Digit", "Packet", "Pcm", "Receiver", "RtpSession",
    "Sender", "decode", "encode", "event", "parse", "read_event",
]  # fmt: skip
