"""New files are taken over, wrong ones change nothing and are told."""

import asyncio
import shutil
from types import SimpleNamespace

import pytest

import ivr
from service import reload
from service.config import load_config
from service.reload import Watcher
from service.settings import ROOT


class Asterisk:
    def __init__(self):
        self.plan_changes, self.reloads = {}, 0

    async def reload(self):
        self.reloads += 1


class App:
    """What the watcher needs of the running instance."""

    def __init__(self, directory):
        self.settings = SimpleNamespace(config_dir=directory, peers={}, seat_password=None, seat_password_file=None)
        self.flows = ivr.FlowLibrary(directory / "flows", directory / "prompts" / "prompts.yaml")
        self.config = load_config(directory / "hotline.yaml", [f.name for f in self.flows.book])
        self.asterisk = Asterisk()
        self.applied = asyncio.Event()

    async def apply_config(self, config):
        self.config = config
        self.applied.set()


@pytest.fixture
def app(tmp_path):
    directory = tmp_path / "config"
    (directory / "prompts").mkdir(parents=True)
    shutil.copytree(ROOT / "config/flows", directory / "flows")
    shutil.copy(ROOT / "config/prompts/prompts.yaml", directory / "prompts")
    shutil.copy(ROOT / "config/hotline.yaml", directory)
    return App(directory)


def change(app, old, new, file="hotline.yaml"):
    path = app.settings.config_dir / file
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


async def test_a_changed_time_is_taken_over_without_touching_the_switch(app):
    change(app, "ring: 15", "ring: 21")
    watcher = Watcher(app)
    await watcher.reload()
    assert app.config.times.ring == 21
    assert watcher.problems == []
    assert app.asterisk.reloads == 0


@pytest.mark.parametrize(("old", "new"), [('id: "8008"', 'id: "8009"'), ('"12345":', '"12399":')])
async def test_a_changed_seat_or_number_reaches_the_switch(app, old, new):
    change(app, old, new)
    await Watcher(app).reload()
    assert app.asterisk.reloads == 1
    assert new.split('"')[1] in [s.user for s in app.asterisk.plan_changes["seats"]] + list(
        app.asterisk.plan_changes["dialled"]
    )


LINKED = """\
trunks: {police: {contact: "10.0.0.7:5060", match: "10.0.0.7"}}
entries: {"110": {name: "110", kind: emergency, numbers: "110", trunks: police, fallback: "119"},
          "119": {name: "119", kind: emergency, numbers: "119"}}
"""


async def test_a_saved_directory_is_taken_over_and_its_trunks_reach_the_switch(app):
    path = app.settings.config_dir / "directory.yaml"
    watcher = Watcher(app)
    before = watcher._state()
    path.write_text(LINKED)
    assert watcher._state() != before, "the watcher sees it"
    await watcher.reload()
    assert watcher.problems == []
    assert app.config.directory().line("110", 0.0).tries[0].trunk == "line-police"
    (line,) = app.asterisk.plan_changes["lines"]
    assert (line.endpoint, line.contact, line.match) == ("line-police", "10.0.0.7:5060", ("10.0.0.7",))
    assert app.asterisk.reloads == 1
    path.write_text(path.read_text().replace('name: "119"', "name: 消防"))
    await watcher.reload()
    assert app.config.directory().get("119").zh == "消防"
    assert app.asterisk.reloads == 1, "no trunk has changed: the switch is left alone"


async def test_a_wrong_directory_leaves_the_old_one_and_says_what_to_write(app):
    path = app.settings.config_dir / "directory.yaml"
    path.write_text(LINKED)
    watcher = Watcher(app)
    await watcher.reload()
    good = app.config
    path.write_text(path.read_text().replace("trunks: police", "trunks: polise"))
    await watcher.reload()
    assert app.config is good
    assert "directory.yaml:2: entries.110.trunks.0: no trunk 'polise'; did you mean 'police'?" in watcher.problems[0]
    assert app.asterisk.reloads == 1


async def test_a_trunk_at_a_peers_address_is_refused_before_the_switch_hears_of_it(app):
    app.settings.peers = {"hangzhou": "10.0.0.7:5060"}
    before = app.config
    (app.settings.config_dir / "directory.yaml").write_text(LINKED)
    watcher = Watcher(app)
    await watcher.reload()
    assert app.config is before and app.asterisk.reloads == 0 and app.asterisk.plan_changes == {}
    assert "trunk 'police': calls from 10.0.0.7 are those of peer hangzhou already" in watcher.problems[0]


async def test_a_wrong_configuration_changes_nothing_and_is_told_with_its_line(app, caplog):
    before = app.config
    change(app, "ring: 15", "rnig: 15")
    counted = []
    watcher = Watcher(app, counted.append)
    await watcher.reload()
    assert counted == [1], "a refused file shows in the metrics"
    assert app.config is before
    (problem,) = watcher.problems
    assert "hotline.yaml:17: times.rnig" in problem
    assert "did you mean 'ring'" in caplog.text


async def test_a_wrong_flow_does_not_keep_a_good_configuration_out(app):
    (app.settings.config_dir / "flows/default.yaml").write_text("nodes: [")
    change(app, "ring: 15", "ring: 22")
    watcher = Watcher(app)
    await watcher.reload()
    assert app.config.times.ring == 22
    assert any("default.yaml" in p for p in watcher.problems)
    assert app.flows.book.get("default") is not None, "the old version goes on"


async def test_a_mended_file_clears_the_problem(app):
    watcher = Watcher(app)
    change(app, "ring: 15", "rnig: 15")
    await watcher.reload()
    change(app, "rnig: 15", "ring: 16")
    await watcher.reload()
    assert watcher.problems == []
    assert app.config.times.ring == 16


async def test_a_deleted_configuration_is_told_and_the_old_one_stays(app):
    before = app.config
    (app.settings.config_dir / "hotline.yaml").unlink()
    watcher = Watcher(app)
    await watcher.reload()
    assert app.config is before
    assert "cannot be read" in watcher.problems[0]


async def test_a_change_is_seen_by_itself_and_once(app, monkeypatch):
    monkeypatch.setattr(reload, "PAUSE", 0.01)
    watcher = Watcher(app)
    task = asyncio.create_task(watcher.run())
    try:
        change(app, "ring: 15", "ring: 23")
        async with asyncio.timeout(10):
            await app.applied.wait()
        assert app.config.times.ring == 23
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_a_switch_that_refuses_the_reload_does_not_end_the_watching(app, monkeypatch):
    from telephony import TelephonyError

    async def refuse():
        raise TelephonyError("no")

    monkeypatch.setattr(reload, "PAUSE", 0.01)
    app.asterisk.reload = refuse
    watcher = Watcher(app)
    task = asyncio.create_task(watcher.run())
    try:
        change(app, 'id: "8008"', 'id: "8010"')
        async with asyncio.timeout(10):
            await app.applied.wait()
        app.applied.clear()
        change(app, "ring: 15", "ring: 24")
        async with asyncio.timeout(10):
            await app.applied.wait()
        assert app.config.times.ring == 24
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
