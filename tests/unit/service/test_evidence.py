"""The evidence bundle: whole, the same twice over, nothing left out in silence; whatever is changed in it is found."""

from __future__ import annotations

import hashlib
import io
import json
import random
import shutil
import subprocess
import tracemalloc
import zipfile

import pytest

from service.evidence import Made, Piece, bundle
from service.evidence_check import check

MADE = Made(1_795_564_800.0, "班长 赵蕾", "supervisor", "温州市12345")
ENTRY = {"id": "r1-0", "number": "13800001234", "marks": [[1.0, "proposed", "甲", "supervisor", "骂人"]]}
AUDIT = [{"at": 1.0, "who": "甲", "what": "restriction", "why": "proposed"}]


@pytest.fixture
def pieces(tmp_path):
    """One call with everything, one turned away, one whose sound is gone, one with a hostile id."""
    sound = random.Random(1).randbytes(700_000)
    (tmp_path / "a.flac").write_bytes(sound)
    seal = {"call": "t-1.1", "audio": {"sha256": hashlib.sha256(sound).hexdigest()}}
    (tmp_path / "a.json").write_text(json.dumps(seal))
    record = {"call": "t-1.1", "arrived_at": 1_795_500_000.0, "caller_number": "13800001234"}
    return [
        Piece("t-1.1", record, tmp_path / "a.flac", tmp_path / "a.json", {"segments": [{"text": "骂人"}]}),
        Piece("t-1.2", record, turned_away=True),
        Piece("t-1.3", None, tmp_path / "gone.flac"),
        Piece("../../etc/passwd", record),
    ]


def made(pieces, **more):
    return b"".join(bundle(more.get("entry", ENTRY), AUDIT, pieces, more.get("made", MADE)))


@pytest.fixture
def path(pieces, tmp_path):
    file = tmp_path / "bundle.zip"
    file.write_bytes(made(pieces))
    return file


def test_a_bundle_is_whole_and_the_same_twice_over(pieces, path):
    found = check(path)
    assert found.faults == [] and (found.files, found.recordings) == (10, 1)
    assert made(pieces) == path.read_bytes()
    names = zipfile.ZipFile(path).namelist()
    assert names == [
        "README.txt", "restriction.json", "audit.jsonl", "calls/t-1.1/record.json", "calls/t-1.1/audio.flac",
        "calls/t-1.1/recording-manifest.json", "calls/t-1.1/transcript.json", "calls/t-1.2/record.json",
        "manifest.json", "SHA256SUMS",
    ]  # fmt: skip


def test_what_is_missing_is_named_with_the_reason(path):
    manifest = check(path).manifest
    assert [(one["call"], one["what"], one["why"]) for one in manifest["missing"]] == [
        ("t-1.2", "recording", "turned-away"), ("t-1.3", "record", "no-record"), ("t-1.3", "recording", "unreadable"),
        ("'../../etc/passwd'", "call", "bad-id"),
    ]  # fmt: skip
    assert all(one["zh"] for one in manifest["missing"])
    assert manifest["made_by"] == {"name": "班长 赵蕾", "role": "supervisor"} and "+08:00" in manifest["made_at"]
    assert manifest["calls"][0]["recording"]["intact"] is True


def test_the_readme_tells_how_to_check_and_sha256sum_agrees(path, tmp_path):
    with zipfile.ZipFile(path) as bundle_:
        assert "sha256sum -c SHA256SUMS" in bundle_.read("README.txt").decode()
        bundle_.extractall(tmp_path / "out")
    done = subprocess.run(["sha256sum", "-c", "SHA256SUMS"], cwd=tmp_path / "out", capture_output=True, check=False)
    assert done.returncode == 0, done.stdout


def test_a_changed_byte_of_any_file_is_found(path):
    whole = path.read_bytes()
    dice = random.Random(7)
    with zipfile.ZipFile(path) as bundle_:
        for info in bundle_.infolist():
            # Behind the local header (30 bytes and the name) lie the contents.
            begin = info.header_offset + 30 + len(info.filename)
            for _ in range(3):
                at = begin + dice.randrange(info.file_size)
                spoilt = bytearray(whole)
                spoilt[at] ^= 1 << dice.randrange(8)
                path.write_bytes(spoilt)
                assert check(path).faults, info.filename


def rewritten(path, change, names=None):
    """The bundle made anew by somebody who may also mend the zip's own sums; `change`: name → contents or None."""
    out = io.BytesIO()
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(out, "w") as new:
        for name in [*old.namelist(), *(names or ())]:
            data = change(name, old.read(name) if name in old.namelist() else b"")
            if data is not None:
                new.writestr(name, data)
    path.write_bytes(out.getvalue())
    return check(path).faults


def test_a_file_exchanged_with_a_mended_zip_is_found(path):
    assert rewritten(path, lambda n, d: d.replace(b"13800001234", b"13900001234")) != []


def test_a_file_taken_out_or_put_in_is_found(path):
    assert "missing: 'calls/t-1.1/audio.flac'" in rewritten(path, lambda n, d: None if n.endswith("flac") else d)


def test_a_sound_exchanged_together_with_every_sum_is_not_the_sealed_one(path, pieces, tmp_path):
    (tmp_path / "a.flac").write_bytes(b"another talk")
    path.write_bytes(made(pieces))
    found = check(path)
    assert found.faults == ["not the sound that the vault had sealed: calls/t-1.1/audio.flac"]
    assert found.manifest["calls"][0]["recording"]["intact"] is False


@pytest.mark.parametrize(
    "name",
    ["../evil", "/etc/passwd", "calls/../../x/record.json", "calls\\x", "calls/-rf/record.json", "C:evil", "a" * 5000,
     "calls/t/../record.json", "README.txt/", "calls/t-1.9/run.exe", "\u202egpj.exe"],
)  # fmt: skip
def test_a_hostile_name_is_a_fault_and_nothing_is_written(path, name, tmp_path):
    before = sorted(p.name for p in tmp_path.iterdir())
    faults = rewritten(path, lambda n, d: d, [name])
    assert any("does not belong" in one for one in faults)
    assert all(one.isascii() and len(one) < 300 for one in faults)
    assert sorted(p.name for p in tmp_path.iterdir()) == before


def test_the_same_name_twice_is_found(path):
    with zipfile.ZipFile(path, "a") as bundle_, pytest.warns(UserWarning, match="Duplicate"):
        bundle_.writestr("manifest.json", b"{}")
    assert "twice: manifest.json" in check(path).faults


def test_a_bomb_is_not_unpacked(path):
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as bundle_:
        bundle_.writestr("calls/bomb/record.json", b"\0" * 50_000_000)
    tracemalloc.start()
    faults = check(path).faults
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert any("packed" in one for one in faults) and peak < 4_000_000


@pytest.mark.parametrize("data", [b"", b"no zip", b"PK\x05\x06" + b"\0" * 18, b"PK\x05\x06" + b"\xff" * 18])
def test_what_is_no_bundle_is_said_so(path, data):
    path.write_bytes(data)
    assert check(path).faults


def test_a_torn_off_bundle_is_found(path):
    whole = path.read_bytes()
    for share in (0.3, 0.9, 0.999):
        path.write_bytes(whole[: int(len(whole) * share)])
        assert check(path).faults


def test_noise_in_a_bundle_never_raises(path):
    whole, dice = path.read_bytes(), random.Random(3)
    for _ in range(60):
        spoilt = bytearray(whole)
        for _ in range(dice.randrange(1, 20)):
            spoilt[-dice.randrange(1, 3000)] = dice.randrange(256)
        path.write_bytes(spoilt)
        check(path)


def test_a_long_recording_takes_no_memory(tmp_path):
    (tmp_path / "long.flac").write_bytes(b"\0" * 40_000_000)  # 79 minutes
    tracemalloc.start()
    size = sum(len(chunk) for chunk in bundle(ENTRY, AUDIT, [Piece("t-1", {}, tmp_path / "long.flac")], MADE))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert size > 40_000_000 and peak < 4_000_000
    shutil.rmtree(tmp_path)
