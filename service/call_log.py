"""One log line for each call that ends, and, at level debug, one for each thing that happens to it.

Always with the call's id, so that everything about one call is found with one search; never with a
number, a name or a word.
"""

from __future__ import annotations

import logging

import structlog

import calls

_log = structlog.get_logger("hotline.call")
_plain = logging.getLogger("hotline.call")
_TOLD = frozenset(
    {
        "seat",
        "why",
        "cause",
        "flow",
        "state",
        "step",
        "level",
        "free",
        "what",
        "position",
        "seconds",
        "waited",
        "reason",
    }
)
"""Details that are codes and figures of ours; `by` may be a person."""
_ENDS = frozenset({"caller_left", "not_reached", "callback_dropped"})


class CallLog:
    """An observer of the engine."""

    def __init__(self) -> None:
        self._shown: dict[str, int] = {}

    def on_change(self, change: calls.Change) -> None:
        """See calls.Engine.observe."""
        debug = _plain.isEnabledFor(logging.DEBUG)
        for call in change.calls:
            if debug:
                for moment in call.timeline[self._shown.get(call.id, 0) :]:
                    told = {k: v for k, v in moment.detail if k in _TOLD}
                    _log.debug(f"call.{moment.what}", call=call.id, **told)
                self._shown[call.id] = len(call.timeline)
            if call.ended_at is not None and call.timeline[-1].what in _ENDS:
                waited = call.joined_at if call.joined_at is not None else call.ended_at
                since = call.waiting_since
                _log.info(
                    "call.left", call=call.id, outcome=call.outcome, seat=call.seat, offers=call.offers,
                    direction=call.direction,
                    seconds=round(call.ended_at - call.arrived_at, 1),
                    waited=round(waited - since, 1) if since is not None else None,
                )  # fmt: skip
            if call.state is calls.CallState.ENDED:
                self._shown.pop(call.id, None)
