"""Put a Vosk model directory together: am/, conf/, graph/ and the files of the self-check."""

from __future__ import annotations

import math
import time
from pathlib import Path

import audio
import graph
import kaldi_io
import lexicon
import numpy as np

# Frame offsets of each layer (see train.py); the last one is the output layer.
LAYERS = ((-2, -1, 0, 1, 2), (-1, 0, 1), (-3, 0, 3), (-3, 0, 3), (-3, 0, 3), (-3, 0, 3))
CONTEXT = 15  # frames on either side
SILENCE_PRIOR = 0.2  # < 1: in noise rather silence than words

MODEL_CONF = """\
--min-active=200
--max-active=3000
--beam=13.0
--lattice-beam=6.0
--acoustic-scale=0.4
--frame-subsampling-factor=3
--endpoint.silence-phones=1
--endpoint.rule2.min-trailing-silence=0.5
--endpoint.rule3.min-trailing-silence=0.75
--endpoint.rule4.min-trailing-silence=1.0
"""


def build(weights: Path, out: Path, tuning: graph.Tuning | None = None) -> dict[str, float]:
    """Write the model.

    Args:
        weights: .npz of train.py (arrays only, no pickle).
        out: directory to fill; files in it are replaced.
        tuning: weights of the graph.

    Returns:
        Figures: words, states, megabytes and seconds taken.
    """
    began = time.monotonic()
    for name in ("am", "conf", "graph/phones"):
        (out / name).mkdir(parents=True, exist_ok=True)
    phones, lex = graph.Phones.make(), lexicon.lexicon()
    if unknown := list(lexicon.unknown_units()):
        raise SystemExit(f"grammar: no sound units for {unknown}; give their readings in lexicon.READINGS")
    words = ["<eps>", *sorted(lex), graph.UNKNOWN, graph.BACKOFF]
    word_ids = {w: i for i, w in enumerate(words)}

    _acoustic(weights, out / "am" / "final.mdl", phones)
    (out / "conf" / "mfcc.conf").write_text(audio.MFCC_CONF)
    (out / "conf" / "model.conf").write_text(MODEL_CONF)
    kinds = {"B": "begin", "I": "internal", "E": "end", "S": "singleton"}
    (out / "graph" / "phones" / "word_boundary.int").write_text(
        "".join(f"{i} {'nonword' if n == 'SIL' else kinds[n[-1]]}\n" for n, i in phones.ids.items())
    )
    (out / "graph" / "phones.txt").write_text("<eps> 0\n" + "".join(f"{n} {i}\n" for n, i in phones.ids.items()))
    (out / "graph" / "words.txt").write_text("".join(f"{w} {i}\n" for w, i in word_ids.items()), "utf-8")
    fst = graph.hclg(lex, word_ids, phones, tuning or graph.Tuning())
    fst.write(str(out / "graph" / "HCLG.fst"))
    size = sum(f.stat().st_size for f in out.rglob("*") if f.is_file())
    return {
        "words": len(lexicon.vocabulary()),
        "entries": len(lex),
        "states": fst.num_states,
        "megabytes": round(size / 1e6, 2),
        "seconds": round(time.monotonic() - began, 1),
    }


def _acoustic(weights: Path, path: Path, phones: graph.Phones) -> None:
    """Fold the batch normalisations into the layers and write them with the transition model."""
    with np.load(weights, allow_pickle=False) as z:
        units, state = list(z["units"]), {k: z[k].astype(np.float64) for k in z.files if k != "units"}
    if units != lexicon.UNITS:
        raise SystemExit(f"{weights}: made for other sound units than lexicon.UNITS; retrain with --retrain")

    def norm(name: str) -> tuple[np.ndarray, np.ndarray]:  # y = x * scale + shift
        scale = 1 / np.sqrt(state[name + ".running_var"] + 1e-5)
        return scale, -state[name + ".running_mean"] * scale

    layers: list[kaldi_io.Layer] = []
    scale, shift = norm("norm")
    for i, offsets in enumerate([*LAYERS, (0,)]):
        name = f"convs.{i}" if i < len(LAYERS) else "out"
        w, b = state[name + ".weight"], state[name + ".bias"]  # w: (out, in, offsets)
        b = b + np.einsum("oik,i->o", w, shift)
        w = w * scale[None, :, None]
        layers.append((offsets, w.transpose(0, 2, 1).reshape(len(b), -1), b))
        if i < len(LAYERS):
            scale, shift = norm(f"bns.{i}")
    log_probs = np.full(phones.transitions + 1, math.log(graph.LOOP))
    log_probs[0] = 0
    priors = np.maximum(state["prior"], 1e-4)
    priors[0] *= SILENCE_PRIOR
    go = graph.LOOP
    one: list[kaldi_io.State] = [(0, [(0, go), (1, 1 - go)]), (-1, [])]
    two: list[kaldi_io.State] = [(0, [(0, go), (1, 1 - go)]), (1, [(1, go), (2, 1 - go)]), (-1, [])]
    single = [p for p, b in phones.base.items() if len(phones.outputs[b]) == 1]
    double = [p for p, b in phones.base.items() if len(phones.outputs[b]) == 2]
    kaldi_io.write_model(
        path,
        topology=[(single, one), (double, two)],
        triples=phones.triples,
        log_probs=log_probs,
        layers=layers,
        inputs=len(state["norm.running_mean"]),
        priors=priors / priors.sum(),
        context=CONTEXT,
    )
