"""Reading the dispatch catalogue, with the line of every mistake."""

from __future__ import annotations

import re
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType
from typing import TypeVar

import yaml

from ._catalogue import Catalogue, Channel, Entry, Field, Handling
from ._channel import CHANNELS
from ._errors import CatalogueError
from ._model import Kind
from ._nodes import NodeReader

_CODE = re.compile(r"[A-Z][0-9]{3}")
_MAX_TITLE = 60
E = TypeVar("E", bound=StrEnum)


def read_catalogue(path: Path) -> Catalogue:
    """The catalogue of a file."""
    reader = _Reader(path)
    return reader.catalogue(reader.compose(path))


class _Reader(NodeReader):
    error = CatalogueError
    what = "matters"

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.codes: dict[str, int] = {}
        self.titles: dict[str, int] = {}

    def catalogue(self, root: yaml.Node | None) -> Catalogue:
        top = self.fields(root, required={"channels", "entries"}, optional=set())
        channels = self.fields(top["channels"], required=set(CHANNELS), optional=set())
        entries = [self.entry(node) for node in self.items(top["entries"], "entries")]
        if not entries:
            raise self.wrong(top["entries"], "entries: there is not one: no draft would have a unit")
        return Catalogue(
            MappingProxyType({entry.code: entry for entry in entries}),
            MappingProxyType({code: self.channel(code, channels[code]) for code in CHANNELS}),
        )

    def channel(self, code: str, node: yaml.Node) -> Channel:
        got = self.fields(node, required={"zh", "en"}, optional=set())
        return Channel(code, self.filled(got["zh"], "zh"), self.filled(got["en"], "en"))

    def entry(self, node: yaml.Node) -> Entry:
        wanted = {"code", "zh", "en", "field", "strong", "unit", "handling", "kind"}
        got = self.fields(node, required=wanted, optional={"weak"})
        code = self.text(got["code"], "code")
        if not _CODE.fullmatch(code):
            raise self.wrong(got["code"], f"code: {code!r} is not a capital letter and three digits")
        self.once(self.codes, code, got["code"], "code")
        title = self.filled(got["zh"], "zh")
        if len(title) > _MAX_TITLE:
            raise self.wrong(got["zh"], f"zh: longer than {_MAX_TITLE} characters: this is a title, not a rule")
        self.once(self.titles, title, got["zh"], "title")
        return Entry(
            code=code,
            zh=title,
            en=self.filled(got["en"], "en"),
            field=self.one_of(Field, got["field"], "field"),
            unit=self.filled(got["unit"], "unit"),
            handling=self.one_of(Handling, got["handling"], "handling"),
            kind=self.one_of(Kind, got["kind"], "kind"),
            strong=self.words(got["strong"], "strong", code, needed=True),
            weak=self.words(got.get("weak"), "weak", code, needed=False),
        )

    def words(self, node: yaml.Node | None, what: str, code: str, *, needed: bool) -> tuple[str, ...]:
        found: list[str] = []
        for one in self.items(node, what):
            word = self.text(one, what)
            if not all(part.strip() for part in word.split("+")):
                raise self.wrong(one, f"{what}: {word!r} of {code} has an empty part: it would fit every call")
            if word in found:
                raise self.wrong(one, f"{what}: {word!r} of {code} is there twice")
            found.append(word)
        if needed and not found:
            raise self.wrong(node, f"{what}: {code} has no word: nothing would ever point to it")
        return tuple(found)

    def filled(self, node: yaml.Node, what: str) -> str:
        word = self.text(node, what)
        if not word:
            raise self.wrong(node, f"{what}: is empty")
        return word

    def one_of(self, kind: type[E], node: yaml.Node, what: str) -> E:
        word = self.text(node, what)
        try:
            return kind(word)
        except ValueError:
            raise self.wrong(node, f"{what}: {word!r} is none of {', '.join(kind)}") from None
