"""Where recordings live: one set of files per call, made so that a kill at any line loses nothing.

    <root>/<YYYY>/<MM>/<DD>/<call>/audio.flac      left = caller, right = what the caller heard
                                   manifest.json   what it is, its SHA-256; written last: it seals the set
                                   transcript.json the words (recordings.transcribe)
    <root>/.index/<2 letters>/<call>               the set's folder, only for calls whose id does not tell the day
    <root>/.tmp/                                   files being written

The day is that of the answer in China (UTC+8 all year). Every file is written under .tmp, synced, and renamed into
place, so a reader sees a whole file or none.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import re
import stat
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any, BinaryIO

from . import _audio
from ._model import Discard, Job, checked_call
from .errors import BadJobError, RawMissingError, VaultDamagedError

CHINA = timezone(timedelta(hours=8))
_EPOCH = re.compile(r"(?:^|-)(\d{9,11})\.\d+$")
_DAY = 86_400.0
VERSION = 1


class Vault:
    """Finished recordings under `root`; raw ones are taken from `spool` only.

    Args:
        root: made if missing.
        spool: the only folder from which raw files are taken and removed; None: a vault for reading.
        settle: a raw file is complete when it has not grown for so many seconds.
        patience: wait at most so many seconds for the switch to finish (or to begin) the raw file.
        clock, sleep: for tests.
    """

    def __init__(
        self,
        root: Path,
        spool: Path | None = None,
        *,
        settle: float = 1.0,
        patience: float = 15.0,
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.root = root
        self._spool = spool
        self._settle, self._patience = settle, patience
        self._clock, self._sleep = clock, sleep

    # ---------------------------------------------------------------- reading
    def folder(self, call: str) -> Path | None:
        """The folder of a call's finished recording, or None. Looks at three days at most, never through all."""
        checked_call(call)
        for folder in self._likely(call):
            if (folder / "manifest.json").is_file():
                return folder
        try:
            relative = self._index(call).read_text("utf-8").strip()
        except FileNotFoundError:
            return None
        folder = self.root / relative
        return folder if (folder / "manifest.json").is_file() else None

    def manifest(self, call: str) -> dict[str, Any] | None:
        """The manifest, or None if the call has no (finished) recording.

        Raises:
            VaultDamagedError: the file is not a manifest of this call.
        """
        return self._read(call, "manifest.json")

    def transcript(self, call: str) -> dict[str, Any] | None:
        """The transcript, or None if there is none (yet).

        Raises:
            VaultDamagedError: the file is not a transcript of this call.
        """
        return self._read(call, "transcript.json")

    def audio(self, call: str) -> Path | None:
        """Path of the sound, or None."""
        folder = self.folder(call)
        path = folder / "audio.flac" if folder else None
        return path if path is not None and path.is_file() else None

    def job(self, call: str) -> Job | None:
        """The job of a finished recording, to do its transcript again."""
        manifest = self.manifest(call)
        if manifest is None:
            return None
        if not isinstance(manifest.get("job"), dict):
            raise VaultDamagedError(f"{call}: the manifest has no job; restore it from a backup")
        return Job.of(manifest["job"])

    def untranscribed(self, day: datetime) -> Iterator[str]:
        """Calls of a day (in China) that have a recording but no transcript: jobs to do again with a better model."""
        folder = self.root / day.astimezone(CHINA).strftime("%Y/%m/%d")
        for manifest in sorted(folder.glob("*/manifest.json")):
            if not (manifest.parent / "transcript.json").exists():
                yield manifest.parent.name

    def verify(self, call: str) -> bool:
        """Whether the sound still is what the manifest says (reads all of it)."""
        manifest, audio = self.manifest(call), self.audio(call)
        if manifest is None or audio is None:
            return False
        said = manifest.get("audio")
        return isinstance(said, dict) and _audio.sha256_of(audio) == said.get("sha256")

    # ---------------------------------------------------------------- writing
    def finalise(self, job: Job) -> dict[str, Any]:
        """Turn the raw file into the call's set of files, and return the manifest.

        Doing it twice, in two processes at once, or again after a kill at any line gives the same set: every value
        in it comes from the job and the raw file. Why nothing is lost:

        1. before the manifest is in place the raw file is untouched: the next try starts anew;
        2. the manifest comes after the sound is synced and read back, so a set with a manifest is complete;
        3. the raw file goes last; if we die before, the next try finds the manifest and only tidies up.

        Raises:
            BadJobError: the raw path is not a plain file in the spool.
            RawMissingError: nothing was written within `patience` seconds.
            VaultDamagedError: the sound read back is not what was written (disk?); the raw file is kept.
            OSError: the disk; the raw file is kept.
        """
        raw = self._raw_path(job)
        folder = self.root / self._relative(job)
        if (done := self._sealed(folder, job)) is not None:
            self._remove(raw, done)  # killed between 5 and 6 last time
            return done
        try:
            size = self._wait(raw, job)
            source = _open_plain(raw)
        except RawMissingError:
            # Another worker with the same job may have sealed the set and removed the raw file meanwhile.
            if (done := self._sealed(folder, job)) is not None:
                return done
            raise
        with source:
            created = os.fstat(source.fileno()).st_mtime
            folder.mkdir(parents=True, exist_ok=True)
            part = self._temporary(job.call)
            try:
                # 1-2: killed here, a stray file stays in .tmp (swept by `sweep`); the raw file is whole.
                frames, odd = _audio.raw_to_flac(source, part, job.rate)
                _sync(part)
                if _audio.frames_of(part) != max(frames, 1):
                    raise VaultDamagedError(
                        f"{job.call}: the sound read back is not as long as the raw file; check the disk"
                    )
                sha256, length = _audio.sha256_of(part), part.stat().st_size
                # 3: killed after this, the next try replaces it with the very same bytes.
                self._place(part, folder / "audio.flac")
            finally:
                part.unlink(missing_ok=True)
        manifest = {
            "version": VERSION,
            "call": job.call,
            "kind": job.kind,
            "answered": job.answered,
            "ended": job.ended,
            "created": round(created, 3),  # when the switch last wrote: the same however often this is done
            "audio": {
                "file": "audio.flac",
                "format": "flac",
                "rate": job.rate,
                "bits": 16,
                "channels": 2,
                "meaning": ["caller", "heard by the caller"],
                "frames": frames,
                "duration": round(frames / job.rate, 3),
                "bytes": length,
                "sha256": sha256,
            },
            "raw": {"bytes": size, "cut": odd, "short": frames / job.rate < job.ended - job.answered - 2.0},
            "job": json.loads(job.dumps()),
        }
        # 4: the index first, so that a sealed set can always be found; an index without a set is "not found".
        if folder not in self._likely(job.call):
            self._write(self._index(job.call), self._relative(job).encode())
        # 5: the seal. Killed before: everything is done again; after: only step 6 is left.
        self._write(folder / "manifest.json", _json(manifest))
        # 6: the raw file is not needed any more.
        self._remove(raw, manifest)
        return manifest

    def discard(self, job: Discard) -> bool:
        """Remove the raw file of a caller who was turned away; whether there was one. May be repeated.

        A sealed set of the same call is not looked at: only a retention policy ever removes one.

        Raises:
            BadJobError: not a plain file of this call in the spool.
            OSError: the disk.
        """
        raw = self._raw_path(job)
        if raw.name != f"{job.call}.raw":
            raise BadJobError("job.raw: not a raw file of this call")
        until = self._clock() + self._settle
        while True:  # the switch makes the file with the first sound it writes, which may be yet to come
            try:
                if not stat.S_ISREG(raw.lstat().st_mode):
                    raise BadJobError("job.raw: not a plain file")
                raw.unlink()
                return True
            except FileNotFoundError:
                if self._clock() >= until:
                    return False
            self._sleep(min(0.05, self._settle / 4))

    def write_transcript(self, call: str, transcript: Mapping[str, Any]) -> None:
        """Put the words beside the sound (whole or not at all); an older transcript is replaced."""
        folder = self.folder(call)
        if folder is None:
            raise VaultDamagedError(f"{call}: no finished recording to put a transcript to")
        self._write(folder / "transcript.json", _json(transcript))

    def relative(self, call: str) -> str:
        """Path of the manifest from the root, "" if there is none."""
        folder = self.folder(call)
        return (folder / "manifest.json").relative_to(self.root).as_posix() if folder else ""

    def sweep(self, older_than: float = _DAY) -> int:
        """Remove files that killed processes left in .tmp; returns how many."""
        gone = 0
        for path in (self.root / ".tmp").glob("*"):
            try:
                if self._clock() - path.stat().st_mtime > older_than:
                    path.unlink()
                    gone += 1
            except FileNotFoundError:
                continue
        return gone

    # ---------------------------------------------------------------- inside
    def _relative(self, job: Job) -> str:
        return f"{_day(job.answered)}/{job.call}"

    def _likely(self, call: str) -> list[Path]:
        """Folders by the epoch in Asterisk's unique id: the call was answered that day, or past a midnight."""
        match = _EPOCH.search(call)
        if match is None:
            return []
        at = float(match.group(1))
        return [self.root / _day(at + d) / call for d in (0, _DAY, -_DAY)]

    def _index(self, call: str) -> Path:
        return self.root / ".index" / hashlib.sha256(call.encode()).hexdigest()[:2] / call

    def _read(self, call: str, name: str) -> dict[str, Any] | None:
        folder = self.folder(call)
        if folder is None:
            return None
        try:
            data = json.loads((folder / name).read_bytes())
        except FileNotFoundError:
            return None
        except (ValueError, RecursionError):
            data = None
        if not isinstance(data, dict) or data.get("call") != call:
            raise VaultDamagedError(f"{folder / name}: not a file of this call; restore it from a backup")
        return data

    def _sealed(self, folder: Path, job: Job) -> dict[str, Any] | None:
        """The manifest, if the set is complete."""
        try:
            manifest = json.loads((folder / "manifest.json").read_bytes())
            if (folder / "audio.flac").stat().st_size != manifest["audio"]["bytes"]:
                raise VaultDamagedError(f"{folder}: the sound has another size than the manifest says; restore it")
        except FileNotFoundError:
            return None
        except (ValueError, KeyError, TypeError, RecursionError):
            raise VaultDamagedError(f"{folder}/manifest.json: unreadable; restore it from a backup") from None
        if manifest.get("call") != job.call:
            raise VaultDamagedError(f"{folder}/manifest.json: belongs to another call")
        return dict(manifest)

    def _raw_path(self, job: Job | Discard) -> Path:
        """The raw file's path, if it lies in the spool (links resolved)."""
        if self._spool is None:
            raise BadJobError("this vault has no spool to take raw files from")
        raw, spool = Path(job.raw), self._spool.resolve()
        if not raw.is_absolute() or ".." in raw.parts:
            raise BadJobError("job.raw: expected an absolute path without ..")
        real = raw.parent.resolve() / raw.name
        if not real.is_relative_to(spool) or real == spool:
            raise BadJobError(f"job.raw: outside of the spool {spool}; set the spool to where the switch records")
        return real

    def _wait(self, raw: Path, job: Job) -> int:
        """Wait until the switch has written all, and return the size in bytes.

        Asterisk tells nobody when it closes the file: it is taken as complete when it was not touched for `settle`
        seconds (a quarter of that once it is as long as the call was).
        """
        expected = int((job.ended - job.answered) * job.rate) * _audio.FRAME_BYTES
        began, size, since = self._clock(), -1, self._clock()
        while True:
            now = self._clock()
            try:
                info = raw.stat()
                new = info.st_size
                if new != size:
                    # At the first look the file may be old already (a job done late, or again).
                    since = min(now, info.st_mtime) if size < 0 else now
                    size = new
            except FileNotFoundError:
                since = now
            quiet = now - since
            if size >= 0 and quiet >= (self._settle / 4 if size >= expected > 0 else self._settle):
                return size
            if now - began >= self._patience:
                if not raw.parent.is_dir():
                    # Not mounted, most likely: waiting helps, giving up would lose the recording.
                    raise OSError(errno.ENODEV, "the spool is not there", str(raw.parent))
                if size < 0:
                    raise RawMissingError(f"{job.call}: the switch wrote no recording; is MixMonitor in the dialplan?")
                return size  # still growing after the hang-up: take what there is
            self._sleep(min(0.05, self._settle / 4))

    def _temporary(self, call: str) -> Path:
        folder = self.root / ".tmp"
        folder.mkdir(parents=True, exist_ok=True)
        return folder / f"{call}.{uuid.uuid4().hex}"

    def _place(self, part: Path, path: Path) -> None:
        part.replace(path)
        _sync(path.parent)

    def _write(self, path: Path, data: bytes) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        part = self._temporary(path.name)
        try:
            with part.open("wb") as f:
                f.write(data)
                f.flush()
                os.fsync(f.fileno())
            self._place(part, path)
        finally:
            part.unlink(missing_ok=True)

    def _remove(self, raw: Path, manifest: Mapping[str, Any]) -> None:
        """Remove the raw file, unless it has grown since it was read: then it is kept for a human to look at."""
        try:
            if raw.lstat().st_size <= manifest["raw"]["bytes"]:
                raw.unlink()
        except FileNotFoundError:
            return


def _day(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).astimezone(CHINA).strftime("%Y/%m/%d")


def _json(data: Mapping[str, Any]) -> bytes:
    return json.dumps(data, ensure_ascii=False, indent=1).encode() + b"\n"


def _sync(path: Path) -> None:
    fd = os.open(path, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def _open_plain(path: Path) -> BinaryIO:
    """Open a plain file for reading, never through a link."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except FileNotFoundError:
        raise RawMissingError(f"{path.name}: gone") from None
    except OSError as e:
        if path.is_symlink():
            raise BadJobError("job.raw: a link, not a file") from e
        raise
    if not stat.S_ISREG(os.fstat(fd).st_mode):
        os.close(fd)
        raise BadJobError("job.raw: not a plain file")
    return os.fdopen(fd, "rb")
