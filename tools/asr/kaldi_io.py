"""Just enough of Kaldi's binary format to write am/final.mdl: a transition model and an nnet3 network."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

# One HMM state: its output class (-1: the last, empty one) and its transitions (to state, probability).
State = tuple[int, list[tuple[int, float]]]
# One layer: the frame offsets it looks at, weights (out x offsets*in) and bias.
Layer = tuple[tuple[int, ...], np.ndarray, np.ndarray]


class _Writer:
    """Kaldi's binary stream: tokens end in a blank, each number is led by its size in bytes."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("wb")
        self._file.write(b"\0B")

    def __enter__(self) -> _Writer:
        return self

    def __exit__(self, kind: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None) -> None:
        self._file.close()

    def token(self, *names: str) -> _Writer:
        for name in names:
            self._file.write(name.encode() + b" ")
        return self

    def int(self, value: int) -> _Writer:
        self._file.write(struct.pack("<bi", 4, value))
        return self

    def float(self, value: Any) -> _Writer:
        self._file.write(struct.pack("<bf", 4, value))
        return self

    def double(self, value: Any) -> _Writer:
        self._file.write(struct.pack("<bd", 8, value))
        return self

    def ints(self, values: Sequence[Any]) -> _Writer:
        data = np.asarray(values, "<i4")
        self._file.write(struct.pack("<bi", 4, len(data)) + data.tobytes())
        return self

    def vector(self, values: ArrayLike) -> _Writer:
        data = np.asarray(values, "<f4")
        self.token("FV").int(len(data))
        self._file.write(data.tobytes())
        return self

    def matrix(self, values: ArrayLike) -> _Writer:
        data = np.ascontiguousarray(values, "<f4")
        self.token("FM").int(data.shape[0]).int(data.shape[1])
        self._file.write(data.tobytes())
        return self

    def text(self, value: str) -> _Writer:
        self._file.write(value.encode())
        return self


def write_model(
    path: Path,
    *,
    topology: list[tuple[list[int], list[State]]],
    triples: list[tuple[int, int, int]],
    log_probs: ArrayLike,
    layers: list[Layer],
    inputs: int,
    priors: ArrayLike,
    context: int,
) -> None:
    """Write final.mdl.

    Args:
        path: the file.
        topology: per kind of phone its phone ids and HMM states.
        triples: sorted (phone, HMM state, output) of every state.
        log_probs: of every transition id; index 0 is unused.
        layers: the network; ReLU after each but the last, log-softmax after that.
        inputs: coefficients per feature frame.
        priors: of every output, summing to 1.
        context: frames of context on either side.
    """
    with _Writer(path) as w:
        _transitions(w, topology, triples, log_probs)
        _network(w, layers, inputs)
        w.token("<LeftContext>").int(context).token("<RightContext>").int(context).token("<Priors>").vector(priors)


def _transitions(
    w: _Writer, topology: list[tuple[list[int], list[State]]], triples: list[tuple[int, int, int]], log_probs: ArrayLike
) -> None:
    w.token("<TransitionModel>", "<Topology>")
    phones = sorted(p for group, _ in topology for p in group)
    kind = [-1] * (phones[-1] + 1)
    for k, (group, _) in enumerate(topology):
        for p in group:
            kind[p] = k
    w.ints(phones).ints(kind).int(len(topology))
    for _, states in topology:
        w.int(len(states))
        for output, transitions in states:
            w.int(output).int(len(transitions))
            for to, probability in transitions:
                w.int(to).float(probability)
    w.token("</Topology>", "<Triples>").int(len(triples))
    for triple in triples:
        for value in triple:
            w.int(value)
    w.token("</Triples>", "<LogProbs>").vector(log_probs).token("</LogProbs>", "</TransitionModel>")


def _network(w: _Writer, layers: list[Layer], inputs: int) -> None:
    lines, parts, previous = [f"input-node name=input dim={inputs}"], [], "input"
    for k, (offsets, weights, bias) in enumerate(layers):
        last = k == len(layers) - 1
        name, nonlinear = ("output", "log-softmax") if last else (f"tdnn{k + 1}", "relu")
        seen = [previous if o == 0 else f"Offset({previous}, {o})" for o in offsets]
        source = seen[0] if len(seen) == 1 else "Append(" + ", ".join(seen) + ")"
        lines.append(f"component-node name={name}.affine component={name}.affine input={source}")
        lines.append(f"component-node name={name}.{nonlinear} component={name}.{nonlinear} input={name}.affine")
        parts.append((name, nonlinear, weights, bias))
        previous = f"{name}.{nonlinear}"
    lines.append(f"output-node name=output input={previous} objective=linear")
    w.token("<Nnet3>").text("\n" + "\n".join(lines) + "\n\n").token("<NumComponents>").int(2 * len(parts))
    for name, nonlinear, weights, bias in parts:
        w.token("<ComponentName>", f"{name}.affine", "<AffineComponent>", "<LearningRate>").float(0.001)
        w.token("<LinearParams>").matrix(weights).token("<BiasParams>").vector(bias).token("</AffineComponent>")
        kind = "LogSoftmaxComponent" if nonlinear == "log-softmax" else "RectifiedLinearComponent"
        w.token("<ComponentName>", f"{name}.{nonlinear}", f"<{kind}>", "<Dim>").int(len(bias))
        w.token("<ValueAvg>").vector([]).token("<DerivAvg>").vector([]).token("<Count>").double(0)
        w.token("<NumDimsSelfRepaired>").double(0).token("<NumDimsProcessed>").double(0).token(f"</{kind}>")
    w.token("</Nnet3>")
