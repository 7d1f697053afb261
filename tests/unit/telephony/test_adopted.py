"""Which Asterisk may be taken up: ours, without an owner, and started with what it would be started with now."""

import asyncio
import os
import sys

import pytest

from telephony._adopted import Adopted, can_go_on, left_behind, owned, run_dir_of


@pytest.fixture
async def asterisk(tmp_path):
    """(its directory, a process whose command line names it)."""
    etc, run = tmp_path / "etc", tmp_path / "run"
    etc.mkdir()
    run.mkdir()
    (etc / "asterisk.conf").write_text(f"[directories]\nastrundir => {run}\n")
    (run / "asterisk.ctl").touch()
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", "import time; time.sleep(600)", str(etc))
    (etc / "pid").write_text(str(process.pid))
    yield etc, process
    if process.returncode is None:
        process.kill()
        await process.wait()


async def test_one_without_an_owner_is_found_with_its_socket(asterisk):
    etc, process = asterisk
    assert left_behind(etc) == process.pid
    assert run_dir_of(etc) == etc.parent / "run"


async def test_one_whose_owner_lives_is_left_alone(asterisk):
    etc, _ = asterisk
    owned(etc)
    assert left_behind(etc) is None and run_dir_of(etc) is None
    (etc / "owner").write_text(f"{os.getpid()} 1")
    assert left_behind(etc) is not None, "another process with that number, not the owner"


async def test_a_strangers_process_is_none_of_ours(asterisk):
    etc, _ = asterisk
    (etc / "pid").write_text(str(os.getpid()))
    assert left_behind(etc) is None
    (etc / "pid").write_text("nonsense")
    assert left_behind(etc) is None


async def test_an_adopted_one_can_be_waited_for_and_ended(asterisk):
    _, process = asterisk
    adopted = Adopted(process.pid)
    assert adopted.returncode is None
    waits = asyncio.create_task(adopted.wait())
    adopted.terminate()
    assert await asyncio.wait_for(waits, 10) == -1
    assert adopted.returncode == -1
    adopted.kill()  # nobody is hit by it


@pytest.mark.parametrize(
    ("name", "text", "goes_on"),
    [
        ("extensions.conf", "other", True),
        ("pjsip.conf", "bind = 127.0.0.1:5060\nmore = 1\n", True),
        ("pjsip.conf", "bind = 127.0.0.1:5070\n", False),
        ("modules.conf", "other", False),
        ("new.conf", "anything", False),
    ],
)
def test_what_is_not_read_again_must_be_the_same(tmp_path, name, text, goes_on):
    there = {"extensions.conf": "a", "pjsip.conf": "bind = 127.0.0.1:5060\n", "modules.conf": "m"}
    for file, was in there.items():
        (tmp_path / file).write_text(was)
    assert can_go_on(tmp_path, there)
    assert can_go_on(tmp_path, there | {name: text}) is goes_on
