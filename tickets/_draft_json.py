"""A draft as plain JSON values, in the shape of `hotline draft`."""

from __future__ import annotations

from typing import Any

from ._model import Draft


def draft_json(draft: Draft) -> dict[str, Any]:
    """The draft under fixed keys; None where unknown. Whole sums of money are whole numbers."""
    return {
        "kind": draft.kind.value,
        "title": draft.title,
        "content": draft.content,
        "region": draft.region,
        "address": draft.address,
        "emergency": draft.emergency,
        "lawful_channel": draft.channel,
        "handling": draft.handling,
        "due": draft.due,
        "unit": draft.unit,
        "catalogue": draft.catalogue,
        "caller": {"surname": draft.surname, "phone": draft.phone},
        "amounts": [int(one) if one == int(one) else one for one in draft.amounts],
        "language": draft.language,
        "repeat": draft.again or bool(draft.repeats),
        "uncertain": [{"field": one.field, "why": one.why.value, "heard": one.heard} for one in draft.uncertain],
    }
