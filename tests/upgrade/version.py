"""`hotline` of this version, or of a next one whose journal this version cannot read; quicker to notice the others.

The next format is what such a step is in truth: an event that matters (a caller waits) has another kind.
"""

from __future__ import annotations

import calls
import service.app
from calls import events
from calls.events import Codec
from calls.formats import FORMAT
from calls.journal import RedisJournal


def main(format_: int) -> None:
    """Runs `hotline` with the arguments of the command line."""
    service.app.TELL_SECONDS = 0.3
    if format_ != FORMAT:
        for one in (calls.Lease, calls.RedisJournal, calls.Formats):
            one.__init__.__kwdefaults__["reads"] = format_
        events.OLD_KINDS["Queued"] = events.Waits
        RedisJournal._encoded = staticmethod(_encoded)  # type: ignore[method-assign]
    from service.cli import main as hotline

    hotline()


def _encoded(event: events.Event, level: int) -> str:
    text = Codec.encode(event)
    return text.replace('"e":"Waits"', '"e":"Queued"') if level > FORMAT else text
