"""Serves the furnished desk, to look at the page without a switch."""

from __future__ import annotations

import argparse
import asyncio
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from aiohttp import web

from ._app import build_app
from ._roles import Role
from ._scene import furnish, ring
from ._scene_parties import furnish_parties
from ._tokens import TokenBook

if TYPE_CHECKING:
    from .testing import FakeDesk


def main(make_desk: type[FakeDesk]) -> None:
    """Serve the furnished desk on loopback until Ctrl-C."""
    parser = argparse.ArgumentParser(description="the console on a desk in memory")
    parser.add_argument("--port", type=int, default=8346)
    parser.add_argument("--ring", type=float, default=0, help="offer a call to seat 8001 every so many seconds")
    options = parser.parse_args()

    async def serve() -> None:
        desk = make_desk()
        with tempfile.TemporaryDirectory() as folder:
            furnish(desk, Path(folder))
            furnish_parties(desk)
            tokens = TokenBook.open(Path(folder) / "secret")
            runner = web.AppRunner(build_app(desk, tokens))
            await runner.setup()
            await web.TCPSite(runner, "127.0.0.1", options.port).start()
            for role in Role:
                token = tokens.issue(role, f"demo {role}", "8001" if role is Role.SEAT else None, days=1)
                print(f"{role:<11} http://127.0.0.1:{options.port}/#token={token}", flush=True)
            number = 0
            try:
                while True:
                    await asyncio.sleep(options.ring or 3600)
                    if options.ring:
                        number += 1
                        await ring(desk, "8001", f"demo-2.{number}")
            finally:
                await runner.cleanup()

    try:
        asyncio.run(serve())
    except KeyboardInterrupt:
        print("ended")
