"""Is this directory a model that works? Files first, then a process of its own that may crash or hang."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

from ._model import ModelReport
from ._recognizer import MfccConf

_BINARY = b"\0B"  # how Kaldi's binary files begin
_FST = b"\xd6\xfd\xb2\x7e"  # and OpenFst's
_TELEPHONE = 8000
MAX_ERROR_RATE = 0.2  # on the self-check; other processors round differently, so not exactly 0

_REPLACE = "copy the model again, or unpack its archive anew"


def check_model(path: Path, timeout: float = 120.0) -> ModelReport:
    """Check a Vosk model without ever endangering the calling process. Blocks: call it in a thread.

    Args:
        path: the model's directory. If it has selfcheck.wav and selfcheck.txt, that must be recognised.
        timeout: seconds for loading and decoding (large models: 30 s and more on a slow disk).

    Returns:
        A report; never raises for what is wrong with a model.
    """
    if problem := _files(path):
        return ModelReport(ok=False, path=str(path), error=problem)
    conf = MfccConf.read(path)
    warnings = []
    if conf.rate > _TELEPHONE and not conf.upsamples:
        warnings.append(
            f"{path}/conf/mfcc.conf: made for {conf.rate} Hz and without --allow-upsample=true; telephone sound is "
            "up-sampled by the recogniser's adapter instead"
        )
    try:
        done = subprocess.run(
            [sys.executable, "-m", "recordings.probe", str(path)],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=timeout,
            check=False,
            cwd=Path(__file__).resolve().parent.parent,
            env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},
        )
    except subprocess.TimeoutExpired:
        return ModelReport(
            ok=False,
            path=str(path),
            error=f"{path}: not loaded and tried within {timeout:g} s; a slow disk or too large a model: allow more "
            "time for the check or use a smaller model",
        )
    if done.returncode:
        return ModelReport(ok=False, path=str(path), error=_crash(path, done))
    result = json.loads(done.stdout.splitlines()[-1])
    error = str(result.get("error", ""))
    rate = result.get("error_rate")
    if not error and rate is not None and rate > MAX_ERROR_RATE:
        error = (
            f"{path}: its own self-check (selfcheck.wav) was recognised with {rate:.0%} wrong characters; words.txt, "
            f"graph and acoustic model are not of one build: {_REPLACE}"
        )
    return ModelReport(
        ok=not error,
        path=str(path),
        error=error,
        warnings=tuple(warnings),
        rate=conf.rate,
        load_seconds=result.get("load_seconds"),
        error_rate=rate,
    )


def _files(path: Path) -> str:
    """What is wrong with the files, "" if nothing can be seen."""
    if not path.is_dir():
        return f"{path}: no such directory; set the path of an unpacked Vosk model (the folder that has am/ and graph/)"
    if (path / "final.mdl").is_file() and not (path / "am").exists():
        am, graph, conf = path, path, path  # models of before 2020: all in one folder
    else:
        am, graph, conf = path / "am", path / "graph", path / "conf"
    dynamic = (graph / "HCLr.fst").exists() or (graph / "Gr.fst").exists()
    needed = [am / "final.mdl", conf / "mfcc.conf"]
    needed += [graph / "HCLr.fst", graph / "Gr.fst"] if dynamic else [graph / "HCLG.fst", graph / "words.txt"]
    if conf != path:
        needed.append(conf / "model.conf")
    for file in needed:
        try:
            size = file.stat().st_size
        except OSError:
            return f"{file}: missing or not readable; {_REPLACE}"
        if not size:
            return f"{file}: empty; {_REPLACE}"
    for file, magic in ((am / "final.mdl", _BINARY), (graph / ("HCLr.fst" if dynamic else "HCLG.fst"), _FST)):
        with file.open("rb") as f:
            if f.read(len(magic)) != magic:
                return f"{file}: not a file of this kind (a download page or a Git LFS pointer?); {_REPLACE}"
    words = graph / "words.txt"
    if words.exists() and sum(1 for line in words.open("rb") if len(line.split()) == 2) < 2:
        return f"{words}: has no words, so nothing would ever be recognised; {_REPLACE}"
    return ""


def _crash(path: Path, done: subprocess.CompletedProcess[bytes]) -> str:
    if done.returncode < 0:
        name = signal.Signals(-done.returncode).name
        return (
            f"{path}: loading or trying it ends the process ({name}); the acoustic model (am/) and the graph (graph/) "
            f"are damaged or not of one build: {_REPLACE}"
        )
    # Only the library's last words: what it says before may be long.
    last = done.stderr.decode("utf-8", "replace").strip().splitlines()[-1:]
    return f"{path}: the check failed ({last[0][:300] if last else done.returncode}); {_REPLACE}"
