"""The evidence bundle that goes to the police (Art. 11: 恶意扰乱热线工作秩序的，及时将线索移送公安机关).

One .zip, written as a stream: whatever the recordings' length, a few hundred kilobytes of memory. The same contents,
time and person give the same bytes. Nothing is left out in silence: what is not there is named in the manifest.

    README.txt                               what it is and how to check it, in Chinese
    restriction.json                         the entry of the restriction list with its history
    audit.jsonl                              who looked at it and ordered what, oldest first
    calls/<call>/record.json                 the call as the books have it: legs, timeline
    calls/<call>/audio.flac                  the sound as the vault holds it, byte for byte
    calls/<call>/recording-manifest.json     the vault's own seal of that sound, byte for byte
    calls/<call>/transcript.json             the words, by machine
    manifest.json                            every file with size and SHA-256; what is missing and why
    SHA256SUMS                               for `sha256sum -c`: all of the above
"""

from __future__ import annotations

import hashlib
import json
import re
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, BinaryIO

CHINA = timezone(timedelta(hours=8))
FORMAT = 1
CHUNK = 256 * 1024
SAFE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
"""A call's id as a folder's name; whatever else is named in the manifest and put nowhere."""
README, MANIFEST, SUMS = "README.txt", "manifest.json", "SHA256SUMS"
WHY = {
    "no-record": "话务记录中没有这通电话", "no-recording": "没有录音文件",
    "turned-away": "来电被限制名单拦截，只播放告知语，没有录音",
    "unreadable": "文件无法读取", "no-transcript": "没有转写文本", "no-seal": "没有录音保管清单",
    "bad-id": "通话编号不合规范",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Piece:
    """What there is of one call."""

    call: str
    record: Mapping[str, Any] | None = field(default=None, repr=False)
    """As plain JSON values; None: the books have none."""
    audio: Path | None = None
    seal: Path | None = None
    transcript: Mapping[str, Any] | None = field(default=None, repr=False)
    turned_away: bool = False
    """The call was refused by the list: it has no recording."""


@dataclass(frozen=True, slots=True)
class Made:
    """When, by whom, for which hotline."""

    at: float
    by: str
    role: str
    hotline: str = ""


def tool() -> str:
    """Name and version of this program."""
    try:
        return f"hotline12345 {version('hotline12345')}"
    except PackageNotFoundError:
        return "hotline12345"


def written(at: float) -> str:
    """A time as the bundle writes it: in China, with the zone."""
    return datetime.fromtimestamp(at, CHINA).strftime("%Y-%m-%d %H:%M:%S +08:00")


class _Sink:
    """Takes what the zip writes until it is fetched. It cannot seek, so sizes follow the data."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []

    def write(self, data: bytes) -> int:
        self._parts.append(bytes(data))
        return len(data)

    def flush(self) -> None:
        """Nothing is held back."""

    def take(self) -> bytes:
        out = b"".join(self._parts)
        self._parts.clear()
        return out


class _Bundle:
    def __init__(self, made: Made) -> None:
        self.sink = _Sink()
        self.zip = zipfile.ZipFile(self.sink, "w", zipfile.ZIP_STORED)  # type: ignore[call-overload]
        self.files: list[dict[str, Any]] = []
        self.missing: list[dict[str, str]] = []
        at = datetime.fromtimestamp(made.at, CHINA)
        self._date = (min(max(at.year, 1980), 2107), at.month, at.day, at.hour, at.minute, at.second)

    def put(self, name: str, chunks: Iterable[bytes], size: int = 0) -> Iterator[bytes]:
        """Stores a file; gives the zip's bytes so far."""
        info = zipfile.ZipInfo(name, self._date)
        info.create_system, info.external_attr, info.file_size = 3, 0o644 << 16, size
        digest, length = hashlib.sha256(), 0
        with self.zip.open(info, "w") as out:
            for chunk in chunks:
                out.write(chunk)
                digest.update(chunk)
                length += len(chunk)
                yield self.sink.take()
        self.files.append({"name": name, "bytes": length, "sha256": digest.hexdigest()})
        yield self.sink.take()

    def lacks(self, call: str, what: str, why: str) -> None:
        self.missing.append({"call": call, "what": what, "why": why, "zh": WHY[why]})


def bundle(
    restriction: Mapping[str, Any], audit: Sequence[Mapping[str, Any]], pieces: Sequence[Piece], made: Made
) -> Iterator[bytes]:
    """The whole .zip, piece by piece; blocking (run each step in a thread).

    Args:
        restriction: the entry, as plain JSON values.
        audit: entries about it, oldest first, likewise.
        pieces: its calls.
        made: goes into the manifest.

    Raises:
        OSError: a recording became unreadable in the middle: what was given so far is no bundle.
    """
    out = _Bundle(made)
    yield from out.put(README, [_readme(restriction, pieces, made).encode()])
    yield from out.put("restriction.json", [_json(restriction)])
    yield from out.put("audit.jsonl", (_line(one) for one in audit))
    calls: list[dict[str, Any]] = []
    for piece in pieces:
        if not SAFE.fullmatch(piece.call):
            out.lacks(ascii(piece.call)[:80], "call", "bad-id")
            continue
        told: dict[str, Any] = {"call": piece.call}
        calls.append(told)
        yield from _call(out, piece, told)
    manifest = {
        "format": FORMAT,
        "tool": tool(),
        "made_at": written(made.at),
        "made_at_unix": made.at,
        "made_by": {"name": made.by, "role": made.role},
        "hotline": made.hotline,
        "basis": "浙江省12345热线管理有关规定第十一条：对恶意扰乱12345热线工作秩序的，及时将线索移送公安机关依法处置",
        "restriction": restriction.get("id"),
        "calls": calls,
        "missing": out.missing,
        "files": list(out.files),
    }
    yield from out.put(MANIFEST, [_json(manifest)])
    lines = "".join(f"{one['sha256']}  {one['name']}\n" for one in out.files)
    yield from out.put(SUMS, [lines.encode()])
    out.zip.close()
    yield out.sink.take()


def _call(out: _Bundle, piece: Piece, told: dict[str, Any]) -> Iterator[bytes]:
    folder = f"calls/{piece.call}"
    if piece.record is not None:
        told["arrived_at"] = written(float(piece.record.get("arrived_at") or 0.0))
        yield from out.put(f"{folder}/record.json", [_json(piece.record)])
    else:
        out.lacks(piece.call, "record", "no-record")
    sound = _opened(piece.audio)
    if sound is None:
        why = "turned-away" if piece.turned_away else "no-recording" if piece.audio is None else "unreadable"
        out.lacks(piece.call, "recording", why)
        told["recording"] = None
    else:
        with sound:
            size = sound.seek(0, 2)
            sound.seek(0)
            yield from out.put(f"{folder}/audio.flac", iter(lambda: sound.read(CHUNK), b""), size)
        found = out.files[-1]["sha256"]
        seal = _read(piece.seal)
        sealed = _sealed(seal)
        told["recording"] = {"sha256": found, "sealed_sha256": sealed, "intact": sealed == found}
        if seal is None:
            out.lacks(piece.call, "seal", "no-seal")
        else:
            yield from out.put(f"{folder}/recording-manifest.json", [seal])
    if piece.transcript is not None:
        yield from out.put(f"{folder}/transcript.json", [_json(piece.transcript)])
    elif sound is not None:
        out.lacks(piece.call, "transcript", "no-transcript")


def _opened(path: Path | None) -> BinaryIO | None:
    try:
        return path.open("rb") if path is not None else None
    except OSError:
        return None


def _read(path: Path | None) -> bytes | None:
    """A vault's manifest is a few kilobytes; one that is not is none."""
    file = _opened(path)
    if file is None:
        return None
    with file:
        data = file.read(CHUNK + 1)
    return data if len(data) <= CHUNK else None


def _sealed(seal: bytes | None) -> str | None:
    """The SHA-256 that the vault wrote when it sealed the recording."""
    try:
        data = json.loads(seal or b"{}")
        return str(data["audio"]["sha256"])
    except (ValueError, KeyError, TypeError, RecursionError):
        return None


def _json(value: Mapping[str, Any]) -> bytes:
    return (json.dumps(value, ensure_ascii=False, indent=2, sort_keys=True) + "\n").encode("utf-8", "replace")


def _line(value: Mapping[str, Any]) -> bytes:
    return (json.dumps(value, ensure_ascii=False, sort_keys=True) + "\n").encode("utf-8", "replace")


def _readme(restriction: Mapping[str, Any], pieces: Sequence[Piece], made: Made) -> str:
    utc = datetime.fromtimestamp(made.at, UTC).strftime("%Y-%m-%d %H:%M:%S")
    return f"""12345 热线 恶意扰乱热线秩序 线索材料
================================================

限制名单编号：{restriction.get("id")}
制作单位：{made.hotline or "（未填写）"}
制作时间：{written(made.at)}（北京时间；UTC {utc}）
制作人：{made.by}（{made.role}）
制作工具：{tool()}
涉及通话：{len(pieces)} 通

一、里面有什么
  restriction.json    限制名单条目：号码、事由、期限、每一步由谁在何时作出
  audit.jsonl         审计记录：谁在何时查看、操作过本条目（每行一条，按时间先后）
  calls/通话编号/
    record.json               话务记录：时间线、参与各方
    audio.flac                录音原件，双声道：左声道是来电人，右声道是来电人听到的声音
    recording-manifest.json   录音入库时形成的封存清单，内有录音的 SHA-256
    transcript.json           机器转写的文字，仅供检索，以录音为准
  manifest.json       全部文件的大小和 SHA-256；缺少的材料在 missing 中逐项列出并说明原因
  SHA256SUMS          校验文件
  各文件中的时间是 UNIX 秒（UTC）；写明 +08:00 的是北京时间。

二、怎样核对没有被改动
  1. Linux、macOS：解压后在该目录执行
       sha256sum -c SHA256SUMS        （macOS：shasum -a 256 -c SHA256SUMS）
     每一行都应显示 OK（成功）。
  2. Windows：对每个文件执行
       certutil -hashfile 文件名 SHA256
     与 SHA256SUMS 中同名的一行比对，应完全相同。
  3. 使用制作工具：
       hotline restrict verify 本文件.zip
     它还会核对每段录音与其入库封存清单是否一致。
  manifest.json 中 recording 的 intact 为 true，表示录音与入库时一致。

三、注意
  本材料含个人信息，只用于移送公安机关依法处置，请勿转作他用。
  整个压缩包的 SHA-256 宜另行记录（例如写入移送清单），以便接收方核对压缩包本身。
"""
