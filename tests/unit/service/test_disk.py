"""With little disk left, what can be built again goes, in the written order; never a recording."""

import errno
import os
import time

import pytest

from recordings import Job, Vault
from service.disk import DiskWatch, Level, Limits, Usage, limit_bytes, oldest, usage
from service.health import NotWell
from service.keeping import disk_watch
from service.settings import load_settings

GIB = 2**30
LIMITS = Limits("10GiB", "4GiB", "1GiB")


@pytest.mark.parametrize(
    ("text", "total", "wanted"),
    [("10GiB", 1, 10 * GIB), ("512MiB", 1, 2**29), ("5%", 1000, 50), ("0.5%", 1000, 5), ("1.5GiB", 1, 3 * GIB // 2)],
)
def test_limits_are_sizes_or_shares(text, total, wanted):
    assert limit_bytes(text, total) == wanted


@pytest.mark.parametrize("text", ["", "x", "10 parrots", "%", "10PiX"])
def test_what_is_neither_is_refused(text):
    with pytest.raises(ValueError):
        limit_bytes(text, 1000)


@pytest.mark.parametrize(
    ("free", "level"),
    [(20, Level.OK), (10, Level.OK), (9.9, Level.WARN), (3.9, Level.LOW), (0.9, Level.CRITICAL), (0, Level.CRITICAL)],
)
def test_levels(free, level):
    assert LIMITS.level(Usage(100 * GIB, int(free * GIB))) is level


class Disk:
    """A disk of so many units; each file that goes gives one back."""

    def __init__(self, free):
        self.total, self.free = 100 * GIB, free * GIB
        self.gone = []

    def measure(self, path):
        return Usage(self.total, int(self.free))

    def remove(self, path):
        self.gone.append(path.name)
        self.free += GIB


def files(folder, *names):
    """Made one after another, the first the oldest."""
    folder.mkdir(parents=True, exist_ok=True)
    for n, name in enumerate(names):
        (folder / name).write_bytes(b"x")
        os.utime(folder / name, (1000.0 + n, 1000.0 + n))


def watch(tmp_path, disk, **more):
    files(tmp_path / "b", "b1", "b2")
    files(tmp_path / "a", "a1", "a2")
    steps = [("first", lambda: iter(oldest(tmp_path / "b", "*"))), ("then", lambda: iter(oldest(tmp_path / "a", "*")))]
    return DiskWatch({"var_dir": tmp_path}, LIMITS, steps, measure=disk.measure, remove=disk.remove, **more)


@pytest.mark.parametrize(
    ("free", "gone"),
    [(9, []), (3.5, ["b1"]), (1.5, ["b1", "b2", "a1"]), (0.5, ["b1", "b2", "a1", "a2"]), (11, [])],
)
def test_in_order_oldest_first_and_no_more_than_needed(tmp_path, free, gone):
    disk = Disk(free)
    one = watch(tmp_path, disk)
    one.look()
    assert disk.gone == gone
    assert sum(one.removed.values()) == len(gone)


def test_a_file_that_cannot_be_removed_does_not_stop_the_rest(tmp_path):
    disk = Disk(2.5)
    one = watch(tmp_path, disk)

    def remove(path):
        if path.name == "b1":
            raise OSError(errno.EPERM, "no")
        disk.remove(path)

    one._remove = remove
    one.look()
    assert disk.gone == ["b2", "a1"]


async def test_it_says_so_with_place_and_cure(tmp_path):
    disk = Disk(0.5)
    one = DiskWatch({"recordings": tmp_path}, LIMITS, measure=disk.measure)
    await one.well()  # not looked yet
    one.look()
    with pytest.raises(NotWell, match=r"0\.5 GiB left for recordings") as caught:
        await one.well()
    assert (caught.value.code, caught.value.severity) == ("disk-critical", "critical")
    assert "录音" in caught.value.zh
    assert one.critical
    disk.free = 50 * GIB
    one.look()
    await one.well()
    assert not one.critical
    figures = {s.name: s.value for family in one.collect() for s in family.samples}
    assert figures["hotline_disk_free_bytes"] == 50 * GIB
    assert figures["hotline_disk_level"] == 0


def test_a_place_that_cannot_be_looked_at_keeps_its_last_level(tmp_path):
    disk = Disk(0.5)
    one = DiskWatch({"var_dir": tmp_path}, LIMITS, measure=disk.measure)
    one.look()

    def broken(path):
        raise OSError(errno.EIO, "no")

    one._measure = broken
    one.look()
    assert one.level is Level.CRITICAL


def test_of_the_real_disk(tmp_path):
    found = usage(tmp_path / "not" / "there" / "yet")
    assert 0 < found.free <= found.total


def test_the_hotlines_own_steps_take_caches_and_leave_everything_that_counts(tmp_path):
    """All at once, on real files: a disk that never has enough takes everything that may go, and nothing else."""
    var = tmp_path / "var"
    settings = load_settings(var_dir=var, config_dir=tmp_path, private_redis=True)
    settings.spool.mkdir(parents=True)
    vault = Vault(settings.recordings_dir, settings.spool, settle=0.01, patience=0.01)

    def raw(call, size=4000):
        path = settings.spool / f"{call}.raw"
        path.write_bytes(bytes(size))
        os.utime(path, (1.0, 1.0))
        return path

    sealed = raw("hotline-1763932131.1")
    vault.finalise(Job("hotline-1763932131.1", str(sealed), 8000, 1763932140.0, 1763932140.1, ()))
    vault.write_transcript("hotline-1763932131.1", {"call": "hotline-1763932131.1", "segments": []})
    duplicate = raw("hotline-1763932131.1")  # killed between sealing and removing
    longer = raw("hotline-1763932131.2")
    vault.finalise(Job("hotline-1763932131.2", str(longer), 8000, 1763932140.0, 1763932140.1, ()))
    longer = raw("hotline-1763932131.2", 9000)  # more than what was sealed
    waiting = raw("hotline-1763932131.3")  # not converted yet
    files(vault.root / ".tmp", "half")
    now = time.time()
    fresh = vault.root / ".tmp" / "fresh"
    fresh.write_bytes(b"x")
    files(var / "speech", "v1.npy", "v2.npy")
    files(var / "log", "hotline.log", "hotline.log.1", "hotline.log.2.gz")
    files(settings.prompts_dir / "zh", "greeting.wav", "incident-aa.wav", "incident-bb.wav", "incident-cc.wav")
    os.utime(settings.prompts_dir / "zh" / "incident-cc.wav", (now, now))
    files(var, "hotline.db")
    files(var / "secrets", "ami")
    files(var / "redis" / "appendonlydir", "appendonly.aof.1")
    before = {p for p in tmp_path.rglob("*") if p.is_file()}
    one = disk_watch(settings, vault, lambda: ["hotline/zh/incident-aa"])
    one._measure = lambda path: Usage(100 * GIB, 2 * GIB)
    one.look()
    gone = sorted(str(p.relative_to(tmp_path)) for p in before if not p.exists())
    assert gone == sorted([
        "var/recordings/.tmp/half", str(duplicate.relative_to(tmp_path)), "var/speech/v1.npy", "var/speech/v2.npy",
        "var/prompts/zh/incident-bb.wav", "var/log/hotline.log.1", "var/log/hotline.log.2.gz",
    ])  # fmt: skip
    assert waiting.exists() and longer.exists() and fresh.exists()
    assert vault.verify("hotline-1763932131.1") and vault.transcript("hotline-1763932131.1") is not None
    assert one.removed == {
        "half-written": 1, "converted-twice": 1, "demo-voices": 2, "old-incidents": 1, "rotated-logs": 2,
    }  # fmt: skip


def test_a_set_whose_sound_was_spoilt_keeps_its_raw_file(tmp_path):
    """The raw file may be the only good copy: the sealed sound is read whole before it goes."""
    from recordings import Keeper

    (tmp_path / "spool").mkdir()
    vault = Vault(tmp_path / "vault", tmp_path / "spool", settle=0.01, patience=0.01)
    path = tmp_path / "spool" / "c-1.raw"
    path.write_bytes(bytes(4000))
    os.utime(path, (1.0, 1.0))
    vault.finalise(Job("c-1", str(path), 8000, 1763932140.0, 1763932140.1, ()))
    path.write_bytes(bytes(4000))
    os.utime(path, (1.0, 1.0))
    keeper = Keeper(vault, tmp_path / "spool")
    assert list(keeper.duplicates()) == [path]
    sound = vault.audio("c-1")
    data = bytearray(sound.read_bytes())
    data[-1] ^= 1
    sound.write_bytes(data)
    assert list(keeper.duplicates()) == []
