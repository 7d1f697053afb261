"""What all fuzzing shares: how long, from which seed, hostile values, and how memory is looked at.

FUZZ=long        many more examples, another seed each run; FUZZ_SEED=<number> repeats a run
"""

from __future__ import annotations

import gc
import os
import random
import sys
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st

LONG = os.environ.get("FUZZ", "") == "long"
SEED = int(os.environ.get("FUZZ_SEED") or random.SystemRandom().randrange(2**32)) if LONG else 0
FACTOR = float(os.environ.get("FUZZ_FACTOR") or 40) if LONG else 1.0
QUIET = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large,
         HealthCheck.large_base_example, HealthCheck.filter_too_much]  # fmt: skip


def fuzz(examples: int) -> settings:
    """So many examples in `make test`, always the same ones; FACTOR times as many, new ones, in `make fuzz`."""
    phases = [Phase.explicit, Phase.generate, Phase.target, Phase.shrink]
    return settings(
        max_examples=max(1, int(examples * FACTOR)), deadline=None, suppress_health_check=QUIET, phases=phases,
        derandomize=not LONG, database=None, print_blob=True,
    )  # fmt: skip


def rng(salt: int = 0) -> random.Random:
    """For what is mutated by hand."""
    return random.Random(SEED + salt)


# ---------------------------------------------------------------------- values
NASTY = (
    "", " ", "0", "-1", "1" * 40, "9" * 5000, "NaN", "Infinity", "-0.0", "1e999", "null", "true", "<unknown>", "\r\n",
    "a\r\nAction: Originate\r\n\r\n", "a\nEvent: Hangup", "\0", "a\0b", "\\r\\n", "\\", "\\\\", '"', "'", "`id`",
    "$(id)", "${SHELL(id)}", "%0d%0aAction:%20Command", "%00", "%", "%zz", "%e7%81", ",", "a,b=c", "a&b", "a|b", ";--",
    "' OR 1=1 --", "../../etc/passwd", "..", "/", "~", "a~b~c", "~~", "a~~1", "+", "a+b", "\ufeff", "\u202e", "\u2028",
    "\ud800", "\U0001f4a9", "鹿城区路灯不亮", "１２３４５", "٣", "²", "١٢", "<script>", "x" * 65, "x" * 1000,
    "x" * 70_000,
    "灯" * 400, "\x1b[2J", "\x7f", "\x85", "a" * 32 + "@" + "b" * 32, "PJSIP/x-1,HL_FLOW_1=x", "leg-a~8001~1",
)  # fmt: skip
"""Texts that have broken something somewhere: line ends, injections, numbers of other scripts, lengths."""

nasty = st.sampled_from(NASTY)
texts = st.one_of(nasty, st.text(max_size=40), st.text(alphabet="~+-._,;:/@%&=\\\"'<>$(){}[]\r\n\0 a1灯", max_size=30))
scalars = st.one_of(
    st.none(), st.booleans(), st.integers(-(2**70), 2**70), st.floats(), texts,
    st.sampled_from([10**400, -(10**30), 0, 1, 2**31, 2**53 + 1, 1e308, float("nan"), float("inf")]),
)  # fmt: skip
values = st.recursive(
    scalars,
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(texts, inner, max_size=4)),
    max_leaves=8,
)
"""Any value that JSON or YAML can have."""


def deep(depth: int = 20_000) -> str:
    """JSON nested deeper than any reader may follow."""
    return "[" * depth


def places(data: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Where there is a value, at any depth: the top is ()."""
    yield at
    if isinstance(data, dict):
        for key, value in data.items():
            yield from places(value, (*at, key))
    elif isinstance(data, list):
        for number, value in enumerate(data):
            yield from places(value, (*at, number))


def put(data: Any, at: tuple[Any, ...], value: Any, how: str) -> Any:
    """A copy with one place changed. `how`: replace | remove | rename | twice."""
    if not at:
        return value if how == "replace" else data
    step, rest = at[0], at[1:]
    if isinstance(data, dict):
        out: Any = dict(data)
        if rest:
            out[step] = put(out[step], rest, value, how)
        elif how == "remove":
            del out[step]
        elif how == "rename":
            out[value if isinstance(value, str | int | float) else "x"] = out.pop(step)
        else:
            out[step] = [out[step], out[step]] if how == "twice" else value
        return out
    out = list(data)
    if rest:
        out[step] = put(out[step], rest, value, how)
    elif how == "remove":
        del out[step]
    else:
        out[step : step + 1] = [out[step], out[step]] if how == "twice" else [value]
    return out


@st.composite
def changed(draw: Callable[[Any], Any], data: Any, most: int = 3) -> Any:
    """A value like `data` with up to `most` places changed."""
    for _ in range(draw(st.integers(1, most))):
        at = draw(st.sampled_from(list(places(data))))
        data = put(data, at, draw(values), draw(st.sampled_from(["replace", "replace", "remove", "rename", "twice"])))
    return data


def torn(raw: bytes, dice: random.Random) -> bytes:
    """Bytes like `raw`: a few flipped, cut out, doubled, moved or put in."""
    out = bytearray(raw)
    for _ in range(dice.randint(1, 6)):
        at = dice.randint(0, len(out))
        end = min(len(out), at + dice.choice((1, 2, 7, 60, 900)))
        match dice.randint(0, 5):
            case 0 if at < len(out):
                out[at] = dice.randrange(256)
            case 1:
                del out[at:end]
            case 2:
                out[at:at] = out[at:end]
            case 3:
                out[at:at] = bytes(dice.randrange(256) for _ in range(dice.randint(1, 12)))
            case 4:
                out[at:at] = dice.choice(NASTY).encode("utf-8", "surrogatepass")
            case _:
                piece = out[at:end]
                del out[at:end]
                to = dice.randint(0, len(out))
                out[to:to] = piece
    return bytes(out)


# ---------------------------------------------------------------------- memory
@contextmanager
def bounded(most: int, what: str = "") -> Iterator[None]:
    """Fails when more than `most` bytes are kept afterwards that were not there before."""
    gc.collect()
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        yield
        gc.collect()
        kept = tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()
    assert kept < most, f"{what}: {kept} bytes kept, more than {most}"


def size_of(thing: Any) -> int:
    """Bytes of plain values, all the way down."""
    size = sys.getsizeof(thing)
    if isinstance(thing, dict):
        size += sum(size_of(k) + size_of(v) for k, v in thing.items())
    elif isinstance(thing, list | tuple | set | frozenset):
        size += sum(map(size_of, thing))
    return size
