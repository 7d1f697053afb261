"""The flows in use, and the older versions that running calls still hold."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path

from ._library import PromptLibrary, load_prompts
from ._load import flow_files, load_book, load_flow
from ._model import Flow, FlowBook
from ._problems import FlowError, Problem

KEPT_VERSIONS = 64
"""Versions remembered of each flow. A caller is in a flow for minutes, so this many edits never matter."""


@dataclass(frozen=True, slots=True)
class ReloadReport:
    """What a reload did, by flow name."""

    added: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    kept: tuple[str, ...] = ()
    """Bad files whose last good version stays in use."""
    problems: tuple[Problem, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether every file was good."""
        return not self.problems


class FlowLibrary:
    """Holds the current `FlowBook` and finds any version a call may have begun with.

    Not for several threads at once: `reload` reads files and swaps the book in one assignment, so that
    one thread may reload while another looks flows up.
    """

    def __init__(self, directory: Path, prompts_file: Path) -> None:
        """Raises FlowError when any file is bad: at the start there is no older version to stay with."""
        self._directory = directory
        self._prompts_file = prompts_file
        self._prompts = load_prompts(prompts_file)
        self._book = load_book(directory, self._prompts)
        self._versions: dict[str, OrderedDict[str, Flow]] = {}
        for flow in self._book:
            self.add(flow)

    @property
    def book(self) -> FlowBook:
        """The flows new calls begin with."""
        return self._book

    @property
    def prompts(self) -> PromptLibrary:
        """The prompts of the last good prompts file."""
        return self._prompts

    def add(self, flow: Flow) -> None:
        """Remembers a version, for instance one that another process wrote with `Flow.to_json`."""
        known = self._versions.setdefault(flow.name, OrderedDict())
        known[flow.version] = flow
        known.move_to_end(flow.version)
        current = self._book.get(flow.name)
        while len(known) > KEPT_VERSIONS:
            oldest = next(iter(known))
            if current is not None and oldest == current.version:
                known.move_to_end(oldest)
                continue
            del known[oldest]

    def flow(self, name: str, version: str | None = None) -> Flow | None:
        """A flow by name: the current one, or that version, however old; None when it is not known."""
        if version is None:
            return self._book.get(name)
        known = self._versions.get(name)
        return known.get(version) if known is not None else None

    def flow_of(self, reference: str) -> Flow | None:
        """The flow of "name@version", as calls carry it; a bare name is the current version."""
        name, _, version = reference.partition("@")
        return self.flow(name, version or None)

    def reload(self) -> ReloadReport:
        """Reads all files again. A bad file keeps its last good version and is reported; never raises
        for what is in the files."""
        problems: list[Problem] = []
        prompts = self._prompts
        try:
            prompts = load_prompts(self._prompts_file)
        except FlowError as e:
            problems += e.problems
        old = self._book.flows
        new: dict[str, Flow] = {}
        kept: list[str] = []
        for path in flow_files(self._directory):
            try:
                new[path.stem] = load_flow(path, prompts)
            except FlowError as e:
                problems += e.problems
                if path.stem in old:
                    new[path.stem] = old[path.stem]
                    kept.append(path.stem)
        if not new:
            # The directory is gone or empty: nobody wants a hotline without any flow.
            why = Problem(str(self._directory), 1, 1, "there is no usable flow", "the flows in use stay")
            return ReloadReport(kept=tuple(sorted(old)), problems=(*problems, why))
        for flow in new.values():
            self.add(flow)
        self._prompts, self._book = prompts, FlowBook(new)
        changed = (n for n in new if n in old and new[n].version != old[n].version)
        return ReloadReport(
            added=tuple(sorted(set(new) - set(old))),
            changed=tuple(sorted(changed)),
            removed=tuple(sorted(set(old) - set(new))),
            kept=tuple(kept),
            problems=tuple(sorted(set(problems))),
        )
