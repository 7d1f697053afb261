"""Flows as data: files with good errors, a pure interpreter, pictures. Audio is made by `ivr.prompts`.

    flow = load_flow(Path("config/flows/default.yaml"), load_prompts(Path("config/prompts/prompts.yaml")))
    session, outputs = start(flow, {"dialled": "12345"}, now)
    session, outputs = step(flow, session, DigitPressed("0"), now)
"""

from ._book import FlowLibrary, ReloadReport
from ._draw import draw, tree
from ._interpreter import start, step
from ._library import SYSTEM_PROMPTS, Prompt, PromptLibrary, Tone, load_prompts, parse_prompts
from ._load import load_book, load_flow, parse_flow
from ._model import FACTS, LANGUAGES, Emergency, Entry, Flow, FlowBook, PromptRef, RouteTo
from ._problems import FlowError, Problem
from ._talk import (
    ArmTimer,
    CancelTimer,
    DigitPressed,
    HangUp,
    HeardWords,
    Input,
    LeaveVoicemail,
    Output,
    Phase,
    Play,
    PromptsDone,
    RingEmergency,
    Session,
    StopPlaying,
    TimedOut,
)
from ._try import Outcome, try_flow

__all__ = [
    "FACTS",
    "LANGUAGES",
    "SYSTEM_PROMPTS",
    "ArmTimer",
    "CancelTimer",
    "DigitPressed",
    "Emergency",
    "Entry",
    "Flow",
    "FlowBook",
    "FlowError",
    "FlowLibrary",
    "HangUp",
    "HeardWords",
    "Input",
    "LeaveVoicemail",
    "Outcome",
    "Output",
    "Phase",
    "Play",
    "Problem",
    "Prompt",
    "PromptLibrary",
    "PromptRef",
    "PromptsDone",
    "ReloadReport",
    "RingEmergency",
    "RouteTo",
    "Session",
    "StopPlaying",
    "TimedOut",
    "Tone",
    "draw",
    "load_book",
    "load_flow",
    "load_prompts",
    "parse_flow",
    "parse_prompts",
    "start",
    "step",
    "tree",
    "try_flow",
]
