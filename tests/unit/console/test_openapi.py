"""The OpenAPI document is true: schemathesis asks everything it describes and holds the answers to it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from aiohttp import web
from hypothesis import HealthCheck, Phase, settings

from console import Role, TokenBook, build_app
from console._app import all_routes
from console._scene import furnish
from console.testing import FakeDesk

BOOK = TokenBook(b"0123456789abcdef0123456789abcdef")
ROUTES, DOCUMENT = all_routes("0")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The console on a loopback port, in a loop of its own: schemathesis asks with blocking sockets."""
    loop = asyncio.new_event_loop()
    ready: asyncio.Future[str] | Any = threading.Event()
    address: list[str] = []
    stop = asyncio.Event()

    async def run() -> None:
        desk = FakeDesk()
        furnish(desk, Path(tmp_path_factory.mktemp("recordings")))
        runner = web.AppRunner(build_app(desk, BOOK), access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        address.append(f"http://127.0.0.1:{runner.addresses[0][1]}")
        ready.set()
        await stop.wait()
        await runner.cleanup()

    thread = threading.Thread(target=loop.run_until_complete, args=(run(),), name="console-server")
    thread.start()
    assert ready.wait(10)
    yield address[0]
    loop.call_soon_threadsafe(stop.set)
    thread.join(10)
    loop.close()


schema = schemathesis.openapi.from_dict(DOCUMENT)


@schema.parametrize()
@settings(
    max_examples=20,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.explicit, Phase.generate],
    derandomize=True,
)
def test_every_answer_is_as_documented(case: Any, server: str) -> None:
    case.call_and_validate(
        base_url=server, headers={"Authorization": f"Bearer {BOOK.issue(Role.ADMIN, 'schemathesis')}"}
    )


def test_every_route_is_documented_with_a_unique_name() -> None:
    operations = [operation for path in DOCUMENT["paths"].values() for operation in path.values()]
    assert len(operations) == len(ROUTES)
    assert len({operation["operationId"] for operation in operations}) == len(ROUTES)


def test_every_reference_leads_somewhere() -> None:
    names = set(DOCUMENT["components"]["schemas"])

    def walk(node: Any) -> Iterator[str]:
        if isinstance(node, dict):
            if "$ref" in node:
                yield node["$ref"].rpartition("/")[2]
            for value in node.values():
                yield from walk(value)
        elif isinstance(node, list):
            for value in node:
                yield from walk(value)

    used = set(walk(DOCUMENT))
    assert used <= names
    assert {"Hello", "CallEvent", "SeatEvent", "WaitingEvent", "DraftEvent", "HealthEvent", "Beat", "Bye"} <= names
    assert {"CallbackEvent", "ModeEvent"} <= names


def test_every_protected_route_documents_401_and_403() -> None:
    for route in ROUTES:
        responses = DOCUMENT["paths"][route.path][route.method.lower()]["responses"]
        assert ({"401", "403"} <= set(responses)) == bool(route.right)
