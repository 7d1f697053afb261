"""What the documents say is there, is there: links, pictures, commands, settings, metrics."""

import re
import subprocess
import tomllib
from pathlib import Path
from urllib.parse import unquote

import click
import pytest
import typer.main

from service.cli import app
from service.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
CODE = re.compile(r"```.*?```|`[^`\n]+`", re.DOTALL)
READMES = ("README.md", "README.zh-CN.md")


def tracked() -> list[Path]:
    """Every Markdown file of the project, new ones too; nothing that is ignored."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "--", "*.md"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    names = done.stdout.splitlines() if done.returncode == 0 else []
    if not names:  # an unpacked archive
        return [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]
    return [ROOT / name for name in names if (ROOT / name).exists()]


def anchors(text: str) -> set[str]:
    """The names that hosts of Markdown give to headings."""
    heads = re.findall(r"^#+\s+(.+?)\s*$", re.sub(r"```.*?```", "", text, flags=re.DOTALL), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", h.lower()).replace(" ", "-") for h in heads}


def broken(page: Path) -> list[str]:
    text = page.read_text(encoding="utf-8")
    faults = []
    for target in LINK.findall(CODE.sub("", text)):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = unquote(target).partition("#")
        file = (page.parent / path).resolve() if path else page
        if not file.is_relative_to(ROOT) or not file.exists():
            faults.append(f"{target}: no such file")
        elif anchor and file.suffix == ".md" and anchor not in anchors(file.read_text(encoding="utf-8")):
            faults.append(f"{target}: no such heading")
    return faults


@pytest.mark.parametrize("page", tracked(), ids=lambda p: str(p.relative_to(ROOT)))
def test_no_link_or_picture_leads_nowhere(page):
    assert broken(page) == []


def test_a_broken_link_is_found(tmp_path, monkeypatch):
    monkeypatch.setitem(globals(), "ROOT", tmp_path)
    (tmp_path / "there.md").write_text("# A heading\n", encoding="utf-8")
    page = tmp_path / "page.md"
    text = "[a](gone.md) ![b](gone.png) [c](there.md#no) [d](there.md#a-heading) [e](https://x)"
    page.write_text(text, encoding="utf-8")
    assert [f.split(":")[0] for f in broken(page)] == ["gone.md", "gone.png", "there.md#no"]


def commands(text: str) -> set[str]:
    """Every `hotline …` in code: its words before options, arguments and comments."""
    found = set()
    for code in CODE.findall(text):
        for words in re.findall(r"(?:^|[\s`/])hotline((?: [a-z]+)+)(?=$|[\s`,;)])", code, re.MULTILINE):
            found.add(words.strip())
    return found


@pytest.mark.parametrize("name", [*READMES, "docs/operations.md", "docs/flows.md", "docs/api.md"])
def test_every_hotline_command_in_the_documents_exists(name):
    root = typer.main.get_command(app)
    wanted = commands((ROOT / name).read_text(encoding="utf-8"))
    assert wanted, "no commands found: has the way they are written changed?"
    for words in wanted:
        at: click.Command = root
        for word in words.split():
            if not hasattr(at, "commands"):
                break  # an argument
            assert word in at.commands, f"{name}: hotline {words}"
            at = at.commands[word]
        assert not hasattr(at, "commands"), f"{name}: 'hotline {words}' is not a whole command"


@pytest.mark.parametrize("name", READMES)
def test_every_make_target_in_the_readmes_exists(name):
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    code = "\n".join(CODE.findall((ROOT / name).read_text(encoding="utf-8")))
    wanted = set(re.findall(r"\bmake ([a-z]+)", code))
    assert {"demo", "test", "run"} <= wanted
    for target in wanted:
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), f"{name}: make {target}"


@pytest.mark.parametrize("name", [*READMES, "docs/operations.md", "docs/asr.md"])
def test_every_variable_in_the_documents_is_a_setting(name):
    known = {f"HOTLINE_{field.upper()}" for field in Settings.model_fields}
    known |= {"HOTLINE_SETTINGS", "HOTLINE_DEBIAN_MIRROR", "HOTLINE_"}  # the file's place; tools/setup.sh; "HOTLINE_…"
    assert set(re.findall(r"HOTLINE_[A-Z_]*", (ROOT / name).read_text(encoding="utf-8"))) <= known


def test_the_operations_page_tells_every_setting():
    text = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    missing = [name for name in Settings.model_fields if f"`{name}`" not in text]
    assert not missing


def test_both_readmes_show_the_same_run_and_the_same_commands():
    english, chinese = ((ROOT / name).read_text(encoding="utf-8") for name in READMES)
    assert commands(english) == commands(chinese)
    runs = [re.search(r"```\n  starting Redis.*?```", text, re.DOTALL) for text in (english, chinese)]
    assert runs[0] is not None
    assert runs[1] is not None
    assert runs[0].group() == runs[1].group()


def test_every_dependency_has_its_reason_written():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    named = [*project["dependencies"], *(x for extra in project["optional-dependencies"].values() for x in extra)]
    reasons = (ROOT / "docs" / "decisions" / "0002-dependencies.md").read_text(encoding="utf-8").lower()
    names = [re.match(r"[A-Za-z0-9-]+", one)[0].lower() for one in named]
    assert [n for n in names if n not in reasons] == []


def test_no_decision_is_missing_from_the_index():
    index = (ROOT / "docs" / "README.md").read_text(encoding="utf-8")
    pages = sorted(p.name for p in (ROOT / "docs" / "decisions").glob("*.md"))
    assert pages
    assert [p for p in pages if p not in index] == []
