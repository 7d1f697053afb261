"""A private Asterisk for development, the demo and the tests: no root, no fixed port, nothing shared.

The binaries come from a Debian root file system under var/rootfs (tools/setup.sh makes it) and are
started through that system's own loader, so the host's libraries do not matter.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import shutil
import signal
import subprocess
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from ._adopted import Adopted, can_go_on, left_behind, owned, run_dir_of
from ._render import SwitchPlan, render
from .errors import PrivateAsteriskError

log = logging.getLogger(__name__)


def _triplet(rootfs: Path) -> str:
    for name in ("x86_64-linux-gnu", "aarch64-linux-gnu"):
        if (rootfs / "usr/lib" / name).is_dir():
            return name
    raise PrivateAsteriskError(f"no Asterisk in {rootfs}: run 'make setup'")


def loader(rootfs: Path, program: str) -> list[str]:
    """The command that starts a program of the root file system without chroot."""
    triplet = _triplet(rootfs)
    names = ("usr/lib64/ld-linux-x86-64.so.2", "usr/lib/ld-linux-aarch64.so.1")
    ld = next((rootfs / n for n in names if (rootfs / n).exists()), None)
    if ld is None or not (rootfs / program).exists():
        raise PrivateAsteriskError(f"{program} is missing in {rootfs}: run 'make setup'")
    lib = rootfs / "usr/lib" / triplet
    return [str(ld), "--library-path", f"{lib}:{lib}/asterisk", "--argv0", Path(program).name,
            str(rootfs / program)]  # fmt: skip


@dataclass(slots=True)
class PrivateAsterisk:
    """One running instance. `home` keeps its files; a short temporary directory holds its socket."""

    rootfs: Path
    templates: Path
    home: Path
    sounds: Path
    """Directory with <lang>/<prompt>.wav; played as hotline/<lang>/<prompt>."""
    plan_changes: dict[str, object] = field(default_factory=dict)
    extra_files: dict[str, str] = field(default_factory=dict)
    """File name → text appended to a rendered file (tests and benchmarks add contexts)."""
    process: asyncio.subprocess.Process | Adopted | None = None
    _run_dir: Path | None = None

    def plan(self) -> SwitchPlan:
        """The plan of this instance: everything below `home`."""
        home = self.home.resolve()
        if self._run_dir is None:
            # A unix socket's path may have 107 bytes only: never below a deep checkout.
            self._run_dir = Path(tempfile.mkdtemp(prefix="hotline-ast-"))
        values: dict[str, object] = {
            "etc_dir": home / "etc", "var_dir": home / "lib", "spool_dir": home / "spool",
            "run_dir": self._run_dir, "log_dir": home / "log", "data_dir": home / "data",
            "module_dir": self.rootfs.resolve() / "usr/lib" / _triplet(self.rootfs) / "asterisk/modules",
            "moh_dir": home / "moh", "recording_spool": home / "spool/hotline",
            "seats": (), "dialled": ("12345",), "ami_secret": "private",
        }  # fmt: skip
        values.update(self.plan_changes)
        return SwitchPlan(**values)  # type: ignore[arg-type]

    def write(self) -> SwitchPlan:
        """Writes configuration, data links and directories; returns the plan."""
        plan = self.plan()
        for d in (plan.etc_dir, plan.var_dir, plan.spool_dir, plan.log_dir, plan.data_dir, plan.moh_dir,
                  plan.recording_spool):  # fmt: skip
            d.mkdir(parents=True, exist_ok=True)
        plan.recording_spool.chmod(0o700)  # what callers said, and who they are
        for old in plan.etc_dir.glob("*.conf"):
            old.unlink()
        for name, text in self._texts(plan).items():
            path = plan.etc_dir / name
            path.write_text(text, encoding="utf-8")
            path.chmod(0o600)
        share = self.rootfs.resolve() / "usr/share/asterisk"
        sounds = plan.data_dir / "sounds"
        sounds.mkdir(exist_ok=True)
        english = next((d for d in (share / "sounds/en_US_f_Allison", share / "sounds/en") if d.is_dir()), None)
        links = {plan.data_dir / n: share / n for n in ("documentation", "rest-api")}
        links[sounds / "hotline"] = self.sounds.resolve()
        if english is not None:
            links[sounds / "en"] = english
        (plan.var_dir / "keys").mkdir(exist_ok=True)
        (plan.data_dir / "phoneprov").mkdir(exist_ok=True)
        for link, target in links.items():
            if link.is_symlink():
                link.unlink()
            link.symlink_to(target)
        music = self.sounds / "music"
        for wav in music.glob("*.wav"):
            shutil.copyfile(wav, plan.moh_dir / wav.name)
        return plan

    def _texts(self, plan: SwitchPlan) -> dict[str, str]:
        rendered = render(self.templates, plan)
        return {name: text + self.extra_files.get(name, "") for name, text in rendered.items()}

    def adoptable(self) -> bool:
        """Whether a killed run of ours has left an instance behind that can go on as it is: `start` takes it up."""
        there = run_dir_of(self.home.resolve() / "etc")
        if there is None:
            return False
        own, self._run_dir = self._run_dir, there  # its socket's place is a part of what it was started with
        plan = self.plan()
        if can_go_on(plan.etc_dir, self._texts(plan)):
            if own is not None and own != there:
                shutil.rmtree(own, ignore_errors=True)
            return True
        self._run_dir = own
        return False

    async def _adopt(self) -> bool:
        if not self.adoptable():
            return False
        plan = self.plan()
        pid = left_behind(plan.etc_dir)
        if pid is None:
            return False
        try:
            async with asyncio.timeout(10.0):
                if "fully booted" not in await self.cli("core waitfullybooted"):
                    return False
                await self.reload()
        except TimeoutError:
            return False
        owned(plan.etc_dir)
        self.process = Adopted(pid)
        log.warning("an Asterisk that was left behind goes on, with its calls")
        return True

    def _command(self, *args: str) -> list[str]:
        return [*loader(self.rootfs, "usr/sbin/asterisk"), "-C", str(self.plan().etc_dir / "asterisk.conf"), *args]

    async def start(self, timeout: float = 30.0) -> SwitchPlan:
        """Starts and waits until fully booted, or takes up one that goes on from a killed run. Raises
        PrivateAsteriskError with the end of its log."""
        if await self._adopt():
            return self.plan()
        plan = self.write()
        self._clear_stale(plan)
        # Left behind by one that was killed, it would look as if the new one were there already.
        (plan.run_dir / "asterisk.ctl").unlink(missing_ok=True)
        console = (plan.log_dir / "console.log").open("ab")
        try:
            self.process = await asyncio.create_subprocess_exec(
                *self._command("-f"), stdin=subprocess.DEVNULL, stdout=console, stderr=console,
                start_new_session=True, umask=0o077,
            )  # fmt: skip
        finally:
            console.close()
        (plan.etc_dir / "pid").write_text(str(self.process.pid))
        owned(plan.etc_dir)
        try:
            async with asyncio.timeout(timeout):
                while not (plan.run_dir / "asterisk.ctl").exists():
                    if self.process.returncode is not None:
                        raise PrivateAsteriskError(f"Asterisk ended at once:\n{self._log_tail(plan)}")
                    await asyncio.sleep(0.02)
                await self.cli("core waitfullybooted")
        except TimeoutError:
            await self.stop()
            raise PrivateAsteriskError(
                f"Asterisk did not boot within {timeout:.0f} s:\n{self._log_tail(plan)}"
            ) from None
        return plan

    @staticmethod
    def _log_tail(plan: SwitchPlan, lines: int = 15) -> str:
        out = []
        for name in ("console.log", "messages"):
            with contextlib.suppress(OSError):
                out += (plan.log_dir / name).read_text(errors="replace").splitlines()[-lines:]
        return "\n".join(out) + f"\n(see {plan.log_dir})"

    @staticmethod
    def _clear_stale(plan: SwitchPlan) -> None:
        """An instance left behind by a killed run would hold the ports: end it, if it is ours."""
        pid = left_behind(plan.etc_dir)
        if pid is not None:
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGKILL)

    def forget(self) -> None:
        """Drops the temporary directory of an instance that was only planned."""
        if self._run_dir is not None and self.process is None:
            shutil.rmtree(self._run_dir, ignore_errors=True)
            self._run_dir = None

    def clear_stale(self) -> None:
        """Ends an instance that a killed run of ours left behind."""
        self._clear_stale(self.plan())

    async def reload(self) -> None:
        """Renders again and lets the running instance read its seats, queue and dialplan anew."""
        self.write()
        for command in ("module reload res_pjsip.so", "dialplan reload", "module reload app_queue.so"):
            await self.cli(command)

    async def cli(self, command: str) -> str:
        """Runs a console command and returns its output."""
        process = await asyncio.create_subprocess_exec(
            *self._command("-rx", command), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )  # fmt: skip
        out, _ = await process.communicate()
        return out.decode(errors="replace")

    async def stop(self, timeout: float = 5.0) -> None:
        """SIGTERM, then SIGKILL. Safe to call twice."""
        process, self.process = self.process, None
        if process is not None and process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.terminate()
            try:
                await asyncio.wait_for(process.wait(), timeout)
            except TimeoutError:
                with contextlib.suppress(ProcessLookupError):
                    process.kill()
                await process.wait()
        self.forget()
