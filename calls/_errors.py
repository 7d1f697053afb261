"""Why an order cannot be carried out."""

from __future__ import annotations


class OrderError(ValueError):
    """An order that cannot be carried out now; `code` is for machines.

    Of seats, calls back, modes: no-such-call, not-waiting, not-talking, no-number, seat-talking, running, no-routing.
    Of further parties: too-late, no-caller, full, no-entry, entry-disabled, entry-closed, number-not-allowed,
    no-such-seat, no-such-centre, seat-busy, nobody-has-skill, no-party, not-in-consult, nothing-held, not-joined,
    supervisor-busy, bad-order.
    """

    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.code = code
