"""Puts the console together: routes, tokens, headers, errors, the hub."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Any

from aiohttp import web
from pydantic import BaseModel

from ._api import API
from ._api_handovers import GATE, Gate
from ._hub import Hub, Stats
from ._openapi import make_document
from ._ports import Desk, UnavailableError
from ._problems import ProblemError, problem_response
from ._roles import Principal, Right
from ._routes import Ask, Route, read_ask
from ._schema import Problem
from ._settings import Settings
from ._static import add_assets
from ._tokens import TokenBook, TokenRefusedError

_log = logging.getLogger("console")
_HUB = web.AppKey("hub", Hub)
_WHO: web.RequestKey[Principal | None] = web.RequestKey("who", Principal)
_Next = Callable[[web.Request], Awaitable[web.StreamResponse]]

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; media-src blob:; "
        "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
        "require-trusted-types-for 'script'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Server": "hotline",
}
"""On every answer. No script or style but our own files, no frames, no cookies anywhere."""


def build_app(
    desk: Desk,
    tokens: TokenBook,
    *,
    languages: Sequence[str] = ("zh", "en"),
    settings: Settings | None = None,
    version: str = "0.1.0",
) -> web.Application:
    """The console as an aiohttp application.

    Args:
        desk: what it shows and commands.
        tokens: checks every request.
        languages: offered on the page; the first is the default. Taken when ``settings`` is not given.
        settings: all limits and choices.
        version: told in the OpenAPI document.
    """
    settings = settings or Settings(languages=tuple(languages))
    hub = Hub(desk, settings)
    app = web.Application(client_max_size=settings.body_limit)
    app[_HUB] = hub
    app[GATE] = Gate(settings.clock)
    public = add_assets(app, settings) | {route.path for route in API if not route.right}
    routes, _ = all_routes(version)
    for route in routes:
        app.router.add_route(route.method, route.path, _serve(route, desk, hub, settings))
    app.middlewares.append(_tell_problems)
    app.middlewares.append(_check_token(tokens, public))
    app.on_response_prepare.append(_add_headers)
    app.cleanup_ctx.append(_run_hub)
    app.on_shutdown.append(_end_streams)
    return app


def all_routes(version: str) -> tuple[tuple[Route, ...], dict[str, Any]]:
    """Every route that answers with data, and the document of them all (which is one of the answers)."""
    document: dict[str, Any] = {}

    async def serve_document(ask: Ask) -> web.Response:
        return web.json_response(document)

    routes = (
        *API,
        Route("GET", "/api/openapi.json", "This document", "health", (Right.DOCUMENT,), serve_document, dict),
    )
    document.update(make_document(routes, version=version))
    return routes, document


def stream_stats(app: web.Application) -> Stats:
    """Counters of the event streams, for the service's metrics."""
    return app[_HUB].stats


def _serve(
    route: Route, desk: Desk, hub: Hub, settings: Settings
) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    async def serve(request: web.Request) -> web.StreamResponse:
        ask = await read_ask(route, request, desk, hub, settings, request.get(_WHO))
        answer = await route.handler(ask)
        if isinstance(answer, BaseModel):
            return web.json_response(text=answer.model_dump_json())
        return answer

    return serve


def _check_token(tokens: TokenBook, public: frozenset[str] | set[str]) -> Callable[..., Awaitable[web.StreamResponse]]:
    @web.middleware
    async def check(request: web.Request, handler: _Next) -> web.StreamResponse:
        # Before routing's own 404 and 405: without a token not even the existence of a path is told.
        resource = request.match_info.route.resource
        if request.path not in public and (resource is None or resource.canonical not in public):
            token = _find_token(request)
            if token is None:
                raise ProblemError("no-token")
            try:
                request[_WHO] = tokens.check(token)
            except TokenRefusedError as refusal:
                raise ProblemError(refusal.code) from None
        return await handler(request)

    return check


def _find_token(request: web.Request) -> str | None:
    """The bearer token. Never from the URL, which ends up in histories and logs."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "bearer" and token.strip():
        return token.strip()
    # A browser cannot set headers on a WebSocket; the subprotocol list is the place it can write to.
    for offered in request.headers.get("Sec-WebSocket-Protocol", "").split(","):
        name, _, token = offered.strip().partition(".")
        if name == "bearer" and token:
            return token
    return None


@web.middleware
async def _tell_problems(request: web.Request, handler: _Next) -> web.StreamResponse:
    try:
        return await handler(request)
    except ProblemError as error:
        answer = problem_response(error, request.path)
    except UnavailableError as error:
        answer = problem_response(ProblemError("unavailable", f"part:{error.part}"), request.path)
    except web.HTTPNotFound:
        answer = problem_response(ProblemError("no-such-place"), request.path)
    except web.HTTPMethodNotAllowed as error:
        allow = ",".join(sorted(error.allowed_methods))
        answer = problem_response(ProblemError("method-not-allowed", headers={"Allow": allow}), request.path)
    except web.HTTPRequestEntityTooLarge:
        answer = problem_response(ProblemError("too-large", "body"), request.path)
    except (web.HTTPException, ConnectionError, asyncio.CancelledError):
        raise
    except Exception as error:
        # Type and place only: the message may carry what no log may hold.
        frame = error.__traceback__
        while frame is not None and frame.tb_next is not None:
            frame = frame.tb_next
        place = f"{frame.tb_frame.f_code.co_filename}:{frame.tb_lineno}" if frame else "?"
        _log.error(
            "console: %s %s failed: %s at %s",
            request.method,
            request.match_info.route.resource,
            type(error).__name__,
            place,
        )
        answer = problem_response(ProblemError("internal"), request.path)
    return answer


async def _add_headers(request: web.Request, response: web.StreamResponse) -> None:
    for name, value in HEADERS.items():
        response.headers[name] = value
    response.headers.setdefault("Cache-Control", "no-store")


async def _run_hub(app: web.Application) -> AsyncIterator[None]:
    task = asyncio.create_task(app[_HUB].run(), name="console-hub")
    yield
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


async def _end_streams(app: web.Application) -> None:
    app[_HUB].end_all("stopping")


__all__ = ["HEADERS", "Problem", "build_app", "stream_stats"]
