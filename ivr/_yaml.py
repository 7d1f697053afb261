"""YAML with its marks kept: every value still knows its line and column.

Scalars are read as they are written: 0571 stays 0571 and 08:30 stays 08:30, whatever YAML's own rules
would make of them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import NamedTuple

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from ._problems import FlowError, Problem, did_you_mean

MAX_BYTES = 1_000_000
NAME = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")


class Item(NamedTuple):
    """One entry of a mapping: where its key is written, and its value."""

    key: Node
    value: Node


Entries = Mapping[str, Item]


def compose(path: str, data: bytes) -> Node:
    """The file's node tree.

    Raises:
        FlowError: not UTF-8, not YAML, empty, or too large.
    """
    if len(data) > MAX_BYTES:
        raise FlowError([Problem(path, 1, 1, f"the file is larger than {MAX_BYTES} bytes")])
    try:
        root = yaml.compose(data.decode("utf-8-sig"), Loader=yaml.SafeLoader)
    except UnicodeDecodeError as e:
        line = data[: e.start].count(b"\n") + 1
        raise FlowError([Problem(path, line, 1, "the file is not UTF-8", "save it as UTF-8")]) from None
    except yaml.MarkedYAMLError as e:
        mark = e.problem_mark or e.context_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        why = " ".join(x for x in (e.context, e.problem) if x)
        raise FlowError([Problem(path, line, column, f"not readable as YAML: {why}")]) from None
    except (yaml.YAMLError, RecursionError) as e:
        reason = str(e).splitlines()[0] if str(e) else type(e).__name__
        raise FlowError([Problem(path, 1, 1, f"not readable as YAML: {reason}")]) from None
    if not isinstance(root, Node):
        raise FlowError([Problem(path, 1, 1, "the file is empty")])
    return root


class Reader:
    """Reads values of one file and gathers what is wrong instead of stopping at the first mistake."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.problems: list[Problem] = []

    def problem(self, node: Node | None, reason: str, mend: str = "") -> None:
        """Notes a mistake at a node (None: the top of the file)."""
        mark = node.start_mark if node is not None else None
        line, column = (mark.line + 1, mark.column + 1) if mark is not None else (1, 1)
        self.problems.append(Problem(self.path, line, column, reason, mend))

    def mapping(self, node: Node, what: str, key_word: str = "key") -> Entries:
        """The entries of a mapping; nothing written (`route:`) is an empty one."""
        if isinstance(node, ScalarNode) and node.value in ("", "~", "null"):
            return {}
        if not isinstance(node, MappingNode):
            self.problem(node, f"{what} must be a mapping", "write `key: value` lines under it")
            return {}
        out: dict[str, Item] = {}
        for key, value in node.value:
            if not isinstance(key, ScalarNode):
                self.problem(key, f"{what}: a {key_word} must be plain text")
            elif key.value in out:
                first = out[key.value].key.start_mark.line + 1
                self.problem(key, f"{key_word} {key.value} is used twice in {what} (first in line {first})")
            else:
                out[key.value] = Item(key, value)
        return out

    def fields(self, node: Node, what: str, required: Iterable[str], optional: Iterable[str]) -> Entries:
        """A mapping with known keys only."""
        return self.only(self.mapping(node, what), node, what, required, optional)

    def only(
        self, found: Entries, node: Node, what: str, required: Iterable[str], optional: Iterable[str]
    ) -> Entries:
        """Notes keys that are unknown and keys that are missing."""
        required, known = tuple(required), {*required, *optional}
        for name, item in found.items():
            if name not in known:
                self.problem(item.key, f"{what} has no key {name}", did_you_mean(name, known - set(found)))
        for name in required:
            if name not in found:
                self.problem(node, f"{what} lacks the key {name}", f"add `{name}: …`")
        return found

    def text(self, node: Node, what: str) -> str:
        """Plain text, not empty; "" after a mistake."""
        if not isinstance(node, ScalarNode):
            self.problem(node, f"{what} must be plain text")
            return ""
        if not node.value.strip():
            self.problem(node, f"{what} is empty")
        return str(node.value).strip()

    def name(self, node: Node, what: str) -> str:
        """An id of small letters, digits and hyphens."""
        text = self.text(node, what)
        if text and NAME.fullmatch(text) is None:
            self.problem(node, f"{what} {text} is not a good name", "use a-z, 0-9 and single hyphens")
        return text

    def texts(self, node: Node, what: str) -> list[tuple[str, Node]]:
        """One text, or a list of them."""
        if not isinstance(node, SequenceNode):
            text = self.text(node, what)
            return [(text, node)] if text else []
        if not node.value:
            self.problem(node, f"{what} is an empty list")
        return [(text, n) for n in node.value if (text := self.text(n, what))]

    def number(self, node: Node, what: str, low: float, high: float, default: float) -> float:
        """A number in [low, high]; the default after a mistake."""
        text = self.text(node, what)
        try:
            value = float(text)
        except ValueError:
            value = float("nan")
        if not low <= value <= high:
            if text:
                self.problem(node, f"{what} must be a number from {low:g} to {high:g}, not {text}")
            return default
        return value

    def integer(self, node: Node, what: str, low: int, high: int, default: int) -> int:
        """A whole number in [low, high]; the default after a mistake."""
        value = self.number(node, what, low, high, default)
        if value != int(value):
            self.problem(node, f"{what} must be a whole number")
            return default
        return int(value)

    def truth(self, node: Node, what: str, default: bool) -> bool:
        """true or false."""
        text = self.text(node, what).lower()
        if text not in ("true", "false"):
            if text:
                self.problem(node, f"{what} must be true or false, not {text}")
            return default
        return text == "true"

    def raise_if_any(self) -> None:
        """Raises FlowError with all that was found."""
        if self.problems:
            raise FlowError(self.problems)
