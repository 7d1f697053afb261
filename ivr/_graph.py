"""What must hold of a flow as a whole: every way leads somewhere, nowhere in circles, and to a human."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ._model import FACTS, Ask, Collect, Emergency, Menu, Node, Route, edges
from ._parse import Draft
from ._problems import did_you_mean

_ASKING = (Menu, Ask, Collect)


def check(d: Draft, start: str, human: str) -> None:
    """Notes problems of the whole flow in the draft's reader."""
    nodes = d.nodes
    for what, target, at in d.targets:
        if target not in nodes and target not in d.marks:
            d.read.problem(at, f"{what} leads to {target}, which is no node", did_you_mean(target, d.marks))
    known = {*FACTS, "language", *d.made}
    for what, variable, at in d.asked:
        if variable not in known:
            d.read.problem(at, f"{what}: nothing sets the variable {variable}", did_you_mean(variable, known))
    if human in nodes and not isinstance(nodes[human], Route):
        d.read.problem(d.marks[human], f"human: {human} is no route node", "name the node that routes to a human")
    for circle in circles(nodes):
        way = " → ".join((*circle, circle[0]))
        mend = "a caller would never get out; lead one of them to a question or to a human"
        d.read.problem(d.marks[circle[0]], f"endless loop without a question: {way}", mend)
    if d.read.problems:
        return  # with a way missing or misspelt, what follows would only repeat it
    seen = reachable(nodes, [start, human])
    for name in nodes:
        if name not in seen:
            d.read.problem(d.marks[name], f"no way leads to node {name}", "lead to it from a node, or delete it")
    if not any(isinstance(nodes[n], (Route, Emergency, *_ASKING)) for n in reachable(nodes, [start])):
        mend = "lead some way to a route node; every caller must be able to reach a person"
        d.read.problem(d.marks[start], f"from {start} no path leads to a human", mend)


def reachable(nodes: Mapping[str, Node], begin: Iterable[str]) -> set[str]:
    """All nodes that some way leads to."""
    todo, seen = list(begin), set()
    while todo:
        name = todo.pop()
        if name in nodes and name not in seen:
            seen.add(name)
            todo += [target for _, target in edges(nodes[name])]
    return seen


def circles(nodes: Mapping[str, Node]) -> list[list[str]]:
    """Loops of nodes that wait for nobody, one for each group of nodes that hang together."""
    found: list[list[str]] = []
    done: set[str] = set()

    def onward(name: str) -> list[str]:
        node = nodes.get(name)
        return [] if node is None or isinstance(node, _ASKING) else [t for _, t in edges(node)]

    for first in nodes:
        path: list[str] = []
        # (node, its ways not yet tried): a deep-first walk without Python's own stack
        stack: list[tuple[str, list[str]]] = []
        if first not in done:
            stack.append((first, onward(first)))
            path.append(first)
        while stack:
            name, ways = stack[-1]
            if not ways:
                stack.pop()
                path.pop()
                done.add(name)
                continue
            target = ways.pop(0)
            if target in path:
                found.append(path[path.index(target) :])
            elif target in nodes and target not in done:
                stack.append((target, onward(target)))
                path.append(target)
    return found
