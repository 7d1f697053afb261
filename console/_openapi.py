"""The OpenAPI 3.1 document, made from the route table and the models: nothing in it is written twice."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any, Literal, TypeGuard

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from ._messages import (
    Beat,
    Bye,
    CallbackEvent,
    CallEvent,
    DraftEvent,
    HealthEvent,
    Hello,
    ModeEvent,
    SeatEvent,
    WaitingEvent,
)  # fmt: skip
from ._problems import STATUS
from ._routes import Route
from ._schema import ID_PATTERN, Problem
from ._schema_parties import KEY_HEADER, KEY_PATTERN
from ._socket import CLOSE_CODES, PROTOCOL

_REF = "#/components/schemas/{model}"
_MESSAGES: tuple[type[BaseModel], ...] = (
    Hello, CallEvent, SeatEvent, WaitingEvent, CallbackEvent, ModeEvent, DraftEvent, HealthEvent, Beat, Bye,
)  # fmt: skip
_ABOUT = f"""Calls, seats, waiting callers, callbacks, the operating mode, drafts and recordings of the hotline.

Send a role token (`hotline token --role admin`) as `Authorization: Bearer …`; only /healthz and /readyz
answer without, and /api/v1/handovers takes a one-time token of its own.
Times are unix seconds. Numbers and names are masked (`138****1234`) unless the role may see
them; every look at a number, transcript, draft or recording is audited.

`/api/v1/events` is a WebSocket (subprotocol `{PROTOCOL}`; a browser sends its token as a second
subprotocol `bearer.<token>`). Its messages are the schemas Hello, CallEvent, SeatEvent, WaitingEvent,
CallbackEvent, ModeEvent, DraftEvent, HealthEvent, Beat and Bye; reconnect with `?since=<last id>` and nothing
is missed. It closes with
{", ".join(f"{int(code)} ({reason})" for reason, code in CLOSE_CODES.items())}."""


_HEADER_SCHEMAS: dict[str, dict[str, Any]] = {KEY_HEADER: {"type": "string", "pattern": KEY_PATTERN}}
"""Of headers that are held to a form; any other one is just text."""


def make_document(routes: Sequence[Route], *, version: str) -> dict[str, Any]:
    """The whole document as JSON-ready data."""
    answers = [route.answer for route in routes if _is_model(route.answer)]
    others = [what for route in routes for _, what in route.others.values() if _is_model(what)]
    inputs = [route.body for route in routes if route.body]
    # Inputs in validation mode, outputs in serialization mode; no model is used both ways.
    outputs: dict[type[BaseModel], None] = dict.fromkeys([*answers, *others, *_MESSAGES, Problem])
    used: list[tuple[type[BaseModel], Literal["validation", "serialization"]]] = [
        *((model, "serialization") for model in outputs),
        *((model, "validation") for model in dict.fromkeys(inputs)),
    ]
    _, schemas = models_json_schema(used, ref_template=_REF)
    paths: dict[str, dict[str, Any]] = {}
    for route in routes:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Hotline 12345", "version": version, "description": _ABOUT},
        "servers": [{"url": "/"}],
        "tags": [{"name": tag} for tag in dict.fromkeys(route.tag for route in routes)],
        "paths": paths,
        "components": {
            "schemas": schemas["$defs"],
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer", "description": "a role token"},
                "handover": {
                    "type": "http", "scheme": "bearer", "description": "of a call's User-to-User header, once",
                },
            },
        },
    }


def _operation(route: Route) -> dict[str, Any]:
    name = re.sub(r"\W+", "_", re.sub(r"^/api(/v1)?", "", route.path)).strip("_")
    operation: dict[str, Any] = {
        "operationId": f"{route.method.lower()}_{name}",
        "summary": route.summary,
        "tags": [route.tag],
        "security": [{route.scheme or "token": []}] if route.right or route.scheme else [],
        "parameters": [*_path_parameters(route), *_query_parameters(route), *_header_parameters(route)],
        "responses": _responses(route),
    }
    if route.right:
        operation["description"] = "Needs the right " + " or ".join(f"`{right.value}`" for right in route.right) + "."
    if route.body is not None:
        schema = {"$ref": _REF.format(model=route.body.__name__)}
        operation["requestBody"] = {"required": True, "content": {"application/json": {"schema": schema}}}
    return operation


def _path_parameters(route: Route) -> Iterable[dict[str, Any]]:
    for name in route.placeholders:
        schema = {"type": "string", "pattern": ID_PATTERN}
        yield {"name": name, "in": "path", "required": True, "schema": schema}


def _query_parameters(route: Route) -> Iterable[dict[str, Any]]:
    if route.query is None:
        return
    for name, schema in route.query.model_json_schema()["properties"].items():
        schema.pop("title", None)
        # A parameter that may be left out is "null" to us; on the wire there is no null.
        choices = [choice for choice in schema.pop("anyOf", []) if choice.get("type") != "null"]
        merged = {**schema, **(choices[0] if choices else {})}
        if merged.get("default", ...) is None:
            del merged["default"]
        about = merged.pop("description", "")
        yield {"name": name, "in": "query", "required": False, "description": about, "schema": merged}


def _header_parameters(route: Route) -> Iterable[dict[str, Any]]:
    for name, about in route.request_headers.items():
        yield {
            "name": name,
            "in": "header",
            "required": False,
            "description": about,
            "schema": _HEADER_SCHEMAS.get(name, {"type": "string"}),
        }


def _responses(route: Route) -> dict[str, Any]:
    responses: dict[str, Any] = {"200": _response("as asked", route.answer)}
    for status, (about, what) in route.others.items():
        responses[str(status)] = _response(about, what)
    codes = ["bad-query", "too-large", "internal", *route.problems]
    if route.right:
        codes += ["no-token", "bad-token", "token-expired", "not-allowed", "audit-failed", "unavailable"]
    if route.placeholders:
        codes.append("bad-id")
    if route.body is not None:
        codes += ["not-json", "bad-body"]
    by_status: dict[str, list[str]] = {}
    for code in codes:
        by_status.setdefault(str(STATUS[code]), []).append(code)
    for status_text, told in sorted(by_status.items()):
        content = {"application/problem+json": {"schema": {"$ref": _REF.format(model="Problem")}}}
        answer = responses.setdefault(status_text, {"description": ", ".join(told), "content": {}})
        answer.setdefault("content", {}).update(content)
    return dict(sorted(responses.items()))


def _is_model(what: object) -> TypeGuard[type[BaseModel]]:
    return isinstance(what, type) and issubclass(what, BaseModel)


def _response(about: str, what: type[BaseModel] | type[dict[str, object]] | str | None) -> dict[str, Any]:
    if what is None:
        return {"description": about}
    if isinstance(what, str):
        schema = {"type": "string"} if what.startswith("text/") else {"type": "string", "format": "binary"}
        return {"description": about, "content": {what: {"schema": schema}}}
    schema = {"$ref": _REF.format(model=what.__name__)} if _is_model(what) else {"type": "object"}
    return {"description": about, "content": {"application/json": {"schema": schema}}}
