"""A recording goes when its policy says so and nobody holds it, and never otherwise."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from recordings import BadJobError, HeldError, Job, Keeper, UnknownRecordingError, Vault

DAY = 86_400.0
ANSWERED = 1763932140.0


class Setup:
    def __init__(self, tmp_path: Path) -> None:
        (tmp_path / "spool").mkdir()
        self.spool = tmp_path / "spool"
        self.vault = Vault(tmp_path / "vault", self.spool, settle=0.01, patience=0.01)
        self.now = ANSWERED + 400 * DAY
        self.keeper = Keeper(self.vault, self.spool, lambda: self.now)

    def make(self, call: str, days_ago: float, kind: str = "call") -> str:
        at = self.now - days_ago * DAY
        raw = self.spool / f"{call}.raw"
        raw.write_bytes(bytes(400))
        os.utime(raw, (1.0, 1.0))
        self.vault.finalise(Job(call, str(raw), 8000, at - 60.0, at, (), kind))  # type: ignore[arg-type]
        return call

    def expired(self, call: int | None, voicemail: int | None = None) -> list[str]:
        return [name for name, _ in self.keeper.expired(lambda kind: {"call": call, "voicemail": voicemail}.get(kind))]


@pytest.fixture
def setup(tmp_path: Path) -> Setup:
    return Setup(tmp_path)


def test_without_a_policy_nothing_is_ever_over(setup: Setup) -> None:
    setup.make("old", 10_000)
    assert setup.expired(None) == []


def test_what_is_over_comes_oldest_first_and_to_the_second(setup: Setup) -> None:
    for call, days in (("b", 31), ("c", 30.001), ("d", 29.999), ("a", 300)):
        setup.make(call, days)
    assert setup.expired(30) == ["a", "b", "c"]
    assert setup.expired(301) == []


def test_kinds_have_policies_of_their_own(setup: Setup) -> None:
    setup.make("talk", 50)
    setup.make("message", 50, "voicemail")
    assert setup.expired(None, 30) == ["message"]
    assert setup.expired(30, None) == ["talk"]
    assert setup.expired(60, 40) == ["message"]


def test_a_hold_keeps_it_whatever_the_policy_says(setup: Setup) -> None:
    call = setup.make("c-1", 100)
    setup.keeper.hold(call, "li", "行政复议")
    assert setup.expired(30) == []
    with pytest.raises(HeldError):
        setup.keeper.remove(call)
    assert setup.vault.verify(call)
    assert [(h["call"], h["who"], h["why"]) for h in setup.keeper.holds()] == [(call, "li", "行政复议")]
    (setup.vault.root / ".hold" / call).write_bytes(b"not readable")
    assert setup.expired(30) == []  # still held
    assert setup.keeper.holds() == [{"call": call}]
    assert setup.keeper.release(call)
    assert not setup.keeper.release(call)
    assert setup.expired(30) == [call]


def test_only_what_exists_can_be_held(setup: Setup) -> None:
    with pytest.raises(UnknownRecordingError):
        setup.keeper.hold("gone", "li", "x")
    with pytest.raises(BadJobError):
        setup.keeper.hold("../x", "li", "x")
    assert setup.keeper.holds() == []


def test_removed_means_whole_and_once(setup: Setup) -> None:
    call, other = setup.make("c-1", 100), setup.make("c-2", 100)
    setup.vault.write_transcript(call, {"call": call, "segments": []})
    assert setup.keeper.remove(call)
    assert not setup.keeper.remove(call)
    assert setup.vault.manifest(call) is setup.vault.audio(call) is None
    assert not [p for p in setup.vault.root.rglob("*") if p.is_file() and call in str(p)]
    assert setup.vault.verify(other)
    setup.vault.sweep(0.0)  # a worker that starts is not disturbed by what is left


def test_killed_while_removing_it_is_finished_later(setup: Setup, monkeypatch: pytest.MonkeyPatch) -> None:
    call = setup.make("c-1", 100)
    monkeypatch.setattr("shutil.rmtree", lambda *a, **k: None)
    setup.keeper.remove(call)
    assert setup.vault.manifest(call) is None  # out of sight at once
    monkeypatch.undo()
    setup.keeper.finish()
    assert not list((setup.vault.root / ".gone").iterdir())


def test_what_is_damaged_or_unsealed_is_left_for_a_human(setup: Setup) -> None:
    damaged, unsealed = setup.make("c-1", 100), setup.make("c-2", 100)
    for call, data in ((damaged, b"{"), (unsealed, None)):
        path = setup.vault.folder(call)
        assert path is not None
        (path / "manifest.json").unlink() if data is None else (path / "manifest.json").write_bytes(data)
    assert setup.expired(30) == []
