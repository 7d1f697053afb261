"""Demo phones: small SIP and RTP user agents for the demonstration and the tests.

`Phone` is one SIP user, `OutgoingCall` and `IncomingCall` are its calls, with real audio both ways.
`SeatPhone`, `LinePhone` and `Caller` play the roles of the demonstration by a script of `Say`, `Press`,
`Listen`, `Wait` and `Until` steps.
"""

from ._audio import CallEnded, Ended
from ._call import Call
from ._hearing import rms, tones_in
from ._incoming import IncomingCall
from ._listening import hears_exactly
from ._manners import Manner, behave
from ._outgoing import OutgoingCall
from ._people import Caller, CallReport, LinePhone, SeatPhone
from ._phone import Phone, RegistrationFailed
from ._refer import Referral, ReferRefused
from ._script import HangUp, Listen, Press, Progress, Say, StayOn, Step, Until, Voice, Wait
from ._sip import Headers, SipError, Timers
from ._tones import TONES, ToneSpan

__all__ = [
    "TONES", "Call", "CallEnded", "CallReport", "Caller", "Ended", "HangUp", "Headers", "IncomingCall", "LinePhone",
    "Listen", "Manner", "OutgoingCall", "Phone", "Press", "Progress", "ReferRefused", "Referral",
    "RegistrationFailed", "Say", "SeatPhone", "SipError", "StayOn", "Step", "Timers", "ToneSpan", "Until", "Voice",
    "Wait", "behave", "hears_exactly", "rms", "tones_in",
]  # fmt: skip
