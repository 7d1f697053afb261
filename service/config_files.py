"""One configuration file: read, checked against its model, every fault with "file:line: where: reason"."""

from __future__ import annotations

import difflib
import re
import types
import typing
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, TypeVar, Union

from pydantic import BaseModel, ConfigDict, ValidationError

from .errors import ConfigError
from .yaml_file import Located, load_yaml

M = TypeVar("M", bound=BaseModel)
Loc = Sequence[int | str]


class Strict(BaseModel):
    """A part of a file: unknown keys are faults, values do not change."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=False)


def near(word: str, known: Iterable[str]) -> str:
    """A hint for a name that does not exist: "; did you mean 'x'?", or what there is."""
    names = sorted(set(known))
    found = difflib.get_close_matches(word, names, 1)
    if found:
        return f"; did you mean '{found[0]}'?"
    some = ", ".join(names[:12]) + (" …" if len(names) > 12 else "")
    return f"; known: {some}" if names else "; there is none"


@dataclass
class Faults:
    """Faults and warnings, gathered so that all are told at once."""

    faults: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def add(self, source: Source, loc: Loc, reason: str) -> None:
        """A fault at a place of a file."""
        self.faults.append(source.at(loc, reason))

    def warn(self, source: Source, loc: Loc, reason: str) -> None:
        """Something that works but is probably not meant."""
        self.warnings.append(source.at(loc, reason))

    def stop(self) -> None:
        """Raises ConfigError if there is any fault."""
        if self.faults:
            raise ConfigError("\n".join(self.faults), "mend the lines named; nothing was changed")


@dataclass(frozen=True, slots=True)
class Source:
    """A file that was read, or (`located` None) one that is not there."""

    path: Path
    located: Located | None

    def at(self, loc: Loc, reason: str) -> str:
        """A fault's text."""
        line = self.located.line(loc) if self.located is not None else 1
        where = ".".join(str(x) for x in loc)
        return f"{self.path}:{line}: {where}: {reason}" if where else f"{self.path}:{line}: {reason}"


def read(path: Path, model: type[M], example: str, *, needed: bool) -> tuple[Source, M]:
    """Reads one file.

    Args:
        path: the file.
        model: what it must be.
        example: its first keys, for the message when it is no mapping.
        needed: False: a file that is not there is an empty one.

    Raises:
        ConfigError: with every fault of the file.
    """
    if not needed and not path.exists():
        return Source(path, None), model()
    located = load_yaml(path)
    data = located.data
    if data is None and not needed:
        data = {}
    if not isinstance(data, dict):
        raise ConfigError(f"{path}:1: the file must be a mapping ({example})", "see the shipped one")
    try:
        return Source(path, located), model.model_validate(data)
    except ValidationError as error:
        faults = [_fault(Source(path, located), model, dict(e)) for e in error.errors(include_url=False)]
        raise ConfigError("\n".join(faults), "mend the lines named; nothing was changed") from None


def _fault(source: Source, model: type[BaseModel], error: dict[str, Any]) -> str:
    loc = [x for x in error["loc"] if x != "[key]"]
    reason = re.sub(r"^Value error, ", "", error["msg"])
    if error["type"] == "extra_forbidden":
        hint = difflib.get_close_matches(str(loc[-1]), keys_at(model, loc[:-1]), 1)
        reason = "no such key" + (f"; did you mean '{hint[0]}'?" if hint else "")
    return source.at(loc, reason)


def keys_at(model: type[BaseModel], loc: Loc) -> list[str]:
    """The keys that may stand at a place of a file."""
    kind: Any = model
    for step in loc:
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            by_name = {f.alias or name: f.annotation for name, f in kind.model_fields.items()}
            kind = _bare(by_name.get(str(step)))
        else:
            arguments = typing.get_args(kind)
            kind = _bare(arguments[-1]) if arguments else None
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        return [f.alias or name for name, f in kind.model_fields.items()]
    return []


def _bare(kind: Any) -> Any:
    """Without Annotated and None."""
    while True:
        origin = typing.get_origin(kind)
        if origin is Annotated:
            kind = typing.get_args(kind)[0]
        elif origin in (Union, types.UnionType):
            kind = next(a for a in typing.get_args(kind) if a is not type(None))
        else:
            return kind
