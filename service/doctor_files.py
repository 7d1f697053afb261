"""What `hotline doctor` finds on this machine's disk: space, rights, prompts, certificates."""

from __future__ import annotations

import os
import shutil
import stat
import tempfile
import time
import wave
from collections.abc import Iterable, Iterator
from pathlib import Path

import ivr

from .doctor import Finding, NotLooked, say, some, with_well
from .doctor_certificate import CertificateError, valid_until
from .settings import Settings

GIB = 1 << 30
FEW, LITTLE = 1 * GIB, 10 * GIB
"""Free bytes below which it is a fault, and a note: a thousand calls take up to 2.5 GB."""
FEW_INODES = 10_000
SOON = 30 * 86400.0
"""Seconds before its end at which a certificate is noted."""


def places(s: Settings) -> dict[str, Path]:
    """Directories that are written: by the service, and (the spool) by Asterisk."""
    return {"var": s.var_dir.resolve(), "spool": s.spool, "vault": s.recordings_dir}


# ------------------------------------------------------------------ disk
def disk(s: Settings) -> list[Finding]:
    """Whether each place can be written, and the room it has; what lies on one file system is told once."""
    found: list[Finding] = []
    systems: dict[int, tuple[list[str], Path]] = {}
    for name, path in places(s).items():
        there = _standing(path)
        systems.setdefault(there.stat().st_dev, ([], there))[0].append(name)
        if there != path:
            found.append(say("not-there", path, name=name))
        elif reason := _refused(path):
            found.append(say("not-writable", path, name=name, error=reason))
    return [*(space(path, "+".join(names)) for names, path in systems.values()), *found]


def _standing(path: Path) -> Path:
    """The directory itself, or the nearest one above it that is there."""
    while not path.exists() and path != path.parent:
        path = path.parent
    return path


def _refused(path: Path) -> str:
    """Why no file can be made in a directory; "" if one can."""
    try:
        with tempfile.NamedTemporaryFile(dir=path, prefix=".doctor-"):
            return ""
    except OSError as error:
        return error.strerror or type(error).__name__


def space(path: Path, name: str, *, few: int = FEW, little: int = LITTLE) -> Finding:
    """How much room the file system of `path` has, for bytes and for files."""
    free, nodes = shutil.disk_usage(path).free, os.statvfs(path)
    if free >= few and nodes.f_files and nodes.f_favail < FEW_INODES:
        return say("no-inodes", path, name=name, count=nodes.f_favail)
    code = "disk-full" if free < few else "disk-low" if free < little else "disk-well"
    return say(code, path, name=name, gib=free / GIB)


# ------------------------------------------------------------------ permissions
def permissions(s: Settings) -> list[Finding]:
    """Secrets are their owner's alone; nothing we rely on can be changed by everybody; calls are nobody else's."""
    found: list[Finding] = []
    if s.secrets_dir.is_dir() and _mode(s.secrets_dir) & 0o077:
        found.append(say("secret-open", s.secrets_dir, mode=_mode(s.secrets_dir), wanted=0o700, path=s.secrets_dir))
    for path in dict.fromkeys(_secrets(s)):
        if _mode(path) & 0o077:
            found.append(say("secret-open", path, mode=_mode(path), wanted=0o600, path=path))
        if path.stat().st_uid not in (os.geteuid(), 0):
            found.append(say("secret-owner", path, path=path))
    found += [say("open-to-all", p, mode=_mode(p), path=p) for p in _relied_on(s) if _mode(p) & stat.S_IWOTH]
    if others := [str(p) for p in _personal(s) if _open_to_others(p)]:
        found.append(say("personal-open", ", ".join(others), path=s.var_dir.resolve()))
    if os.geteuid() == 0:
        found.append(say("root"))
    return with_well(found, say("rights-well"))


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def _open_to_others(path: Path) -> bool:
    """Whether some other user can read it: also every directory above must let him pass."""
    return bool(_mode(path) & stat.S_IROTH) and all(_mode(up) & stat.S_IXOTH for up in path.resolve().parents)


def _secrets(s: Settings) -> Iterator[Path]:
    named = (
        s.ami_secret_file, s.probe_secret_file, s.platform_token_file, s.seat_password_file, s.out_trunk_password_file,
        s.tls_key or s.tls_cert,
    )  # fmt: skip
    yield from (p for p in named if p is not None and p.exists())
    if s.secrets_dir.is_dir():
        yield from sorted(p for p in s.secrets_dir.iterdir() if p.is_file())
    if s.private_asterisk:
        etc = s.var_dir / "asterisk" / "etc"
        yield from (p for p in (etc / "manager.conf", etc / "pjsip.conf") if p.exists())


def _relied_on(s: Settings) -> Iterator[Path]:
    flows, prompts = s.config_dir / "flows", s.config_dir / "prompts"
    directories = (s.config_dir, flows, prompts, s.model_dir, s.prompts_dir, s.secrets_dir, *places(s).values())
    yield from (p for p in directories if p.is_dir())
    for directory in (s.config_dir, flows):
        if directory.is_dir():
            yield from sorted(p for p in directory.glob("*.yaml") if p.exists())


def _personal(s: Settings) -> Iterator[Path]:
    """Where callers' numbers, voices and words are."""
    yield from (p for p in (s.recordings_dir, s.spool, s.var_dir / "redis" / "appendonlydir") if p.is_dir())
    if (file := sqlite_file(s)) is not None and file.exists():
        yield file


def sqlite_file(s: Settings) -> Path | None:
    """The store's file, if it is one."""
    if not s.store.startswith("sqlite"):
        return None
    return Path(s.store.partition(":///")[2].partition("?")[0])


# ------------------------------------------------------------------ prompts and music
def prompts(s: Settings) -> list[Finding]:
    """Every prompt in every language is there as the switch can play it, and the music for those who wait."""
    try:
        library = ivr.load_prompts(s.config_dir / "prompts" / "prompts.yaml")
    except ivr.FlowError:
        raise NotLooked("提示语文件有误", "the file of prompts is wrong") from None
    wanted = [f"{lang}/{prompt.id}" for prompt in library.prompts.values() for lang in prompt.texts or ("zh", "en")]
    files = {name: s.prompts_dir / f"{name}.wav" for name in wanted}
    missing = [name for name, path in files.items() if not path.exists()]
    broken = [name for name, path in files.items() if name not in missing and not playable(path)]
    found = []
    if missing:
        found.append(say("prompt-missing", s.prompts_dir, count=len(missing), names=some(missing)))
    if broken:
        found.append(say("prompt-broken", s.prompts_dir, count=len(broken), names=some(broken)))
    music = s.prompts_dir / "music"
    if not any(map(playable, music.glob("*.wav"))):
        found.append(say("no-music", music))
    return with_well(found, say("prompts-well", s.prompts_dir, count=len(wanted)))


def playable(path: Path) -> bool:
    """Whether the switch can play the file: WAV, 8 kHz, mono, 16 bit, not empty."""
    try:
        with wave.open(str(path)) as f:
            return (f.getframerate(), f.getnchannels(), f.getsampwidth()) == (8000, 1, 2) and f.getnframes() > 0
    except (OSError, EOFError, wave.Error):
        return False


# ------------------------------------------------------------------ certificates
def certificates(paths: Iterable[Path], now: float | None = None) -> list[Finding]:
    """How long the certificates among these PEM files are valid; `now` in unix seconds."""
    now = time.time() if now is None else now
    found = []
    for path in paths:
        try:
            end = valid_until(path.read_text(encoding="ascii", errors="replace"))
        except CertificateError as error:
            found.append(say("certificate-unreadable", path, error=str(error)))
            continue
        if end is not None:  # else a key alone
            left = end - now
            code = "certificate-over" if left <= 0 else "certificate-soon" if left < SOON else "certificate-well"
            found.append(say(code, path, days=left / 86400))
    return found or [say("certificate-none")]


def certificate_files(s: Settings) -> list[Path]:
    """PEM files where the service and the private Asterisk have theirs."""
    asterisk = s.var_dir / "asterisk"
    directories = (s.secrets_dir, s.var_dir / "tls", asterisk / "etc", asterisk / "lib" / "keys")
    named = [p for p in (s.tls_cert, s.ami_tls_ca, s.sip_tls_ca) if p is not None and p.is_file()]
    found = (p for d in directories if d.is_dir() for p in sorted(d.iterdir()) if p.suffix in (".pem", ".crt", ".cer"))
    return list(dict.fromkeys([*named, *found]))
