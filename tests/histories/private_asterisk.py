"""The smallest Asterisk that speaks AMI: no SIP, only Local channels.

Used to capture the histories beside this file and by the tests of the AMI link, which kill, stop and
restart it at will (a shared instance could not stand that).  Needs the unpacked Asterisk under
``var/rootfs``.
"""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import signal
import socket
import subprocess
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ROOTFS = ROOT / "var" / "rootfs"
LIBS = ROOTFS / "usr/lib/x86_64-linux-gnu"
USER, SECRET = "link", "not-secret"

MODULES = """
pbx_config app_dial app_playback app_userevent app_senddtmf app_read app_stack app_verbose
res_agi app_echo app_exec bridge_simple bridge_softmix func_channel func_callerid func_global
func_timeout func_logic func_strings res_speech res_timing_timerfd codec_ulaw codec_alaw format_wav
format_sln format_pcm res_musiconhold app_controlplayback app_bridgeaddchan app_dumpchan
bridge_builtin_features bridge_holding app_bridgewait func_talkdetect format_gsm codec_gsm
"""

ASTERISK_CONF = """[directories]
astetcdir => {home}/etc
astmoddir => {libs}/asterisk/modules
astvarlibdir => {home}/lib
astdbdir => {home}/lib
astkeydir => {home}/lib
astdatadir => {home}/data
astagidir => {home}/data/agi-bin
astspooldir => {home}/spool
astrundir => {home}/run
astlogdir => {home}/log
[options]
nocolor = yes
systemname = hotline
"""

MANAGER_CONF = """[general]
enabled = yes
bindaddr = 127.0.0.1
port = {port}
displayconnects = no
[{user}]
secret = {secret}
read = all
write = all
"""

EXTENSIONS_CONF = """[globals]
HEARTBEAT=0
[caller]
exten => talk,1,Answer()
 same => n,UserEvent(Arrived,Matter: 鹿城区路灯不亮 ✓,Called: 12345)
 same => n,Set(MATTER=路灯 "坏了"\\, 请修)
 same => n,Wait(60)
exten => agi,1,Answer()
 same => n,AGI(agi:async)
 same => n,Hangup()
[seat]
exten => answer,1,Answer()
 same => n,Read(KEY,,1,,1,5)
 same => n,UserEvent(Key,Digit: ${{KEY}})
 same => n,Wait(60)
exten => wait,1,Answer()
 same => n,Wait(60)
exten => busy,1,Busy(1)
exten => count,1,Set(GLOBAL(COUNT)=$[0${{GLOBAL(COUNT)}} + 1])
exten => ring,1,Ringing()
 same => n,Wait(60)
[party]
exten => still,1,Answer()
 same => n,Wait(60)
exten => waits,1,Answer()
 same => n,BridgeWait(${{UNIQUEID}},participant,ne(n))
exten => speak,1,Answer()
 same => n,Wait(1)
 same => n,Playback(digits/1&digits/2)
 same => n,Playback(silence/9)
 same => n,Wait(60)
exten => talk,1,Bridge(${{WITH}},T)
 same => n,Wait(60)
exten => add,1,BridgeAdd(${{WITH}})
 same => n,Wait(60)
exten => _X.,1,Answer()
 same => n,Wait(60)
"""

FEATURES_CONF = """[general]
transferdigittimeout = 1
[featuremap]
atxfer = *2
"""


def free_port() -> int:
    """A loopback TCP port nobody listens on right now."""
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port: int = s.getsockname()[1]
        return port


def available() -> bool:
    """Whether the unpacked Asterisk is there."""
    return (ROOTFS / "usr/sbin/asterisk").exists()


class PrivateAsterisk:
    """One Asterisk process with its own directories and AMI port.

    Attributes:
        port: its AMI port on 127.0.0.1; stays the same over restarts.
    """

    def __init__(self) -> None:
        # Not pytest's tmp_path: the control socket's path must stay under 108 bytes.
        self.home = Path(tempfile.mkdtemp(prefix="ast"))
        self.port = free_port()
        self.process: subprocess.Popen[bytes] | None = None
        for name in ("etc", "lib", "data/sounds", "spool", "run", "log"):
            (self.home / name).mkdir(parents=True)
        (self.home / "data/sounds/en").symlink_to(ROOTFS / "usr/share/asterisk/sounds/en_US_f_Allison")
        for link in ("documentation", "rest-api"):
            (self.home / "data" / link).symlink_to(ROOTFS / "usr/share/asterisk" / link)
        self._write("asterisk.conf", ASTERISK_CONF.format(home=self.home, libs=LIBS))
        self._write("modules.conf", "[modules]\nautoload=no\n" + "".join(f"load={m}.so\n" for m in MODULES.split()))
        self._write("manager.conf", MANAGER_CONF.format(port=self.port, user=USER, secret=SECRET))
        self._write("extensions.conf", EXTENSIONS_CONF.format())
        self._write("logger.conf", "[general]\n[logfiles]\nmessages => notice,warning,error\n")
        shutil.copy(ROOTFS / "etc/asterisk/indications.conf", self.home / "etc")
        self._write("features.conf", FEATURES_CONF)
        for empty in ("musiconhold", "stasis", "ccss", "cdr", "cel", "udptl", "codecs", "acl"):
            self._write(f"{empty}.conf", "")

    def _write(self, name: str, text: str) -> None:
        (self.home / "etc" / name).write_text(text, encoding="utf-8")

    async def start(self) -> None:
        """Start the process and wait until it is fully booted (about 0.5 s)."""
        self.process = subprocess.Popen(  # noqa: ASYNC220 (a fork of some milliseconds)
            [
                ROOTFS / "usr/lib64/ld-linux-x86-64.so.2", "--library-path", f"{LIBS}:{LIBS}/asterisk",
                "--argv0", "asterisk", ROOTFS / "usr/sbin/asterisk", "-C", self.home / "etc/asterisk.conf", "-f",
            ],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=self.home,
        )  # fmt: skip
        for _ in range(600):
            with contextlib.suppress(OSError):
                reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
                login = f"Action: Login\r\nUsername: {USER}\r\nSecret: {SECRET}\r\nEvents: system\r\n\r\n"
                writer.write(login.encode())
                # The port opens some milliseconds before calls are possible.
                with contextlib.suppress(asyncio.IncompleteReadError):
                    await reader.readuntil(b"Event: FullyBooted")
                    writer.close()
                    return
            if self.process.poll() is not None:
                break
            await asyncio.sleep(0.05)
        log = self.home / "log/messages"
        raise RuntimeError(f"Asterisk did not start: {log.read_text(errors='replace') if log.exists() else 'no log'}")

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the process (STOP, CONT, KILL …)."""
        assert self.process is not None, "not started"
        self.process.send_signal(number)

    def kill(self) -> None:
        """End the process at once, as a crash would."""
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGCONT)
            self.process.kill()
            self.process.wait()
        self.process = None

    def remove(self) -> None:
        """Kill it and remove its directories."""
        self.kill()
        shutil.rmtree(self.home, ignore_errors=True)
