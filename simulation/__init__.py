"""The real dispatcher in simulated time: staffing, rules and their effect before anybody calls.

Never part of a running service: `hotline simulate` and the tests use it.
"""

from ._app_queue import run_app_queue
from ._draw import Callers, draw
from ._history import HistoryError, PastCall, model_of_history
from ._law import Law
from ._model import AppQueue, Model
from ._ours import run_ours
from ._outcome import Outcome
from ._parse import ModelError, parse_model
from ._picture import PictureError, draw_comparison, draw_day
from ._result import CLOCK, Result, Row, summarise
from ._run import comparison, simulate

__all__ = [
    "CLOCK",
    "AppQueue",
    "Callers",
    "HistoryError",
    "Law",
    "Model",
    "ModelError",
    "Outcome",
    "PastCall",
    "PictureError",
    "Result",
    "Row",
    "comparison",
    "draw",
    "draw_comparison",
    "draw_day",
    "model_of_history",
    "parse_model",
    "run_app_queue",
    "run_ours",
    "simulate",
    "summarise",
]
