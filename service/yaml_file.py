"""YAML files written by people: every way in which one can be no YAML is a ConfigError with file and line."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from .errors import ConfigError


@dataclass(frozen=True, slots=True)
class Located:
    """A file's values, and the nodes that know their lines."""

    data: Any
    node: yaml.Node | None

    def line(self, loc: Sequence[int | str]) -> int:
        """The line of a value, or of the nearest thing around it."""
        line, node = 1, self.node
        for step in loc:
            if node is None:
                break
            line = node.start_mark.line + 1
            if isinstance(node, yaml.MappingNode):
                # The last one: where keys were merged in, the mapping's own come after them.
                pair = next(((k, v) for k, v in reversed(node.value) if k.value == str(step)), None)
                if pair is None:
                    break
                line, node = pair[0].start_mark.line + 1, pair[1]
            elif isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
                node = node.value[step]
                line = node.start_mark.line + 1
        return line


def load_yaml(path: Path) -> Located:
    """Reads one file. A key that is there twice is a fault: YAML would keep the last one silently.

    Raises:
        ConfigError: "file:line: reason".
    """
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigError(
            f"{path}: cannot be read ({error.strerror})", f"put a configuration there; {path.name} ships in config/"
        ) from None
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise ConfigError(f"{path}:{line}: is not UTF-8 text", "save the file as UTF-8") from None
    node: yaml.Node | None = None
    try:
        # Parsed once, for values and lines: at a start of the service this is a third of the time.
        loader = yaml.SafeLoader(text)
        node = loader.get_single_node()
        twice = next(_twice(node), None)  # before the values are made, which puts merged keys into the nodes
        data = loader.construct_document(node) if node is not None else None
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise ConfigError(f"{path}:{line}: not YAML: {error.problem}", "mend the line named") from None
    except yaml.YAMLError:
        raise ConfigError(f"{path}:1: not YAML", "control characters? save the file as plain text") from None
    except ValueError as error:  # a date that does not exist, for instance
        raise ConfigError(f"{path}:{_bad_value(node)}: not YAML: {error}", "put the value in quotes") from None
    except RecursionError:
        raise ConfigError(f"{path}:1: not YAML: nested too deeply", "start from the shipped file") from None
    if twice is not None:
        line = twice.start_mark.line + 1
        raise ConfigError(f"{path}:{line}: '{twice.value}' is there twice", "keep one of the two")
    return Located(data, node)


def _nodes(node: yaml.Node | None) -> Iterator[yaml.Node]:
    seen: set[int] = set()  # an alias is the same node again
    todo = [node] if node is not None else []
    while todo:
        one = todo.pop()
        if id(one) in seen:
            continue
        seen.add(id(one))
        yield one
        if isinstance(one, yaml.MappingNode):
            todo += [part for pair in one.value for part in pair]
        elif isinstance(one, yaml.SequenceNode):
            todo += one.value


def _twice(node: yaml.Node | None) -> Iterator[yaml.Node]:
    for one in _nodes(node):
        if isinstance(one, yaml.MappingNode):
            seen: set[str] = set()
            for key, _ in one.value:
                if isinstance(key, yaml.ScalarNode) and key.value != "<<":
                    if key.value in seen:
                        yield key
                    seen.add(key.value)


def _bad_value(node: yaml.Node | None) -> int:
    """The line of the scalar that looks like a date or number and is none."""
    lines = []
    for one in _nodes(node):
        if isinstance(one, yaml.ScalarNode):
            try:
                yaml.SafeLoader("").construct_object(one)
            except ValueError:
                lines.append(one.start_mark.line + 1)
            except yaml.YAMLError:
                continue
    return min(lines, default=1)
