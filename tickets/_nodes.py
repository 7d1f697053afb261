"""YAML files written by people, read node by node, so that every mistake has its line."""

from __future__ import annotations

from pathlib import Path

import yaml

from ._errors import FileError

_MAX_BYTES = 1_000_000


class NodeReader:
    """Common parts of this room's files. `error` is what mistakes are raised as, `what` the file's content."""

    error: type[FileError]
    what: str

    def __init__(self, path: Path) -> None:
        self.path = str(path)

    def compose(self, path: Path) -> yaml.Node | None:
        """The file's root node, unread."""
        try:
            if path.stat().st_size > _MAX_BYTES:
                raise self.error(str(path), 1, f"larger than 1 MB: this is not a file of {self.what}")
            text = path.read_text(encoding="utf-8")
            root: yaml.Node | None = yaml.compose(text, Loader=yaml.SafeLoader)
        except OSError as error:
            raise self.error(str(path), 1, f"cannot be read: {error.strerror}") from None
        except UnicodeDecodeError:
            raise self.error(str(path), 1, "is not UTF-8 text: save it as UTF-8") from None
        except yaml.MarkedYAMLError as error:
            line = error.problem_mark.line + 1 if error.problem_mark else 1
            raise self.error(str(path), line, f"is not YAML: {error.problem}") from None
        except (yaml.YAMLError, RecursionError):
            raise self.error(str(path), 1, "is not YAML") from None
        return root

    def wrong(self, node: yaml.Node | None, problem: str) -> FileError:
        """A mistake at that node."""
        return self.error(self.path, node.start_mark.line + 1 if node is not None else 1, problem)

    def once(self, seen: dict[str, int], word: str, node: yaml.Node, what: str) -> None:
        """A word that may be used once only."""
        line = node.start_mark.line + 1
        if word in seen:
            raise self.wrong(node, f"{what} {word} is used twice: first at line {seen[word]}")
        seen[word] = line

    def fields(
        self, node: yaml.Node | None, *, required: set[str], optional: set[str] | None
    ) -> dict[str, yaml.Node]:
        """The fields of a mapping; unknown and missing ones are mistakes (`optional` None: not checked)."""
        if not isinstance(node, yaml.MappingNode):
            raise self.wrong(node, f"a mapping with {', '.join(sorted(required)) or 'fields'} was expected")
        got: dict[str, yaml.Node] = {}
        for key, value in node.value:
            word = self.text(key, "a field's name")
            if optional is not None and word not in required | optional:
                known = ", ".join(sorted(required | optional))
                raise self.wrong(key, f"unknown field {word!r}: known are {known}")
            if word in got:
                raise self.wrong(key, f"field {word!r} is written twice")
            got[word] = value
        for word in sorted(required - got.keys()):
            raise self.wrong(node, f"field {word!r} is missing")
        return got

    def items(self, node: yaml.Node | None, what: str) -> list[yaml.Node]:
        """The parts of a list; none when it is absent."""
        if node is None:
            return []
        if not isinstance(node, yaml.SequenceNode):
            raise self.wrong(node, f"{what}: a list was expected")
        return list(node.value)

    def text(self, node: yaml.Node, what: str) -> str:
        """A single value as text."""
        if not isinstance(node, yaml.ScalarNode):
            raise self.wrong(node, f"{what}: a single value was expected")
        return str(node.value).strip()
