"""A route, declared once: what serves it, checks it and documents it is the same object."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field

from aiohttp import web
from pydantic import BaseModel, TypeAdapter, ValidationError

from ._hub import Hub
from ._ports import AuditEntry, Desk, Look
from ._problems import ProblemError
from ._roles import Principal, Right
from ._schema import Id
from ._settings import Settings

_ID: TypeAdapter[str] = TypeAdapter(Id)
_PLACEHOLDER = re.compile(r"{(\w+)}")


@dataclass(slots=True)
class Ask:
    """One checked request as a handler sees it.

    Attributes:
        who: the token's holder; None on public routes only.
        ids: checked path parameters.
        query: checked query, an instance of the route's model.
        body: checked body, an instance of the route's model.
    """

    http: web.Request
    desk: Desk
    hub: Hub
    settings: Settings
    who: Principal | None
    ids: Mapping[str, str]
    query: BaseModel | None
    body: BaseModel | None

    @property
    def reader(self) -> Principal:
        """The token's holder, on routes that need a token."""
        if self.who is None:
            raise ProblemError("no-token")
        return self.who

    async def audit(self, looks: Mapping[Look, tuple[str, ...]], detail: str = "") -> None:
        """Write every look to the audit before the answer leaves; a failing audit withholds the answer."""
        await write_audit(self.desk, self.settings, self.reader, looks, self.http.path, detail)


async def write_audit(
    desk: Desk,
    settings: Settings,
    who: Principal,
    looks: Mapping[Look, tuple[str, ...]],
    where: str,
    detail: str = "",
) -> None:
    """Write one entry per kind of look.

    Raises:
        ProblemError: ``audit-failed``; the look must not happen.
    """
    for what, calls in looks.items():
        entry = AuditEntry(settings.clock(), who.name, who.role.value, who.seat, what, calls, where, detail)
        try:
            await desk.audit(entry)
        except Exception as error:
            raise ProblemError("audit-failed", "audit") from error


def by_call(pairs: Iterable[tuple[Iterable[Look], str]]) -> dict[Look, tuple[str, ...]]:
    """(looks, id) of many → look → the ids, for the audit."""
    found: dict[Look, dict[str, None]] = {}
    for looks, call in pairs:
        for look in looks:
            found.setdefault(look, {})[call] = None
    return {look: tuple(calls) for look, calls in sorted(found.items())}


Handler = Callable[[Ask], Awaitable[BaseModel | web.StreamResponse]]


@dataclass(frozen=True, slots=True)
class Route:
    """One method on one path.

    Attributes:
        right: needed to get an answer; None: public; several: any of them.
        answer: model of the 200 answer, ``dict`` for any JSON object, or a media type for what is no JSON.
        problems: codes this route itself may answer; those common to all routes are added by the document.
        others: further answers, status → (description, media type or model).
        request_headers: name → description, for the document.
        scheme: of a public route that wants a token of another kind: the name of its security scheme.
    """

    method: str
    path: str
    summary: str
    tag: str
    right: tuple[Right, ...]
    handler: Handler
    answer: type[BaseModel] | type[dict[str, object]] | str
    query: type[BaseModel] | None = None
    body: type[BaseModel] | None = None
    problems: tuple[str, ...] = ()
    others: Mapping[int, tuple[str, type[BaseModel] | str | None]] = field(default_factory=dict)
    request_headers: Mapping[str, str] = field(default_factory=dict)
    scheme: str = ""

    @property
    def placeholders(self) -> tuple[str, ...]:
        """Names of the path parameters."""
        return tuple(_PLACEHOLDER.findall(self.path))


async def read_ask(
    route: Route, request: web.Request, desk: Desk, hub: Hub, settings: Settings, who: Principal | None
) -> Ask:
    """Check a request against its route.

    Raises:
        ProblemError: not allowed, bad id, bad query, bad body.
    """
    if route.right and not any(who is not None and who.may(right) for right in route.right):
        raise ProblemError("not-allowed")
    ids = {}
    for name in route.placeholders:
        try:
            ids[name] = _ID.validate_python(request.match_info[name])
        except ValidationError:
            raise ProblemError("bad-id", f"path:{name}") from None
    return Ask(request, desk, hub, settings, who, ids, _read_query(route, request), await _read_body(route, request))


def _read_query(route: Route, request: web.Request) -> BaseModel | None:
    known = route.query.model_fields if route.query else {}
    for name in request.query:
        if name not in known:
            raise ProblemError("bad-query", f"query:{name[:64]}")
        if len(request.query.getall(name)) > 1:
            raise ProblemError("bad-query", f"query:{name}")
    if route.query is None:
        return None
    try:
        return route.query.model_validate(dict(request.query))
    except ValidationError as error:
        raise ProblemError("bad-query", f"query:{_place(error)}") from None


async def _read_body(route: Route, request: web.Request) -> BaseModel | None:
    limit = request.client_max_size
    if (request.content_length or 0) > limit:
        raise ProblemError("too-large", "body", headers={"Connection": "close"})
    if route.body is None:
        return None
    if request.content_type != "application/json":
        raise ProblemError("not-json", "header:Content-Type")
    try:
        raw = await request.read()
    except web.HTTPRequestEntityTooLarge:
        raise ProblemError("too-large", "body", headers={"Connection": "close"}) from None
    try:
        return route.body.model_validate_json(raw, strict=True)
    except ValidationError as error:
        raise ProblemError("bad-body", f"body:{_place(error)}") from None


def _place(error: ValidationError) -> str:
    """Where the first fault lies. Never the value: it may be personal; an unknown name may be anything."""
    location = ".".join(str(part) for part in error.errors(include_url=False, include_input=False)[0]["loc"])
    return location[:64] if re.fullmatch(r"[\w.]*", location, re.ASCII) else "?"
