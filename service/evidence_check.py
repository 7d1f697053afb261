"""Checks an evidence bundle without unpacking it: names, hashes, the recordings' own seals. Trusts nothing in it."""

from __future__ import annotations

import hashlib
import json
import re
import zipfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .evidence import CHUNK, MANIFEST, README, SUMS

MOST_FILES = 1000
MOST_TEXT = 16 << 20
"""Bytes of a file that is read whole (manifest, sums, seals)."""
_CALL = r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}"
NAMES = re.compile(
    rf"README\.txt|SHA256SUMS|manifest\.json|restriction\.json|audit\.jsonl"
    rf"|calls/{_CALL}/(?:record\.json|audio\.flac|recording-manifest\.json|transcript\.json)"
)
_SUM = re.compile(r"([0-9a-f]{64})  (\S+)")


@dataclass(slots=True)
class Checked:
    """What was found. `faults` empty: it is whole and unchanged."""

    faults: list[str] = field(default_factory=list)
    files: int = 0
    recordings: int = 0
    manifest: dict[str, Any] = field(default_factory=dict, repr=False)


def check(path: Path) -> Checked:
    """Reads all of a bundle, in bounded memory; every fault is named.

    Raises:
        OSError: the file itself cannot be read.
    """
    found = Checked()
    try:
        with path.open("rb") as file, zipfile.ZipFile(file) as bundle:
            _check(bundle, found)
    except (zipfile.BadZipFile, NotImplementedError, EOFError, RuntimeError, ValueError) as error:
        found.faults.append(f"not a whole zip file: {ascii(str(error))[:120]}")
    return found


def _check(bundle: zipfile.ZipFile, found: Checked) -> None:
    infos = bundle.infolist()
    if len(infos) > MOST_FILES:
        found.faults.append(f"{len(infos)} files: no bundle has more than {MOST_FILES}")
        return
    hashes: dict[str, str] = {}
    texts: dict[str, bytes] = {}
    for info in infos:
        name = info.filename
        if not NAMES.fullmatch(name):
            found.faults.append(f"a file that does not belong here: {ascii(name)[:120]}")
        elif name in hashes:
            found.faults.append(f"twice: {name}")
        elif info.compress_type != zipfile.ZIP_STORED or info.flag_bits & 0x1 or info.compress_size != info.file_size:
            found.faults.append(f"packed or locked, which no bundle is: {name}")
        else:
            hashes[name] = _hash(bundle, info, found, texts)
    found.files = len(hashes)
    sums = _sums(texts.get(SUMS), found)
    for name in sorted(hashes.keys() - {SUMS}):
        if name not in sums:
            found.faults.append(f"not in {SUMS}: {name}")
        elif sums[name] != hashes[name]:
            found.faults.append(f"changed: {name}")
    found.faults += [f"missing: {ascii(name)[:120]}" for name in sorted(sums.keys() - hashes.keys())]
    found.faults += [f"missing: {name}" for name in (README, MANIFEST, SUMS) if name not in hashes]
    found.manifest = _object(texts.get(MANIFEST))
    _agree(found, hashes, sums)
    _seals(found, hashes, texts)


def _hash(bundle: zipfile.ZipFile, info: zipfile.ZipInfo, found: Checked, texts: dict[str, bytes]) -> str:
    digest, kept, small = hashlib.sha256(), bytearray(), not info.filename.endswith((".flac", ".jsonl"))
    try:
        with bundle.open(info) as file:
            while chunk := file.read(CHUNK):
                digest.update(chunk)
                if small and len(kept) <= MOST_TEXT:
                    kept += chunk
    except (zipfile.BadZipFile, EOFError, NotImplementedError, RuntimeError) as error:
        found.faults.append(f"cannot be read: {info.filename} ({ascii(str(error))[:80]})")
        return ""
    if small and len(kept) <= MOST_TEXT:
        texts[info.filename] = bytes(kept)
    return digest.hexdigest()


def _sums(text: bytes | None, found: Checked) -> dict[str, str]:
    out: dict[str, str] = {}
    for number, line in enumerate((text or b"").decode("utf-8", "replace").splitlines(), 1):
        match = _SUM.fullmatch(line)
        if match is None:
            found.faults.append(f"{SUMS}:{number}: not a line of a checksum file")
        else:
            out[match[2]] = match[1]
    return out


def _object(text: bytes | None) -> dict[str, Any]:
    try:
        data = json.loads(text or b"{}")
    except (ValueError, RecursionError):
        return {}
    return data if isinstance(data, dict) else {}


def _agree(found: Checked, hashes: dict[str, str], sums: dict[str, str]) -> None:
    """The manifest's own list says the same as the sums."""
    rows = found.manifest.get("files")
    listed = {
        one["name"]: one["sha256"] for one in (rows if isinstance(rows, list) else ())
        if isinstance(one, dict) and isinstance(one.get("name"), str) and isinstance(one.get("sha256"), str)
    }  # fmt: skip
    for name in sorted((hashes.keys() | sums.keys()) - {SUMS, MANIFEST}):
        if listed.get(name) != hashes.get(name):
            found.faults.append(f"manifest.json says another hash: {ascii(name)[:120]}")


def _seals(found: Checked, hashes: dict[str, str], texts: dict[str, bytes]) -> None:
    """Each sound is the one that the vault had sealed."""
    for name in sorted(hashes):
        if not name.endswith("/audio.flac"):
            continue
        found.recordings += 1
        seal = name.removesuffix("audio.flac") + "recording-manifest.json"
        if seal not in texts:
            found.faults.append(f"no seal of the vault: {name}")
            continue
        audio = _object(texts[seal]).get("audio")
        if not isinstance(audio, dict) or audio.get("sha256") != hashes[name]:
            found.faults.append(f"not the sound that the vault had sealed: {name}")
