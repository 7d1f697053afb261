"""Makes <out>/<language>/<id>.wav of every prompt, anew only where text, voice or recording changed."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from .._library import Prompt, PromptLibrary
from .._model import LANGUAGES
from ._audio import resample, tidy, tone, wav
from ._espeak import VOICES, SpeechError, Voice, program, speak
from ._reading import READERS
from ._site import RecordingError, decode, find, strays

RECIPE = 1
"""Part of every hash: raise it when the way of making sound changes."""
WORKERS = 2

Progress = Callable[[int, int, str], None]
"""Called with (files done, files in all, "zh/greeting") in the caller's thread."""


class PromptBuildError(RuntimeError):
    """Some prompts have no audio. What could be made was made."""


@dataclass(frozen=True, slots=True)
class BuildReport:
    """What a build did; entries are "zh/greeting"."""

    spoken: tuple[str, ...]
    """Made by espeak-ng (or as a tone) in this run."""
    recorded: tuple[str, ...]
    """Converted from the site's recordings in this run."""
    kept: tuple[str, ...]
    """Nothing changed since the last run."""
    problems: tuple[str, ...]
    """Recordings that cannot be used or belong to no prompt. Callers hear the synthetic voice instead."""


@dataclass(frozen=True, slots=True)
class _Done:
    name: str
    how: str
    problem: str | None = None


class _Builder:
    def __init__(self, site: Path, out: Path, voices: Mapping[str, Voice]) -> None:
        self.site, self.out, self.voices = site, out, voices

    @cached_property
    def espeak(self) -> str:
        return program()

    def make(self, prompt: Prompt, language: str) -> _Done:
        """One file. Raises SpeechError or OSError."""
        name, problem = f"{language}/{prompt.id}", None
        target = self.out / language / f"{prompt.id}.wav"
        recording = find(self.site, language, prompt.id)
        if recording is not None:
            try:
                data = recording.read_bytes()
                key = _key("recording", hashlib.sha256(data).hexdigest())
                if _is_current(target, key):
                    return _Done(name, "kept")
                _write(target, wav(decode(data, recording.suffix)), key)
                return _Done(name, "recorded")
            except (RecordingError, OSError) as e:
                problem = f"{recording}: {e}; until then callers hear the synthetic voice"
        voice = self.voices[language]
        if prompt.tone is not None:
            key = _key("tone", prompt.tone.hertz, prompt.tone.seconds)
        else:
            key = _key("speech", voice.name, voice.speed, prompt.texts[language])
        if _is_current(target, key):
            return _Done(name, "kept", problem)
        if prompt.tone is not None:
            sound = tone(prompt.tone.hertz, prompt.tone.seconds)
        else:
            sound, rate = speak(self.espeak, READERS[language](prompt.texts[language]), voice)
            sound = tidy(resample(sound, rate))
        _write(target, wav(sound), key)
        return _Done(name, "spoken", problem)


def build_prompts(
    library: PromptLibrary,
    site_dir: Path,
    out_dir: Path,
    *,
    progress: Progress | None = None,
    voices: Mapping[str, Voice] = VOICES,
) -> BuildReport:
    """Makes the audio of all prompts in all languages.

    Args:
        library: the prompts.
        site_dir: recordings of people, <language>/<id>.wav or .flac, any usual rate; they need not exist.
        out_dir: gets <language>/<id>.wav (8000 Hz, mono, 16 bit) and a hash beside each.
        progress: see `Progress`.
        voices: espeak-ng's voice of each language.

    Raises:
        PromptBuildError: espeak-ng is missing or fails, or a file cannot be written, for some prompts.
    """
    builder = _Builder(site_dir, out_dir, voices)
    jobs = [(p, language) for p in library.prompts.values() for language in LANGUAGES]
    done: list[_Done] = []
    failures: list[str] = []
    with ThreadPoolExecutor(WORKERS, thread_name_prefix="prompts") as pool:
        running = {pool.submit(builder.make, p, language): f"{language}/{p.id}" for p, language in jobs}
        for count, future in enumerate(as_completed(running), 1):
            name = running[future]
            try:
                done.append(future.result())
            except SpeechError as e:
                failures.append(str(e))
            except OSError as e:
                failures.append(f"{name}.wav cannot be written under {out_dir} ({e.strerror}); check space and rights")
            if progress is not None:
                progress(count, len(jobs), name)
    if failures:
        shown = "\n".join(dict.fromkeys(failures))
        raise PromptBuildError(f"{len(failures)} of {len(jobs)} prompts have no audio:\n{shown}")
    by_how = {how: tuple(sorted(d.name for d in done if d.how == how)) for how in ("spoken", "recorded", "kept")}
    problems = (*sorted(d.problem for d in done if d.problem), *strays(site_dir, library))
    return BuildReport(by_how["spoken"], by_how["recorded"], by_how["kept"], problems)


def say(text: str, language: str, target: Path) -> None:
    """Speaks one text into one file, whole or not at all: for what is known only while running (an incident).

    Raises:
        SpeechError: espeak-ng is missing or fails.
        OSError: the file cannot be written.
    """
    voice = VOICES[language]
    key = _key("speech", voice.name, voice.speed, text)
    if not _is_current(target, key):
        sound, rate = speak(program(), READERS[language](text), voice)
        _write(target, wav(tidy(resample(sound, rate))), key)


def _key(*parts: object) -> str:
    return hashlib.sha256(json.dumps([RECIPE, *parts], ensure_ascii=True).encode()).hexdigest()


def _is_current(target: Path, key: str) -> bool:
    """Whether the file was made of the same things and is still what was written."""
    try:
        noted = target.with_suffix(".hash").read_text("ascii").split()
        return noted == [key, hashlib.sha256(target.read_bytes()).hexdigest()]
    except (OSError, UnicodeDecodeError):
        return False


def _write(target: Path, data: bytes, key: str) -> None:
    """Whole or not at all; the hash last, so that a crash in between only means making it again."""
    target.parent.mkdir(parents=True, exist_ok=True)
    note = f"{key} {hashlib.sha256(data).hexdigest()}\n".encode("ascii")
    for path, content in ((target, data), (target.with_suffix(".hash"), note)):
        handle, temporary = tempfile.mkstemp(dir=target.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(handle, "wb") as f:
                f.write(content)
            os.chmod(temporary, 0o644)  # noqa: PTH101 - mkstemp's 0600 would hide it from the switch's user
            os.replace(temporary, path)  # noqa: PTH105 - Path.replace is the same with more objects
        except BaseException:
            os.unlink(temporary)  # noqa: PTH108
            raise
