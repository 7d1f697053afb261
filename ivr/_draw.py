"""A flow as a picture: Mermaid for documents, a tree of text for the terminal."""

from __future__ import annotations

from . import _model as m
from ._graph import reachable

_DAYS = "一二三四五六日"


def draw(flow: m.Flow, language: str = "zh") -> str:
    """The flow as a Mermaid flowchart. Dotted lines: 0, silence, or "a human, please"."""
    numbers = {name: f"n{i}" for i, name in enumerate(flow.nodes)}
    lines = ["flowchart TD", f'    begin(["{_quoted(flow.title)}"]) --> {numbers[flow.start]}']
    for name, node in flow.nodes.items():
        text = _quoted("\n".join((f"{name} · {m.KIND[type(node)]}", *_inside(flow, node, language))))
        left, right = _shape(node)
        lines.append(f'    {numbers[name]}{left}"{text}"{right}')
    for name, node in flow.nodes.items():
        for label, target in m.edges(node):
            arrow = f'-->|"{_quoted(_label(label, language))}"|' if label else "-->"
            lines.append(f"    {numbers[name]} {arrow} {numbers[target]}")
        if isinstance(node, (m.Menu, m.Ask, m.Collect)):
            word = "0 / 无应答" if language == "zh" else "0 / silence"
            lines.append(f'    {numbers[name]} -.->|"{word}"| {numbers[flow.human]}')
    return "\n".join(lines) + "\n"


def tree(flow: m.Flow, language: str = "zh") -> str:
    """The flow as an indented tree; a node that was shown before is only named, with ↑."""
    head = f"{flow.title} ({flow.reference})"
    shown: set[str] = set()
    lines = [head, *_branches(flow, flow.start, "", "", shown, language)]
    if flow.human not in shown or flow.human not in reachable(flow.nodes, [flow.start]):
        word = "随时按 0、说「人工」或无应答" if language == "zh" else "0, “a human” or silence, at any time"
        lines += _branches(flow, flow.human, "", word, shown, language)
    return "\n".join(lines) + "\n"


def _branches(flow: m.Flow, name: str, indent: str, label: str, shown: set[str], language: str) -> list[str]:
    way = f"[{_label(label, language)}] " if label else ""
    node = flow.nodes[name]
    if name in shown:
        return [f"{indent}└ {way}↑ {name}"]
    shown.add(name)
    lines = [f"{indent}└ {way}{name} · {m.KIND[type(node)]}"]
    lines += [f"{indent}    {line}" for line in _inside(flow, node, language)]
    ways = m.edges(node)
    # A plain chain stays at its depth: it reads from top to bottom.
    deeper = indent + "    " if len(ways) > 1 else indent
    for way_label, target in ways:
        lines += _branches(flow, target, deeper, way_label, shown, language)
    return lines


def _label(label: str, language: str) -> str:
    if language == "zh":
        return {"open": "开放时间", "closed": "非开放时间", "otherwise": "其他"}.get(label, label)
    return label


def _inside(flow: m.Flow, node: m.Node, language: str) -> list[str]:
    """What one should know of a node, in a few short lines."""
    match node:
        case m.Say() | m.Menu() | m.Ask() | m.End():
            return _spoken(flow, node.prompts, language)
        case m.Collect():
            count = str(node.most) if node.least == node.most else f"{node.least}-{node.most}"
            return [*_spoken(flow, node.prompts, language), f"{node.into} = {count} × 0-9"]
        case m.Hours():
            return [*_week(node), *(f"{day} {_spans(spans)}" for day, spans in node.dates.items())]
        case m.Branch():
            return [f"{node.variable} ?"]
        case m.SetVars():
            return [f"{k} = {v}" for k, v in node.values.items()]
        case m.Route():
            wishes = [f"{skill} ≥ {level}" for skill, level in node.skills.items()]
            wishes += [x for x in (node.language, node.centre) if x]
            wishes += [f"priority {node.priority}"] if node.priority else []
            return [*_spoken(flow, node.announcement, language), *([", ".join(wishes)] if wishes else [])]
        case m.Voicemail():
            return [*_spoken(flow, node.invite, language), f"≤ {node.max_seconds:g} s"]
        case m.Emergency():
            return [f"紧急线路 {node.entry}" if language == "zh" else f"emergency line {node.entry}"]


def _spoken(flow: m.Flow, prompts: tuple[str, ...], language: str) -> list[str]:
    return [f"“{text}”" for p in prompts if (text := flow.texts.get(p, {}).get(language, p))]


def _spans(spans: tuple[tuple[int, int], ...]) -> str:
    clock = [f"{a // 60:02}:{a % 60:02}-{b // 60:02}:{b % 60:02}" for a, b in spans]
    return ", ".join(clock) or "×"


def _week(node: m.Hours) -> list[str]:
    lines: list[str] = []
    first = 0
    for day in range(1, 8):
        if day == 7 or node.week[day] != node.week[first]:
            days = _DAYS[first] if day - first == 1 else f"{_DAYS[first]}至{_DAYS[day - 1]}"
            lines.append(f"周{days} {_spans(node.week[first])}")
            first = day
    return lines


def _shape(node: m.Node) -> tuple[str, str]:
    match node:
        case m.Menu() | m.Ask() | m.Collect():
            return "[/", "/]"
        case m.Hours() | m.Branch():
            return "{{", "}}"
        case m.Route() | m.Voicemail() | m.End() | m.Emergency():
            return "([", "])"
        case _:
            return "[", "]"


def _quoted(text: str) -> str:
    """Safe inside a Mermaid label."""
    for character, safe in (("#", "#35;"), ("&", "#amp;"), ('"', "#quot;"), ("<", "#lt;"), ("\n", "<br/>")):
        text = text.replace(character, safe)
    return text
