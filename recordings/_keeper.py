"""How long recordings are kept: by a policy's time, and as long as somebody holds them. Nothing else removes one.

    <root>/.hold/<call>     why a recording must stay whatever the policy says (a dispute, an investigation)
    <root>/.gone/           a set being removed: out of sight at once, its files follow
"""

from __future__ import annotations

import json
import shutil
import time
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ._model import checked_call
from ._vault import CHINA, Vault
from .errors import BadJobError, RecordingError, VaultDamagedError

_SETTLED = 600.0
"""Seconds after which a raw file is certainly not being written or converted any more."""


class HeldError(RecordingError):
    """Somebody holds this recording."""

    code = "held"


class UnknownRecordingError(RecordingError):
    """There is no finished recording of that call."""

    code = "unknown-recording"


class Keeper:
    """Holds, and what a policy lets go.

    Args:
        vault: the finished recordings.
        spool: the switch's raw files; None: not looked at.
        clock: unix seconds.
    """

    def __init__(self, vault: Vault, spool: Path | None = None, clock: Callable[[], float] = time.time) -> None:
        self._vault, self._spool, self._clock = vault, spool, clock

    # ---------------------------------------------------------------- holds
    def hold(self, call: str, who: str, why: str) -> None:
        """Keep a recording whatever the policy says; again: the new reason counts.

        Raises:
            UnknownRecordingError: there is none (any more).
        """
        if self._vault.folder(call) is None:
            raise UnknownRecordingError(f"{call}: no finished recording to hold")
        note = {"call": call, "who": who, "why": why, "at": self._clock()}
        path = self._hold(call)
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_name(f".{call}.{uuid.uuid4().hex}")
        part.write_text(json.dumps(note, ensure_ascii=False), "utf-8")
        part.replace(path)

    def release(self, call: str) -> bool:
        """The policy counts again; False: nobody held it."""
        try:
            self._hold(call).unlink()
        except FileNotFoundError:
            return False
        return True

    def held(self, call: str) -> bool:
        """Whether somebody holds it."""
        return self._hold(call).exists()

    def holds(self) -> list[dict[str, Any]]:
        """All holds, by call; one that cannot be read holds as well."""
        out: list[dict[str, Any]] = []
        for path in sorted((self._vault.root / ".hold").glob("[!.]*")):
            try:
                note = json.loads(path.read_bytes())
            except (OSError, ValueError, RecursionError):
                note = None
            out.append(note if isinstance(note, dict) else {"call": path.name})
        return out

    # ---------------------------------------------------------------- by policy
    def expired(self, days: Callable[[str], int | None]) -> Iterator[tuple[str, dict[str, Any]]]:
        """Finished recordings that their policy lets go and nobody holds: call and manifest, the oldest first.

        Args:
            days: how long a recording of that kind ("call", "voicemail") is kept after its end; None: for ever.

        What is not sealed, or cannot be read, is not in it: a human must look.
        """
        kept = [n for n in (days("call"), days("voicemail")) if n is not None]
        if not kept:
            return
        now = self._clock()
        last = datetime.fromtimestamp(now - min(kept) * 86_400.0, UTC).astimezone(CHINA).strftime("%Y/%m/%d")
        for day in sorted(self._vault.root.glob("[0-9]*/[0-9]*/[0-9]*")):
            if day.relative_to(self._vault.root).as_posix() > last:
                return
            for folder in sorted(day.iterdir()):
                manifest = self._manifest(folder.name)
                if manifest is None or self._vault.folder(folder.name) != folder:
                    continue
                keep = days(str(manifest.get("kind", "call")))
                ended = manifest.get("ended")
                if keep is None or not isinstance(ended, int | float) or now - ended < keep * 86_400.0:
                    continue
                if not self.held(folder.name):
                    yield folder.name, manifest

    def remove(self, call: str) -> bool:
        """Removes a finished recording for good, its transcript with it; False: there is none.

        Only for what `expired` gave: the policy is not asked again, holds are.

        Raises:
            HeldError: somebody holds it.
        """
        folder = self._vault.folder(call)
        if folder is None:
            return False
        if self.held(call):
            raise HeldError(f"{call}: held; release it first")
        gone = self._vault.root / ".gone" / f"{call}.{uuid.uuid4().hex}"
        gone.parent.mkdir(parents=True, exist_ok=True)
        folder.rename(gone)  # whole or not at all, for whoever reads it
        self._vault._index(call).unlink(missing_ok=True)
        self.finish()
        return True

    def finish(self) -> None:
        """Removes what a killed process had begun to remove."""
        for folder in (self._vault.root / ".gone").glob("*"):
            shutil.rmtree(folder, ignore_errors=True)

    # ---------------------------------------------------------------- what is there twice
    def duplicates(self) -> Iterator[Path]:
        """Raw files whose sound is in a sealed set that was read whole and is what its manifest says.

        A process killed between sealing and removing leaves such; the oldest first.
        """
        if self._spool is None:
            return
        found: list[tuple[float, Path]] = []
        for raw in self._spool.glob("*.raw"):
            try:
                info = raw.lstat()
            except FileNotFoundError:
                continue
            if raw.is_file() and not raw.is_symlink() and self._clock() - info.st_mtime > _SETTLED:
                found.append((info.st_mtime, raw))
        for _, raw in sorted(found):
            manifest = self._manifest(raw.stem)
            said = manifest.get("raw") if manifest is not None else None
            size = said.get("bytes") if isinstance(said, dict) else None
            if isinstance(size, int) and raw.exists() and raw.stat().st_size <= size and self._vault.verify(raw.stem):
                yield raw

    def strays(self, older_than: float = 3600.0) -> Iterator[Path]:
        """Files that killed processes left half written."""
        for path in sorted((self._vault.root / ".tmp").glob("*")):
            if path.is_file() and self._clock() - path.stat().st_mtime > older_than:
                yield path

    def _manifest(self, call: str) -> dict[str, Any] | None:
        try:
            return self._vault.manifest(call)
        except (BadJobError, VaultDamagedError, OSError):
            return None

    def _hold(self, call: str) -> Path:
        return self._vault.root / ".hold" / checked_call(call)
