"""Make the small Mandarin model: `python tools/asr/build.py WORKDIR` (see README.md beside this file).

Without --retrain the acoustic weights of weights.npz are used and only the graph is built (seconds).
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import audio
import espeak
import lexicon
import model
import numpy as np

HERE = Path(__file__).parent
SHIPPED = HERE.parent.parent / "config" / "asr" / "zh-small"
# The known answer that the product's check decodes before it trusts a model.
SELFCHECK_VOICE = "+f4"
SELFCHECK = "你好 我 要 反映 一个 问题 , 鹿城区 人民路 的 路灯 坏 了"


def selfcheck(out: Path) -> None:
    """Write selfcheck.wav (8 kHz, as after a telephone line) and selfcheck.txt (its words)."""
    lex, words = lexicon.lexicon(), SELFCHECK.split()
    y = espeak.speak([s for w in words for s in ([w] if w == "," else lex[w][0])], SELFCHECK_VOICE)
    y = np.concatenate([np.zeros(3200), y / np.abs(y).max() * 12000, np.zeros(4000)])
    audio.write_wav(out / "selfcheck.wav", audio.alaw(audio.telephone(y)))
    (out / "selfcheck.txt").write_text(" ".join(w for w in words if w != ",") + "\n", "utf-8")


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("workdir", type=Path)
    parser.add_argument("--retrain", action="store_true", help="make new speech and train (about 15 minutes)")
    parser.add_argument("--utterances", type=int, default=14000)
    parser.add_argument("--epochs", type=int, default=6)
    parser.add_argument("--held", type=int, default=200, help="held-out sentences to measure with")
    parser.add_argument("--show", type=int, default=0, help="print so many wrong sentences per condition")
    parser.add_argument("--install", action="store_true", help=f"replace the model in {SHIPPED.name} (and weights.npz)")
    args = parser.parse_args()
    args.workdir.mkdir(parents=True, exist_ok=True)
    weights = HERE / "weights.npz"
    if args.retrain:
        import synthesis
        import train  # needs torch

        weights = args.workdir / "weights.npz"
        synthesis.make(args.workdir / "train.npz", args.utterances)
        train.train(args.workdir / "train.npz", weights, args.epochs)
    out = args.workdir / "model"
    built = model.build(weights, out)
    selfcheck(out)
    print("built:", json.dumps(built), flush=True)
    # In a process of its own: libvosk and kaldifst each bring OpenFst, and loading both locks up for ever.
    command = [sys.executable, str(HERE / "evaluate.py"), str(out), str(args.held), str(args.show)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, timeout=900)
    report = {"model": built, **json.loads(done.stdout)}
    (args.workdir / "measured.json").write_text(json.dumps(report, ensure_ascii=False, indent=1) + "\n", "utf-8")
    print(json.dumps(report, ensure_ascii=False, indent=1))
    if args.install:
        for part in ("am", "conf", "graph"):
            shutil.rmtree(SHIPPED / part, ignore_errors=True)
        shutil.copytree(out, SHIPPED, dirs_exist_ok=True)
        shutil.copy(args.workdir / "measured.json", SHIPPED / "measured.json")
        if args.retrain:
            shutil.copy(weights, HERE / "weights.npz")
        print("installed in", SHIPPED)


if __name__ == "__main__":
    sys.exit(main())
