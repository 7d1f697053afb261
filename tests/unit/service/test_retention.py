"""Each recording that goes by its policy leaves an entry in the audit trail, written before it goes."""

import os

import pytest

from recordings import Job, Keeper, Vault
from service.config_models import RetentionConfig
from service.retention import Retention
from tickets import Store, StoreError, StoreUnavailable

NOW = 1763932140.0 + 400 * 86_400


@pytest.fixture
async def world(tmp_path):
    (tmp_path / "spool").mkdir()
    vault = Vault(tmp_path / "vault", tmp_path / "spool", settle=0.01, patience=0.01)
    for call, days in (("old", 100), ("held", 100), ("new", 10)):
        raw = tmp_path / "spool" / f"{call}.raw"
        raw.write_bytes(bytes(400))
        os.utime(raw, (1.0, 1.0))
        at = NOW - days * 86_400
        vault.finalise(Job(call, str(raw), 8000, at - 60.0, at, ()))
    keeper = Keeper(vault, None, lambda: NOW)
    keeper.hold("held", "li", "诉讼")
    store = Store(f"sqlite:///{tmp_path}/hotline.db")
    await store.migrate()
    yield vault, keeper, store
    await store.close()


async def test_only_what_is_over_goes_and_is_written_down(world):
    vault, keeper, store = world
    sha256 = vault.manifest("old")["audio"]["sha256"]
    one = Retention(keeper, store, lambda: RetentionConfig(recordings=30), lambda: NOW)
    assert await one.once() == 1
    assert await one.once() == 0
    assert vault.manifest("old") is None
    assert vault.verify("held") and vault.verify("new")
    [entry] = (await store.audits(object_id="old")).items
    assert (entry.what, entry.who, entry.extra["sha256"]) == ("recording.remove", "retention", sha256)
    assert one.counters.removed == 1


async def test_without_a_policy_nothing_goes(world):
    vault, keeper, store = world
    assert await Retention(keeper, store, RetentionConfig, lambda: NOW).once() == 0
    assert vault.verify("old")


async def test_without_the_audit_trail_nothing_goes(world, monkeypatch):
    vault, keeper, store = world

    async def away(*_, **__):
        raise StoreUnavailable("away")

    monkeypatch.setattr(store, "audit", away)
    with pytest.raises(StoreError):
        await Retention(keeper, store, lambda: RetentionConfig(recordings=30), lambda: NOW).once()
    assert vault.verify("old")
