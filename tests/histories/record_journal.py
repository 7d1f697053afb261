"""Records a journal as this version writes it, with calls in every place, for the versions that come after.

    python -m tests.histories.record_journal tests/histories/journal-0.2.ndjson

To record an older version, run this file in a checkout of it (it uses only what has been there since 0.2). The first
line is what that version itself said of the calls, the queue and the seats; the others are the keys of its journal.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import socket
import sys
import tempfile
from pathlib import Path
from typing import Any

import yaml
from redis.asyncio import Redis

from demo import Phone
from service.app import running
from service.settings import load_settings

ROOT = Path(os.environ.get("HOTLINE_PROJECT", Path(__file__).resolve().parents[2]))
HASHES = ("live", "seats", "flows", "callbacks", "control", "callers")


def port(kind: int = socket.SOCK_STREAM) -> int:
    with socket.socket(socket.AF_INET, kind) as s:
        s.bind(("127.0.0.1", 0))
        return int(s.getsockname()[1])


async def until(true: Any, what: str) -> None:
    end = asyncio.get_running_loop().time() + 20
    while not true():
        assert asyncio.get_running_loop().time() < end, what
        await asyncio.sleep(0.02)


async def record(out: Path) -> None:
    with tempfile.TemporaryDirectory() as place:
        tmp = Path(place)
        config = tmp / "config"
        config.mkdir()
        for entry in Path("config").resolve().iterdir():
            if entry.name != "hotline.yaml":
                (config / entry.name).symlink_to(entry)
        data = yaml.safe_load(Path("config/hotline.yaml").read_text())
        data["numbers"]["12333"] = {"flow": "self-service"}
        data["times"]["wrap_up"] = 600
        (config / "hotline.yaml").write_text(yaml.safe_dump(data, allow_unicode=True))
        var = tmp / "var"
        var.mkdir()
        (var / "prompts").symlink_to(ROOT / "var/prompts")
        settings = load_settings(
            config_dir=config, var_dir=var, rootfs=ROOT / "var/rootfs", http_port=port(), redis_port=port(),
            ami_port=port(), sip_port=port(socket.SOCK_DGRAM), rtp_start=37300, rtp_end=37500, asr_workers=0, phones=0,
        )  # fmt: skip
        async with contextlib.AsyncExitStack() as stack:
            hotline = await stack.enter_async_context(running(settings))
            sip = ("127.0.0.1", settings.sip_port)

            async def phone(number: str, password: str | None = None) -> Phone:
                ip = "127.0.0.1" if password else "127.0.0.9"
                return await stack.enter_async_context(Phone(sip, number, password, local_ip=ip))

            async def dial(n: int, number: str = "12345") -> Any:
                call = await (await phone(f"1380000000{n}")).dial(number)
                await call.answered()
                return call

            engine = hotline.engine
            states = lambda: sorted(c.state.value for c in engine.calls.values())  # noqa: E731
            seats = [await phone(i, f"demo-{i}") for i in ("8001", "8002", "8003")]
            for one in seats:
                await one.register()
            floor = engine.dispatcher.seats
            await until(lambda: sum(s.state.value == "available" for s in floor.values()) == 3, "seats")
            for n in (1, 2):  # one will be in wrap-up, one talk
                caller = await dial(n)
                await caller.press("#")
                ringing = [asyncio.create_task(s.incoming(20)) for s in seats]
                done, _ = await asyncio.wait(ringing, return_when=asyncio.FIRST_COMPLETED)
                await done.pop().result().answer()
                for task in ringing:
                    task.cancel()
                await until(lambda: states().count("talking") == 1, "talking")
                if n == 1:
                    await caller.hang_up()
                    await until(lambda: states() == ["wrap_up"], "wrap-up")
            caller = await dial(3)  # rings at the third seat
            await caller.press("#")
            await until(lambda: "offered" in states(), "rings")
            for n in (4, 5, 6):
                await (await dial(n)).press("#")
                await until(lambda n=n: len(engine.dispatcher.waiting()) + states().count("offered") == n - 2, "waits")
            if hasattr(engine, "want_third"):  # version 0.2's name of a further party
                (talk,) = (c.id for c in engine.calls.values() if c.state.value == "talking")
                engine.want_third(talk, "en", "8002")
            in_flow = await dial(7, "12333")
            await until(lambda: "in_flow" in states(), "in a flow")
            await in_flow.press("*")
            await asyncio.sleep(3)
            waiting = sorted((w.since, w.call) for w in engine.dispatcher.waiting())
            told = {
                "calls": {c.id: {"state": c.state.value, "seat": c.seat, "number": c.caller_number, "offers": c.offers,
                                 "since": c.waiting_since, "flow": c.flow, "legs": [x.id for x in c.legs]}
                          for c in engine.calls.values()},
                "waiting": [c for _, c in waiting],
                "seats": {s.id: [s.state.value, s.call] for s in engine.dispatcher.seats.values()},
            }  # fmt: skip
            redis: Redis = hotline.redis
            lines: list[Any] = [told]
            for name in HASHES:
                rows = await redis.hgetall("hotline:" + name)
                lines += [{"hash": name, "key": k.decode(), "value": v.decode()} for k, v in rows.items()]
            for id_, data in await redis.xrange("hotline:journal"):
                lines.append({"entry": id_.decode(), **{k.decode(): v.decode() for k, v in data.items()}})
            out.write_text("".join(json.dumps(x, ensure_ascii=False) + "\n" for x in lines), encoding="utf-8")
            print(states(), len(lines), "lines")


if __name__ == "__main__":
    asyncio.run(record(Path(sys.argv[1]).resolve()))
