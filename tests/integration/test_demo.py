"""`hotline demo --scene fire` as its user sees it: all of it on an Asterisk and Redis of its own, line by line."""

import asyncio
import os
import re
import shutil
import socket
import sys
from pathlib import Path

import pytest

from tests.conftest import PROMPTS, ROOT, ROOTFS, free_port

pytestmark = [
    pytest.mark.integration,
    pytest.mark.timeout(300),
    pytest.mark.skipif(shutil.which("espeak-ng") is None, reason="apt install espeak-ng"),
]
HOTLINE = Path(sys.executable).parent / "hotline"
STORY = (
    "来电, 交换机应答", "等候座席 ·", "来电人 说: 我家厨房着火了", "呼叫外线 · an outside line is rung 119",
    "119 消防救援 与来电人通话", "119 说: 这里是119", "119 消防救援 与来电人、座席 8001 三方通话", "来电人 说: 鹿城区",
    "座席 8001 说: 我是12345座席", "119 说: 消防车已出发", "一方离开 · a party leaves 119", "座席 8001 与来电人通话",
    "座席 8001 说: 请到楼下", "来电人 说: 我下楼了", "来电人挂机", "✓ 三方通话完成",
)  # fmt: skip


async def demo(tmp: Path, *args: str, **env: str) -> tuple[int, str]:
    """Runs the command in a place and on ports of its own; (exit code, what it printed)."""
    var = tmp / "var"
    var.mkdir()
    (var / "prompts").symlink_to(PROMPTS)
    ports = {f"HOTLINE_{name}": str(free_port()) for name in ("HTTP_PORT", "AMI_PORT", "REDIS_PORT")}
    process = await asyncio.create_subprocess_exec(
        HOTLINE, "demo", "--no-stay", "--phones", "1", *args, cwd=tmp, stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env={k: v for k, v in os.environ.items() if not k.startswith("HOTLINE_")} | ports | {
            "HOTLINE_VAR_DIR": str(var), "HOTLINE_ROOTFS": str(ROOTFS), "PYTHONPATH": str(ROOT), "COLUMNS": "200",
            "HOTLINE_SIP_PORT": str(free_port(socket.SOCK_DGRAM)), "HOTLINE_RTP_START": "34500",
            "HOTLINE_RTP_END": "34900", "HOTLINE_CONFIG_DIR": str(ROOT / "config"), "HOTLINE_ASR_WORKERS": "0", **env,
        },
    )  # fmt: skip
    try:
        out, _ = await asyncio.wait_for(process.communicate(), 200)
    finally:
        if process.returncode is None:
            process.terminate()
            await process.wait()
    assert b"Traceback" not in out, out.decode()
    return process.returncode, out.decode()


def in_order(text: str, wanted: tuple[str, ...]) -> None:
    at = 0
    for part in wanted:
        found = text.find(part, at)
        assert found >= 0, f"'{part}' is not there, or too early:\n{text}"
        at = found


@pytest.mark.parametrize("heard", [True, False], ids=["by-the-cry", "by-the-key"])
async def test_a_cry_or_a_key_brings_119_and_a_seat_and_all_three_talk(tmp_path: Path, heard: bool) -> None:
    before = (ROOT / "config/directory.yaml").read_bytes()
    code, out = await demo(tmp_path, "--scene", "fire", HOTLINE_SPOKEN_EMERGENCY=str(heard).lower())
    assert code == 0, out
    in_order(out, STORY)
    assert ("来电人 按键: 9" in out) == (not heard), out
    assert len(re.findall("is rung 119", out)) == 1, "one fire, one ring"
    assert "路灯" not in out
    assert (ROOT / "config/directory.yaml").read_bytes() == before


async def test_what_cannot_be_shown_is_said_with_its_cure_and_exit_code_1(tmp_path: Path) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        port = str(taken.getsockname()[1])
        code, out = await demo(tmp_path, "--scene", "fire", HOTLINE_SIP_PORT=port)
    assert code == 1
    assert f"port {port} is in use" in out
    assert "How to mend it" in out


async def test_a_scene_that_is_none_is_refused_with_those_there_are(tmp_path: Path) -> None:
    code, out = await demo(tmp_path, "--scene", "flood")
    assert code == 2
    assert "street-light" in out and "fire" in out
