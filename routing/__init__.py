"""Pure matching: skills, seats, waiting callers, offers. No clock, no I/O, no switch."""

from ._callback_rules import Callback, CallbackError, CallbackRules
from ._callbacks import CallbackBook
from ._centres import CIRCLES, Centre, CentreTree, kind_of, parent_of
from ._demand import Demand, Skills, Step
from ._dialable import Dialable, PatternError
from ._directory import (
    EMERGENCY_RING,
    MOST_TRIES,
    OWN_TRIES,
    RING,
    TRUNK_PREFIX,
    Advice,
    Directory,
    DirectoryError,
    Entry,
    Trunk,
)
from ._directory import KINDS as ENTRY_KINDS
from ._dispatcher import Dispatcher
from ._estimate import Estimator
from ._facts import EMERGENCY, Facts, HistoryRules, Past, national, national_prefix, past
from ._hours import ALWAYS, Hours, Spans, local_time, parse_spans, unix
from ._leader import LeaderDay
from ._lines import LINE_PREFIX, NUMBER_ENTRY, Line, Try
from ._matters import HERE, Matter
from ._model import POINT_SECONDS, CentreLimit, Match, OfferOutcome, Policy, Seat, SeatState, Waiting
from ._modes import MODES, NORMAL, Incident, Load, ModeConfig, ModeControl, ModeState, Threshold
from ._plain import Check, checks_of, held, hold, is_number
from ._plan import THIRD_STEPS, NumberRule, Plan, RoutingBook, Skill
from ._restriction_rules import ENDED as RESTRICTION_ENDS
from ._restriction_rules import REASONS as RESTRICTION_REASONS
from ._restriction_rules import VARIANTS as RESTRICTION_VARIANTS
from ._restriction_rules import Mark, Restriction, RestrictionError, RestrictionRules, same_person
from ._restrictions import RestrictionBook
from ._rules import DEFAULT_RULE, MARKS, Modifier, Rule, StepRule, When
from ._seats import TABLE as SEAT_TABLE
from ._seats import SeatError, move
from ._waiting import BreakReason, WaitingRules
from ._workdays import Day, WorkCalendar

__all__ = [
    "ALWAYS",
    "CIRCLES",
    "DEFAULT_RULE",
    "EMERGENCY",
    "EMERGENCY_RING",
    "ENTRY_KINDS",
    "HERE",
    "LINE_PREFIX",
    "MARKS",
    "MODES",
    "MOST_TRIES",
    "NORMAL",
    "NUMBER_ENTRY",
    "OWN_TRIES",
    "POINT_SECONDS",
    "RESTRICTION_ENDS",
    "RESTRICTION_REASONS",
    "RESTRICTION_VARIANTS",
    "RING",
    "SEAT_TABLE",
    "THIRD_STEPS",
    "TRUNK_PREFIX",
    "Advice",
    "BreakReason",
    "Callback",
    "CallbackBook",
    "CallbackError",
    "CallbackRules",
    "Centre",
    "CentreLimit",
    "CentreTree",
    "Check",
    "Day",
    "Demand",
    "Dialable",
    "Directory",
    "DirectoryError",
    "Dispatcher",
    "Entry",
    "Estimator",
    "Facts",
    "HistoryRules",
    "Hours",
    "Incident",
    "LeaderDay",
    "Line",
    "Load",
    "Mark",
    "Match",
    "Matter",
    "ModeConfig",
    "ModeControl",
    "ModeState",
    "Modifier",
    "NumberRule",
    "OfferOutcome",
    "Past",
    "PatternError",
    "Plan",
    "Policy",
    "Restriction",
    "RestrictionBook",
    "RestrictionError",
    "RestrictionRules",
    "RoutingBook",
    "Rule",
    "Seat",
    "SeatError",
    "SeatState",
    "Skill",
    "Skills",
    "Spans",
    "Step",
    "StepRule",
    "Threshold",
    "Trunk",
    "Try",
    "Waiting",
    "WaitingRules",
    "When",
    "WorkCalendar",
    "checks_of",
    "held",
    "hold",
    "is_number",
    "kind_of",
    "local_time",
    "move",
    "national",
    "national_prefix",
    "parent_of",
    "parse_spans",
    "past",
    "same_person",
    "unix",
]
