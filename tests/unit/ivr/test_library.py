"""Reloading: what is good is taken, what is bad keeps its last good version, calls keep theirs."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

import ivr

CONFIG = Path(__file__).parents[3] / "config"


@pytest.fixture
def site(tmp_path: Path) -> Path:
    shutil.copytree(CONFIG / "flows", tmp_path / "flows")
    shutil.copy(CONFIG / "prompts/prompts.yaml", tmp_path / "prompts.yaml")
    return tmp_path


@pytest.fixture
def library(site: Path) -> ivr.FlowLibrary:
    return ivr.FlowLibrary(site / "flows", site / "prompts.yaml")


def change(path: Path, before: str, after: str) -> None:
    text = path.read_text("utf-8")
    assert before in text
    path.write_text(text.replace(before, after), "utf-8")


def test_nothing_changed_is_nothing_reported(library: ivr.FlowLibrary) -> None:
    book = library.book
    assert library.reload() == ivr.ReloadReport()
    assert library.book.flows == book.flows


def test_comments_make_no_new_version(site: Path, library: ivr.FlowLibrary) -> None:
    path = site / "flows/default.yaml"
    path.write_text("# 说明\n" + path.read_text("utf-8"), "utf-8")
    assert library.reload().changed == ()


def test_a_running_call_keeps_the_version_it_began_with(site: Path, library: ivr.FlowLibrary) -> None:
    old = library.book["default"]
    session, _ = ivr.start(old, {}, 0)
    change(site / "flows/default.yaml", "[greeting, recording-notice]", "[greeting, recording-notice, all-busy]")
    report = library.reload()
    assert report.changed == ("default",)
    new = library.book["default"]
    assert new.version != old.version
    assert library.flow(session.flow, session.version) == old
    assert library.flow_of(old.reference) == old
    assert library.flow_of("default") == library.flow("default") == new
    assert library.flow_of("default@000000000000") is None
    assert library.flow_of("nobody") is None


def test_a_changed_prompt_text_is_a_new_version(site: Path, library: ivr.FlowLibrary) -> None:
    change(site / "prompts.yaml", "通话将被录音。", "本次通话将被录音。")
    assert library.reload().changed == ("default", "self-service")
    change(site / "prompts.yaml", "转接未成功", "没有转接成功")  # in no flow
    assert library.reload().changed == ()


def test_a_bad_file_keeps_its_old_version_and_the_others_change(site: Path, library: ivr.FlowLibrary) -> None:
    old = library.book
    change(site / "flows/self-service.yaml", "next: notice", "next: notcie")
    change(site / "flows/default.yaml", "title: 默认：直接转人工", "title: 新")
    report = library.reload()
    assert not report.ok
    assert (report.kept, report.changed) == (("self-service",), ("default",))
    assert "self-service.yaml:" in str(report.problems[0])
    assert library.book["self-service"] == old["self-service"]
    assert library.book["default"].title == "新"


def test_bad_prompts_keep_the_old_ones(site: Path, library: ivr.FlowLibrary) -> None:
    (site / "prompts.yaml").write_text("prompts: [", "utf-8")
    report = library.reload()
    assert [p.path for p in report.problems] == [str(site / "prompts.yaml")]
    assert "greeting" in library.prompts
    assert library.book["default"]


def test_added_and_removed_files_are_told(site: Path, library: ivr.FlowLibrary) -> None:
    old = library.book["self-service"]
    (site / "flows/self-service.yaml").unlink()
    text = (site / "flows/default.yaml").read_text("utf-8")
    (site / "flows/night.yaml").write_text(text.replace("flow: default", "flow: night"), "utf-8")
    report = library.reload()
    assert (report.added, report.removed) == (("night",), ("self-service",))
    assert library.flow("self-service") is None
    assert library.flow_of(old.reference) == old


def test_an_emptied_directory_does_not_leave_the_hotline_without_flows(site: Path, library: ivr.FlowLibrary) -> None:
    for path in (site / "flows").iterdir():
        path.unlink()
    report = library.reload()
    assert not report.ok
    assert len(library.book) == 3


def test_a_bad_file_at_the_start_is_an_error_with_all_files_mistakes(site: Path) -> None:
    change(site / "flows/self-service.yaml", "next: notice", "next: notcie")
    change(site / "flows/default.yaml", "[greeting,", "[greetings,")
    with pytest.raises(ivr.FlowError) as caught:
        ivr.FlowLibrary(site / "flows", site / "prompts.yaml")
    assert {Path(p.path).name for p in caught.value.problems} == {"default.yaml", "self-service.yaml"}


def test_a_version_of_another_process_can_be_added(library: ivr.FlowLibrary, site: Path) -> None:
    change(site / "flows/default.yaml", "title: 默认：直接转人工", "title: 新")
    other = ivr.FlowLibrary(site / "flows", site / "prompts.yaml").book["default"]
    assert library.flow_of(other.reference) is None
    library.add(ivr.Flow.from_json(other.to_json()))
    assert library.flow_of(other.reference) == other


def test_many_edits_do_not_fill_the_memory_nor_lose_the_current_version(library: ivr.FlowLibrary) -> None:
    from dataclasses import replace

    current = library.book["default"]
    for n in range(200):
        library.add(replace(current, version=f"{n:012x}"))
    assert library.flow_of(current.reference) == current
    assert library.flow("default", f"{0:012x}") is None
    assert library.flow("default", f"{199:012x}") is not None


@pytest.mark.parametrize("damage", ["", "[]", "{}", '{"format":1}', '{"format":1,"flow":[]}', "cut", "edit"])
def test_damaged_flow_json_is_a_value_error(library: ivr.FlowLibrary, damage: str) -> None:
    text = library.book["default"].to_json()
    text = {"cut": text[:-9], "edit": text.replace("greeting", "goodbye", 1)}.get(damage, damage)
    with pytest.raises(ValueError):
        ivr.Flow.from_json(text)
