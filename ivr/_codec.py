"""Flows and their version: canonical JSON in, the same value out."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace
from typing import Any

from ._model import KIND, Answer, Flow

FORMAT = 1
_CLASSES: dict[str, type] = {**{kind: cls for cls, kind in KIND.items()}, "answer": Answer, "flow": Flow}
_KINDS = {cls: kind for kind, cls in _CLASSES.items()}


def _plain(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        return {"is": _KINDS[type(value)], **{f.name: _plain(getattr(value, f.name)) for f in fields(value)}}
    if isinstance(value, Mapping):
        return {k: _plain(v) for k, v in value.items()}
    if isinstance(value, tuple):
        return [_plain(v) for v in value]
    return value


def _value(plain: Any) -> Any:
    if isinstance(plain, list):
        return tuple(_value(v) for v in plain)
    if isinstance(plain, dict):
        items = {k: _value(v) for k, v in plain.items()}
        kind = items.get("is")
        # A variable may be called "is" too; its value is then no kind of ours with all fields given.
        if isinstance(kind, str) and kind in _CLASSES:
            names = {f.name for f in fields(_CLASSES[kind])}
            if names == set(items) - {"is"}:
                return _CLASSES[kind](**{n: items[n] for n in names})
        return items
    return plain


def content_hash(flow: Flow) -> str:
    """The version that belongs to a flow's content; its own `version` does not count.

    The order of cases and answers counts, the order of nodes does not.
    """
    plain = _plain(replace(flow, version=""))
    plain["nodes"] = dict(sorted(plain["nodes"].items()))
    plain["texts"] = {k: dict(sorted(v.items())) for k, v in sorted(plain["texts"].items())}
    text = json.dumps([FORMAT, plain], ensure_ascii=True, separators=(",", ":"))
    return hashlib.sha256(text.encode("ascii")).hexdigest()[:12]


def flow_to_json(flow: Flow) -> str:
    """See `Flow.to_json`."""
    return json.dumps({"format": FORMAT, "flow": _plain(flow)}, ensure_ascii=False, separators=(",", ":"))


def flow_from_json(text: str) -> Flow:
    """See `Flow.from_json`."""
    try:
        data = json.loads(text)
        if not isinstance(data, dict) or data.get("format") != FORMAT:
            raise ValueError(f"this is not a flow in format {FORMAT}; was it written by another version?")
        flow = _value(data["flow"])
        if not isinstance(flow, Flow) or content_hash(flow) != flow.version:
            raise ValueError("the flow's content does not match its version; load it from its file again")
    except (KeyError, TypeError, AttributeError, RecursionError) as e:
        raise ValueError(f"this is no flow as to_json writes it ({type(e).__name__})") from None
    return flow
