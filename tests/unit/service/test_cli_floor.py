"""`hotline seat`, `callback`, `mode` and `call` against a console on a furnished desk."""

import asyncio
import threading

import pytest
from aiohttp import web
from typer.testing import CliRunner

from console import TokenBook, build_app
from console._scene import furnish
from console.testing import FakeDesk
from service.cli import app
from service.errors import ServiceError


@pytest.fixture
def hotline(tmp_path, monkeypatch):
    """The command, with a console to talk to in a thread of its own (the command has a loop of its own too)."""
    loop, stop, ready, port = asyncio.new_event_loop(), asyncio.Event(), threading.Event(), []
    monkeypatch.setenv("HOTLINE_VAR_DIR", str(tmp_path / "var"))
    monkeypatch.setenv("COLUMNS", "200")
    from service.settings import load_settings

    async def serve():
        desk = FakeDesk()
        furnish(desk, tmp_path)
        tokens = TokenBook.open(load_settings().secrets_dir / "tokens")
        runner = web.AppRunner(build_app(desk, tokens), access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        port.append(runner.addresses[0][1])
        ready.set()
        await stop.wait()
        await runner.cleanup()

    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),), name="console")
    thread.start()
    assert ready.wait(10)
    monkeypatch.setenv("HOTLINE_HTTP_PORT", str(port[0]))

    def run(line, answer=None):
        return CliRunner().invoke(app, line.split(), input=answer)

    yield run
    loop.call_soon_threadsafe(stop.set)
    thread.join(10)
    loop.close()


def test_seats_are_listed_reset_and_sent_to_rest(hotline):
    listed = hotline("seat list").output
    assert "8003" in listed and "话后处理 wrap_up" in listed and "interpreter" in listed
    assert "rests after this call" in hotline("seat rest 8003").output
    assert hotline("seat reset 8003", "n\n").exit_code == 1
    assert "空闲 available" in hotline("seat reset 8003", "y\n").output
    assert "强制休息 rest" in hotline("seat rest 8003 --seconds 120").output
    refused = hotline("seat reset 8002 --yes")
    assert isinstance(refused.exception, ServiceError) and "talks with a caller" in str(refused.exception)


def test_the_callback_list_is_worked_on(hotline):
    assert "cb-1003" in hotline("callback list").output
    added = hotline("callback add 13912345678").output
    assert "待拨 open" in added and "回访 visit" in added
    entry = added.partition(":")[0]
    assert "已取消 cancelled" in hotline(f"callback cancel {entry}").output
    assert entry in hotline("callback list --closed").output
    assert "待拨 open" in hotline(f"callback reopen {entry}").output
    assert isinstance(hotline("callback cancel nobody").exception, ServiceError)


def test_the_mode_is_shown_and_switched(hotline):
    shown = hotline("mode show").output
    assert "正常 normal" in shown and "鹿城区" in shown and "thresholds: 开 on" in shown
    switched = hotline("mode set surge --reason [台风] --no-auto").output
    assert "话务高峰 surge" in switched and "[台风]" in switched and "关 off" in switched
    assert isinstance(hotline("mode set panic --reason x").exception, ServiceError)


def test_a_call_tells_why_it_went_where_it_went(hotline):
    assert "→ 13616778899" in hotline("call list").output
    shown = hotline("call show demo-1.4").output
    assert "派话方案 · plan" in shown and "rule:wenzhou" in shown and "free 3" in shown
    assert "party: 日语 join ringing 8010" in hotline("call show demo-1.5").output
    assert isinstance(hotline("call show nobody").exception, ServiceError)
