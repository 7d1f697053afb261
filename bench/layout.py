"""Writes what one variant needs: templates with the bench's few changes, seats, prompt, configuration.

Both sides get the same files: same modules, same endpoints, same queue with the same members (the product
keeps app_queue as its way out, so it is loaded there too). They differ in the number dialled and in who
rings the seat.
"""

from __future__ import annotations

import math
import shutil
import wave
from array import array
from pathlib import Path

import yaml

from .errors import BenchError
from .plan import (
    BARE_NUMBER,
    EMERGENCY,
    FIRST_SEAT,
    LINE,
    NATIVE_NUMBER,
    PROMPT_SECONDS,
    SEATS,
    SERVICE_NUMBER,
    UNIT,
    Variant,
    seat_ids,
)

CONFIG = Path(__file__).resolve().parent.parent / "config"
RATE = 8000

# file → (text of the product, text of the bench). A text that is not there any more stops the bench: a
# comparison whose sides silently differ would be worse than none.
_ALWAYS: dict[str, tuple[tuple[str, str], ...]] = {
    # Neither side may wait between two calls of a seat.
    "queues.conf": (("wrapuptime=5", "wrapuptime=0"), ("retry=1", "retry=0")),
    # Seats are static contacts: no registrations, so nothing but calls is measured.
    # Callers send no audio: that must not end a call that waits for minutes.
    "pjsip.conf": (("max_contacts=1\n", "max_contacts=1\nqualify_frequency=0\n"), ("rtp_timeout=60", "rtp_timeout=0")),
}
_MUSIC = ("nm(default)", "ne(n)")
"""The waiting callers' music in extensions.conf, and none."""
_MIXMONITOR = "MixMonitor("


def _tidy(text: str) -> str:
    """Without the spaces around "=", so that a change of layout in the product is no change here."""
    return "\n".join(
        "=".join(part.strip() for part in line.split("=", 1)) if "=" in line and "=>" not in line else line
        for line in text.split("\n")
    )


def write_templates(home: Path, variant: Variant, *, music: bool = True) -> Path:
    """The product's Asterisk templates with the changes named above; returns their directory."""
    out = home / "templates"
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    for path in sorted((CONFIG / "asterisk").glob("*.conf")):
        text = path.read_text(encoding="utf-8")
        if path.name in _ALWAYS:
            text = _tidy(text)
        for old, new in _ALWAYS.get(path.name, ()):
            if old not in text:
                raise BenchError(
                    f"config/asterisk/{path.name} has no '{old.strip()}' any more: adapt bench/layout.py, _ALWAYS"
                )
            text = text.replace(old, new)
        if path.name == "extensions.conf":
            if _MIXMONITOR not in text:
                raise BenchError("config/asterisk/extensions.conf starts no MixMonitor any more: see bench/layout.py")
            if not music:
                if _MUSIC[0] not in text:
                    raise BenchError("config/asterisk/extensions.conf plays its music differently: see bench/layout.py")
                text = text.replace(*_MUSIC)
            if not variant.record:
                lines = text.split("\n")
                text = "\n".join(
                    " same => n,NoOp()" if _MIXMONITOR in x and not x.lstrip().startswith(";") else x for x in lines
                )
        (out / path.name).write_text(text, encoding="utf-8")
    return out


def extra_files(variant: Variant, seat_port: int, seats: int = SEATS) -> dict[str, str]:
    """File name → text appended: the native path, the seats' endpoints, the queue's members."""
    phones = "\n".join(
        f"[{u}](seat)\naors={u}\n\n[{u}](seat-aor)\ncontact=sip:{u}@127.0.0.1:{seat_port}\n" for u in seat_ids(seats)
    )
    record = " same => n,MixMonitor(${HL_RECORDINGS}/${UNIQUEID}.raw,D)\n" if variant.record else ""
    native = (
        "\n[hotline-trunk](+)\n"
        f"exten => {NATIVE_NUMBER},1,Answer()\n"
        f"{record}"
        " same => n,Playback(hotline/zh/greeting)\n"
        " same => n,Queue(hotline-native)\n"
        " same => n,Hangup()\n"
        f"exten => {BARE_NUMBER},1,Answer()\n"
        f"{record}"
        " same => n,Playback(hotline/zh/greeting)\n"
        " same => n,Set(GLOBAL(NEXT)=$[0${GLOBAL(NEXT)}+1])\n"
        f" same => n,Dial(PJSIP/$[{FIRST_SEAT}+${{GLOBAL(NEXT)}}%{seats}])\n"
        " same => n,Hangup()\n"
    )
    members = "\n" + "\n".join(f"member => PJSIP/{u}" for u in seat_ids(seats)) + "\n"
    return {"pjsip.conf": "\n" + phones, "extensions.conf": native, "queues.conf": members}


def write_prompts(sounds: Path) -> None:
    """A soft tone of 0.9 s for every prompt of the product, in both languages, and some music for the wait."""
    known = yaml.safe_load((CONFIG / "prompts/prompts.yaml").read_text(encoding="utf-8"))["prompts"]
    tone = _tone(PROMPT_SECONDS)
    for name in (f"{language}/{prompt}" for language in ("zh", "en") for prompt in known):
        _write_wave(sounds / f"{name}.wav", tone)
    _write_wave(sounds / "music/waiting.wav", _tone(20.0))


def _tone(seconds: float) -> bytes:
    return array(
        "h", (int(3000 * math.sin(i * 2 * math.pi * 440 / RATE)) for i in range(int(RATE * seconds)))
    ).tobytes()


def _write_wave(path: Path, samples: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with wave.open(str(path), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(RATE)
        out.writeframes(samples)


CENTRES = ("330000", "330100", "330102")
_CENTRES = """centres:
  "330000": bench
  "330100": bench city
  "330102": bench county
"""
# Callers are told apart by their numbers (139, then a count): some want a dialect, some a field, most anybody near.
_ROUTING = """skills:
  putonghua: {zh: 普通话, en: Mandarin, kind: language}
  wenzhou-wu: {zh: 温州话, en: Wenzhou Wu, kind: dialect}
  social-security: {zh: 人力社保, en: social security}
rules:
  - name: dialect
    when: {caller: ["1391*", "1392*"]}
    steps:
      - {name: dialect, skills: {wenzhou-wu: 3}, centres: [home, "330100+"], seconds: 4}
      - {name: near, skills: {putonghua: 3}, centres: ["330100+"], seconds: 4}
      - {name: province, skills: {putonghua: 1}, centres: province}
  - name: field
    when: {caller: ["1393*", "1394*"]}
    steps:
      - {name: expert, skills: {social-security: 3}, centres: ["330100+"], seconds: 4}
      - {name: all-experts, skills: {social-security: 2}, centres: province, seconds: 4}
      - {name: anybody, skills: {putonghua: 1}, centres: province}
  - name: default
    steps:
      - {centres: home, seconds: 2}
      - {centres: "330100+", seconds: 2}
      - {centres: province}
"""


def directory(line_port: int) -> str:
    """A hotline directory with a unit and an emergency line behind one trunk; both are shown the caller's number."""
    entries = {
        UNIT: {"name": "bench unit", "kind": "unit", "numbers": "057188880001"},
        EMERGENCY: {"name": "bench emergency", "kind": "emergency", "numbers": "110"},
    }
    common = {"trunks": LINE, "caller_id": "caller", "ring": 10}
    return yaml.safe_dump({
        "trunks": {LINE: {"contact": f"127.0.0.1:{line_port}"}},
        "entries": {name: entry | common for name, entry in entries.items()},
    })  # fmt: skip


def write_service_config(
    home: Path, seats: int = SEATS, *, rules: bool = False, line_port: int = 0, admission: str = ""
) -> Path:
    """A configuration directory for the service: the same number of seats, one constant flow.

    With `rules`: three centres, skills, and rules of three steps. Every seat fits every caller at the last
    step: with callers waiting for longer than the steps, whichever seat becomes free is the next one's, as
    it is in app_queue. (With seats enough and nobody waiting a caller would wait for the steps instead.)

    `admission`: that section as YAML; without it nobody is turned away, as app_queue turns nobody away.
    """
    out = home / "config"
    shutil.rmtree(out, ignore_errors=True)
    (out / "flows").mkdir(parents=True)
    (out / "prompts").mkdir()
    (out / "asr/zh-small").mkdir(parents=True)
    shutil.copyfile(CONFIG / "prompts/prompts.yaml", out / "prompts/prompts.yaml")
    for name in ("regions.yaml", "catalogue.yaml"):
        shutil.copyfile(CONFIG / name, out / name)
    (out / "flows/default.yaml").write_text(
        "flow: default\ntitle: bench\nlanguage: zh\nstart: welcome\nhuman: to-human\n\nnodes:\n"
        "  welcome:\n    say: greeting\n    next: to-human\n  to-human:\n    route: {}\n",
        encoding="utf-8",
    )
    if line_port:
        (out / "directory.yaml").write_text(directory(line_port), encoding="utf-8")
    if rules:
        (out / "centres.yaml").write_text(_CENTRES, encoding="utf-8")
        (out / "routing.yaml").write_text(_ROUTING, encoding="utf-8")
    rows = "\n".join(_seat(i if rules else 0, u) for i, u in enumerate(seat_ids(seats)))
    (out / "hotline.yaml").write_text(
        'centre:\n  code: "330000"\n  name: bench\n'
        f'numbers:\n  "{SERVICE_NUMBER}": {{flow: default}}\n'
        "times: {reserve: 10, ring: 15, wrap_up: 0, refused_pause: 0, missed_limit: 20}\n"
        f"admission: {admission or '{enabled: false}'}\n"
        "default_skills: {putonghua: 1}\n"
        f"seats:\n{rows}\n",
        encoding="utf-8",
    )
    return out


def _seat(i: int, user: str) -> str:
    extra = ("", ", wenzhou-wu: 4", ", social-security: 3", ", social-security: 2, wenzhou-wu: 2")[i % 4]
    skills = f"{{putonghua: 5{extra}}}"
    return f'  - {{id: "{user}", name: seat {user}, centre: "{CENTRES[i % 3]}", skills: {skills}}}'
