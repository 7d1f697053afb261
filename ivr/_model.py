"""A flow as a value: nodes that name their successors, and the texts of the prompts they play.

Everything here is frozen and made of tuples, mappings and plain values, so that a flow can be written as
JSON and read by another process (`_codec`). The rules a flow must keep are checked when it is loaded
(`_parse`, `_graph`); the interpreter copes with flows that break them by giving the caller a human.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

LANGUAGES = ("zh", "en")
FACTS = ("dialled", "caller")
"""What a call knows of itself when a flow starts; `branch` may ask for these and for `language`."""


@dataclass(frozen=True, slots=True)
class PromptRef:
    """One prompt in one language."""

    id: str
    language: str = "zh"

    @property
    def file(self) -> str:
        """The name by which Asterisk plays it: "hotline/zh/greeting"."""
        return f"hotline/{self.language}/{self.id}"


@dataclass(frozen=True, slots=True)
class Say:
    """Plays prompts, then goes on."""

    prompts: tuple[str, ...]
    next: str
    barge_in: bool = True


@dataclass(frozen=True, slots=True)
class Asking:
    """What all nodes that wait for the caller have. Times in seconds."""

    prompts: tuple[str, ...]
    tries: int = 2
    """How often the question is put again before the caller gets a human."""
    wait: float = 6.0
    """Silence after the prompt until the question is put again."""
    barge_in: bool = True
    unclear: str = "invalid-choice"
    silence: str = "please-repeat"


@dataclass(frozen=True, slots=True)
class Menu(Asking):
    """One key chooses the way."""

    keys: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Answer:
    """Words of which one must be heard to go that way."""

    words: tuple[str, ...]
    next: str


@dataclass(frozen=True, slots=True)
class Ask(Asking):
    """A spoken word, or a key, chooses the way."""

    answers: tuple[Answer, ...] = ()
    keys: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Collect(Asking):
    """Takes `least` to `most` digits into a variable; # ends early."""

    into: str = ""
    next: str = ""
    least: int = 1
    most: int = 1
    gap: float = 3.0
    """Silence after a digit that ends the input."""


@dataclass(frozen=True, slots=True)
class Hours:
    """Opening hours in Asia/Shanghai. Spans are minutes of the day, [from, until)."""

    week: tuple[tuple[tuple[int, int], ...], ...]
    """Seven entries, Monday first."""
    open: str
    closed: str
    dates: Mapping[str, tuple[tuple[int, int], ...]] = field(default_factory=dict)
    """ISO date → spans of that day instead of its weekday's; () is closed all day."""


@dataclass(frozen=True, slots=True)
class Branch:
    """Chooses by a variable. A case ending in * stands for every value with that beginning."""

    variable: str
    cases: Mapping[str, str]
    otherwise: str


@dataclass(frozen=True, slots=True)
class SetVars:
    """Sets variables; `language` changes the language of all that follows."""

    values: Mapping[str, str]
    next: str


@dataclass(frozen=True, slots=True)
class Route:
    """To a human. Empty fields are filled by the service's default demand."""

    skills: Mapping[str, int] = field(default_factory=dict)
    language: str | None = None
    centre: str | None = None
    priority: int = 0
    announcement: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Voicemail:
    """The caller leaves a message of at most `max_seconds`."""

    max_seconds: float = 120.0
    invite: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class End:
    """Plays a last word and releases the caller."""

    reason: str = "flow"
    prompts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Emergency:
    """Rings an emergency line at once (Art. 11), while the queue goes on to bring a seat as third. It speaks no
    word before: the line rings first, the words come over its ringing."""

    entry: str
    """Id of an entry of the hotline directory; whether there is one is not known here."""


Node = Say | Menu | Ask | Collect | Hours | Branch | SetVars | Route | Voicemail | End | Emergency
KIND: dict[type, str] = {
    Say: "say",
    Ask: "ask",
    Menu: "menu",
    Collect: "collect",
    Hours: "hours",
    Branch: "branch",
    SetVars: "set",
    Route: "route",
    Voicemail: "voicemail",
    End: "hangup",
    Emergency: "emergency",
}
"""Node class → its key in the file."""


def edges(node: Node) -> tuple[tuple[str, str], ...]:
    """The ways out of a node as (label, target)."""
    match node:
        case Say() | SetVars() | Collect():
            return (("", node.next),)
        case Menu():
            return tuple(node.keys.items())
        case Ask():
            spoken = tuple(("/".join(a.words[:3]), a.next) for a in node.answers)
            return (*spoken, *node.keys.items())
        case Hours():
            return ("open", node.open), ("closed", node.closed)
        case Branch():
            return (*node.cases.items(), ("otherwise", node.otherwise))
        case _:
            return ()


def prompt_ids(node: Node) -> tuple[str, ...]:
    """Every prompt that a node may play."""
    match node:
        case Say() | End():
            return node.prompts
        case Menu() | Ask() | Collect():
            return (*node.prompts, node.unclear, node.silence)
        case Route():
            return node.announcement
        case Voicemail():
            return node.invite
        case _:
            return ()


@dataclass(frozen=True, slots=True)
class RouteTo:
    """The caller goes to a human. `skills`: skill → least level (1-5); None: no wish of the flow's."""

    skills: Mapping[str, int] = field(default_factory=dict)
    language: str | None = None
    centre: str | None = None
    priority: int = 0


@dataclass(frozen=True, slots=True)
class Entry:
    """A flow's constant beginning, all of it: these prompts, then this route."""

    prompts: tuple[PromptRef, ...]
    route: RouteTo


def route_of(node: Route, language: str) -> RouteTo:
    """The demand of a route node for a caller who is spoken to in `language`."""
    return RouteTo(dict(node.skills), node.language or language, node.centre, node.priority)


@dataclass(frozen=True, slots=True)
class Flow:
    """One version of one flow. `texts`: prompt id → language → text, of the prompts it may play."""

    name: str
    version: str
    """First 12 hex digits of the SHA-256 of everything else here."""
    title: str
    language: str
    start: str
    human: str
    """The route node for 0, for silence and for whatever the flow did not foresee."""
    nodes: Mapping[str, Node]
    texts: Mapping[str, Mapping[str, str]]

    @property
    def reference(self) -> str:
        """name@version, as calls carry it."""
        return f"{self.name}@{self.version}"

    def entry(self) -> Entry | None:
        """The constant beginning, when the whole way from the start to a route asks nothing and decides
        nothing; None when the interpreter is needed. The switch plays these prompts by itself: a key
        ends them and brings the human at once, so prompts that must be heard (`barge_in: false`) need
        the interpreter too.
        """
        heard: list[PromptRef] = []
        language, at = self.language, self.start
        for _ in range(len(self.nodes) + 1):
            node = self.nodes.get(at)
            if isinstance(node, Say) and node.barge_in:
                heard += [PromptRef(p, language) for p in node.prompts]
                at = node.next
            elif isinstance(node, SetVars):
                language = node.values.get("language", language)
                at = node.next
            elif isinstance(node, Route):
                heard += [PromptRef(p, language) for p in node.announcement]
                return Entry(tuple(heard), route_of(node, language))
            else:
                return None
        return None

    def to_json(self) -> str:
        """For another process that takes over calls of this version."""
        from ._codec import flow_to_json

        return flow_to_json(self)

    @staticmethod
    def from_json(text: str) -> Flow:
        """The flow that `to_json` wrote. Raises ValueError when it was changed or is of another format."""
        from ._codec import flow_from_json

        return flow_from_json(text)


@dataclass(frozen=True, slots=True)
class FlowBook:
    """All flows of a directory at one moment, by name. Never changes; a reload makes another one."""

    flows: Mapping[str, Flow]

    def __getitem__(self, name: str) -> Flow:
        return self.flows[name]

    def __iter__(self) -> Iterator[Flow]:
        return iter(self.flows.values())

    def __len__(self) -> int:
        return len(self.flows)

    def get(self, name: str) -> Flow | None:
        """The flow of that name, or None."""
        return self.flows.get(name)
