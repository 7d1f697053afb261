"""The `hotline` command as its user meets it: exit codes, messages, files, and never a stack trace."""

import asyncio
import os
import re
import shutil
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT, free_port

pytestmark = pytest.mark.integration
HOTLINE = Path(sys.executable).parent / "hotline"


class Cli:
    """One private var_dir and config_dir; `run` gives (exit code, standard output, standard error)."""

    def __init__(self, tmp):
        self.tmp, self.config = tmp, tmp / "config"
        self.config.mkdir()
        for entry in (ROOT / "config").iterdir():
            if entry.name == "flows":
                shutil.copytree(entry, self.config / "flows")
            elif entry.name == "hotline.yaml":
                shutil.copy(entry, self.config)
            else:
                (self.config / entry.name).symlink_to(entry)
        self.env = {k: v for k, v in os.environ.items() if not k.startswith("HOTLINE_")} | {
            "HOTLINE_VAR_DIR": str(tmp / "var"), "HOTLINE_CONFIG_DIR": str(self.config), "COLUMNS": "200",
            "PYTHONPATH": str(ROOT),
            "HOTLINE_HTTP_PORT": str(free_port()),
        }  # fmt: skip

    async def run(self, *args, stdin="", **env):
        process = await asyncio.create_subprocess_exec(
            HOTLINE, *args, env=self.env | env, cwd=self.tmp, stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        out, err = await asyncio.wait_for(process.communicate(stdin.encode()), 60)
        assert b"Traceback" not in out + err, (out + err).decode()
        return process.returncode, out.decode(), err.decode()

    def change(self, file, old, new):
        path = self.config / file
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new))


@pytest.fixture
def cli(tmp_path):
    return Cli(tmp_path)


async def test_check_of_good_files(cli):
    code, out, _ = await cli.run("check")
    assert code == 0
    assert "3 flows" in out


async def test_check_tells_every_fault_of_every_file_with_its_line(cli):
    cli.change("hotline.yaml", "ring: 15", "rnig: 15")
    (cli.config / "flows/default.yaml").write_text("nodes: [")
    code, _, err = await cli.run("check")
    assert code == 1
    assert "hotline.yaml:17: times.rnig: no such key; did you mean 'ring'?" in err
    assert re.search(r"flows/default\.yaml:\d+", err)
    assert "Nothing was changed" in err


async def test_wrong_settings_are_one_clear_message_for_every_command(cli):
    file = cli.tmp / "s.yaml"
    file.write_text("htpp_port: 80\n")
    wrong = {"HOTLINE_SETTINGS": str(file)}
    for code, _, err in await asyncio.gather(cli.run("run", **wrong), cli.run("call", "list", **wrong)):
        assert code == 1
        assert "s.yaml:1: htpp_port: no such setting; did you mean 'http_port'?" in err
        assert "How to mend it" in err


async def test_run_with_a_wrong_configuration_starts_nothing(cli):
    cli.change("hotline.yaml", "flow: default", "flow: defualt")
    code, _, err = await cli.run("run")
    assert code == 1
    assert "did you mean 'default'?" in err
    assert not (cli.tmp / "var/redis").exists()


async def test_flow_check_draw_and_try(cli):
    checked, drawn, tried, silent, unknown = await asyncio.gather(
        cli.run("flow", "check"), cli.run("flow", "draw", "self-service", "--mermaid"),
        cli.run("flow", "try", "self-service", stdin="0\n"), cli.run("flow", "try", "self-service"),
        cli.run("flow", "try", "self-servcie"),
    )  # fmt: skip
    assert checked[0] == 0
    assert "default" in checked[1]
    assert "self-service" in checked[1]
    assert drawn[0] == 0
    assert "flowchart" in drawn[1] or "graph" in drawn[1]
    assert tried[0] == 0
    assert len(tried[1].splitlines()) >= 2, "what the caller hears, and where 0 leads"
    assert silent[0] == 0, "no more input is no error"
    assert unknown[0] == 1
    assert "known flows: default, probe, self-service" in unknown[2]


async def test_asterisk_render_writes_complete_files_for_the_owner_only(cli):
    code, _, _ = await cli.run("asterisk", "render", "out", "--spool", "/srv/raw")
    assert code == 0
    out = cli.tmp / "out"
    names = {p.name for p in out.iterdir()}
    assert names == {"extensions.conf", "manager.conf", "pjsip.conf", "queues.conf", "README.md"}
    for path in out.iterdir():
        text = path.read_text()
        assert not re.findall(r"@[A-Z_]+@", text), path.name
        if path.suffix == ".conf":
            assert path.stat().st_mode & 0o777 == 0o600, path.name
    assert "/srv/raw" in (out / "extensions.conf").read_text()
    secret = (cli.tmp / "var/secrets/ami").read_text().strip()
    assert secret in (out / "manager.conf").read_text()
    assert secret not in (out / "README.md").read_text()


async def test_asterisk_render_refuses_a_value_that_would_break_the_files(cli):
    cli.change("hotline.yaml", '"demo-{seat}"', '"x;{seat}"')
    code, _, err = await cli.run("asterisk", "render", "out")
    assert code == 1
    assert "password" in err
    assert not (cli.tmp / "out").exists()


async def test_token_is_one_line_and_a_wrong_role_or_missing_seat_is_told(cli):
    good, bad, seatless = await asyncio.gather(
        cli.run("token", "--role", "probe"), cli.run("token", "--role", "king"), cli.run("token", "--role", "seat")
    )
    assert good[0] == 0
    assert re.fullmatch(r"\S{40,}\n", good[1])
    assert (bad[0], seatless[0]) == (1, 1)
    assert "choose one of: " in bad[2]
    assert "seat" in seatless[2]


async def test_settings_shows_values_and_variables(cli):
    code, out, _ = await cli.run("settings", HOTLINE_SIP_PORT="5999")
    assert code == 0
    assert re.search(r"sip_port\W+5999\W+HOTLINE_SIP_PORT", out)


async def test_without_a_service_the_lists_say_so(cli):
    for code, _, err in await asyncio.gather(cli.run("call", "list"), cli.run("ticket", "list")):
        assert code == 1
        assert "no service at http://127.0.0.1:" in err
        assert "make run" in err
