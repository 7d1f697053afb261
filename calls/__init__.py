"""The heart: one call's life as a pure state machine, its journal, its reconciliation with the switch."""

from . import commands, events
from ._admission import Admission, Crowd, Knock, Limits, TrunkLimit
from ._errors import OrderError
from ._handover import Handover, HandoverBook, HandoverError, HandoverIssuer, IssueCounts
from ._told import Change, Counters
from ._uui import call_of_case, case_of, clean_case, decode_uui, encode_uui, own_case
from ._words import busy, too_often
from ._words import files as spoken
from .clock import Steady
from .codec import call_json
from .engine import Engine
from .formats import FORMAT, Formats
from .host import Host
from .journal import MemoryJournal, RedisJournal
from .lease import Guarded, Holder, Lease
from .machine import CallError, FlowSource, Rules, step
from .model import LIVE, OUTBOUND, Call, CallState, Leg, LegState, Moment, Offer, Party, PartyState
from .ports import Batch, ChannelView, Entry, Fenced, Journal, JournalError, Place, Snapshot, Switch
from .reconcile import leg_id, reconcile, split_leg

__all__ = [
    "FORMAT",
    "LIVE",
    "OUTBOUND",
    "Admission",
    "Batch",
    "Call",
    "CallError",
    "CallState",
    "Change",
    "ChannelView",
    "Counters",
    "Crowd",
    "Engine",
    "Entry",
    "Fenced",
    "FlowSource",
    "Formats",
    "Guarded",
    "Handover",
    "HandoverBook",
    "HandoverError",
    "HandoverIssuer",
    "Holder",
    "Host",
    "IssueCounts",
    "Journal",
    "JournalError",
    "Knock",
    "Lease",
    "Leg",
    "LegState",
    "Limits",
    "MemoryJournal",
    "Moment",
    "Offer",
    "OrderError",
    "Party",
    "PartyState",
    "Place",
    "RedisJournal",
    "Rules",
    "Snapshot",
    "Steady",
    "Switch",
    "TrunkLimit",
    "busy",
    "call_json",
    "call_of_case",
    "case_of",
    "clean_case",
    "commands",
    "decode_uui",
    "encode_uui",
    "events",
    "leg_id",
    "own_case",
    "reconcile",
    "split_leg",
    "spoken",
    "step",
    "too_often",
]
