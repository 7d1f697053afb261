"""Files to flows. All mistakes of a file are reported at once, with their lines."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from . import _model as m
from ._codec import content_hash
from ._graph import check
from ._library import PromptLibrary, read_file
from ._parse import Draft, _language, read_node
from ._problems import FlowError, Problem, did_you_mean
from ._yaml import Reader, compose


def load_flow(path: Path, prompts: PromptLibrary) -> m.Flow:
    """Reads one flow file; its name is the file's name without .yaml.

    Raises:
        FlowError: every mistake in the file, with its line; or the file cannot be read.
    """
    return parse_flow(read_file(path), prompts, name=path.stem, path=str(path))


def load_book(directory: Path, prompts: PromptLibrary) -> m.FlowBook:
    """Reads every *.yaml of a directory.

    Raises:
        FlowError: the mistakes of all files together, or there is no file.
    """
    flows: dict[str, m.Flow] = {}
    problems: list[Problem] = []
    files = flow_files(directory)
    for path in files:
        try:
            flows[path.stem] = load_flow(path, prompts)
        except FlowError as e:
            problems += e.problems
    if not files:
        problems.append(Problem(str(directory), 1, 1, "there is no flow", "put a <name>.yaml there"))
    if problems:
        raise FlowError(problems)
    return m.FlowBook(flows)


def flow_files(directory: Path) -> list[Path]:
    """The flow files of a directory, by name."""
    return sorted(p for p in directory.glob("*.yaml") if not p.name.startswith("."))


def parse_flow(data: bytes, prompts: PromptLibrary, *, name: str, path: str = "flow.yaml") -> m.Flow:
    """One flow from a file's bytes; `path` is for messages only. Raises FlowError."""
    read = Reader(path)
    root = compose(path, data)
    top = read.fields(root, "the flow", ["flow", "start", "human", "nodes"], ["title", "language"])
    draft = Draft(read, prompts)
    values = dict.fromkeys(("start", "human"), "")
    written = read.name(top["flow"].value, "flow") if "flow" in top else name
    if written and written != name:
        read.problem(top["flow"].value, f"the flow calls itself {written} but the file {name}", "make them equal")
    title = read.text(top["title"].value, "title") if "title" in top else name
    language = _language(draft, top["language"].value, "the flow") if "language" in top else "zh"
    if "nodes" in top:
        listed = read.mapping(top["nodes"].value, "nodes", "node")
        if not listed:
            read.problem(top["nodes"].key, "the flow has no nodes", "begin with `nodes: {human: {route: {}}}`")
        for node_name, item in listed.items():
            read.name(item.key, "node")
            read_node(draft, node_name, item.key, item.value)
    for key in values:
        if key in top:
            values[key] = read.text(top[key].value, key)
            if values[key] and values[key] not in draft.marks:
                why = f"{key}: {values[key]} is no node"
                read.problem(top[key].value, why, did_you_mean(values[key], draft.marks))
    check(draft, values["start"], values["human"])
    read.raise_if_any()
    used = {p for node in draft.nodes.values() for p in m.prompt_ids(node)}
    texts = {p: dict(prompts[p].texts) for p in sorted(used)}
    flow = m.Flow(name, "", title, language, values["start"], values["human"], draft.nodes, texts)
    return replace(flow, version=content_hash(flow))
