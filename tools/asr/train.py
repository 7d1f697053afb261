"""Train the acoustic model: a 6-layer TDNN, frame cross-entropy, one output every 30 ms (needs torch)."""

from __future__ import annotations

import time
from pathlib import Path

import lexicon
import numpy as np
import torch
import torch.nn.functional as F
from model import CONTEXT, LAYERS
from torch import nn

WIDTH = 192
CHUNK = 60  # outputs per training chunk
BATCH = 64


class Tdnn(nn.Module):
    """The second layer runs on every third frame only; the later ones step by 3, so they are stride-1 there."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.norm = nn.BatchNorm1d(inputs, affine=False)
        self.convs, self.bns = nn.ModuleList(), nn.ModuleList()
        width = inputs
        for i, offsets in enumerate(LAYERS):
            self.convs.append(nn.Conv1d(width, WIDTH, len(offsets), stride=3 if i == 1 else 1))
            self.bns.append(nn.BatchNorm1d(WIDTH, affine=False))
            width = WIDTH
        self.out = nn.Conv1d(WIDTH, outputs, 1)
        nn.init.normal_(self.out.weight, 0, 0.01)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(batch, inputs, 3 * n - 2 + 2 * CONTEXT) -> (batch, outputs, n) logits."""
        x = self.norm(x)
        for conv, norm in zip(self.convs, self.bns, strict=True):
            x = F.dropout(norm(F.relu(conv(x))), 0.05, self.training)
        return self.out(x)  # type: ignore[no-any-return]


def _padded(f: np.ndarray, n: int) -> np.ndarray:
    """Repeat the frames at the edges, as Kaldi's decoder does."""
    need = 3 * n - 2 + 2 * CONTEXT
    right = np.repeat(f[-1:], max(0, need - CONTEXT - len(f)), 0)
    return np.concatenate([np.repeat(f[:1], CONTEXT, 0), f, right])[:need]


def _chunks(data: dict[str, np.ndarray]) -> tuple[torch.Tensor, torch.Tensor]:
    width = 3 * CHUNK - 2 + 2 * CONTEXT
    xs, ys, at, label_at = [], [], 0, 0
    for frames, count in zip(data["nf"], data["nl"], strict=True):
        f, labels = data["feat"][at : at + frames], data["lab"][label_at : label_at + count]
        at, label_at = at + frames, label_at + count
        p = _padded(f, count)
        for s in range(0, count, CHUNK):
            x, y = p[3 * s : 3 * s + width], labels[s : s + CHUNK]
            if len(y) < 5:
                continue
            if len(x) < width:
                x = np.concatenate([x, np.repeat(x[-1:], width - len(x), 0)])
                y = np.concatenate([y, np.full(CHUNK - len(y), -1, np.int16)])
            xs.append(x)
            ys.append(y)
    return torch.from_numpy(np.stack(xs)), torch.from_numpy(np.stack(ys).astype(np.int64))


def train(data_path: Path, out: Path, epochs: int) -> None:
    """Train and write the weights as plain arrays (.npz, no pickle)."""
    with np.load(data_path) as z:
        data = {k: z[k] for k in z.files}
    outputs = sum(len(v) for v in lexicon.outputs().values())
    torch.manual_seed(0)
    torch.set_num_threads(2)
    rng = np.random.default_rng(0)
    x_all, y_all = _chunks(data)
    order = torch.from_numpy(rng.permutation(len(x_all)))
    held, train_set = order[: len(x_all) // 30], order[len(x_all) // 30 :]
    net = Tdnn(x_all.shape[2], outputs)
    per_epoch = len(train_set) // BATCH
    print(f"{len(x_all)} chunks, {outputs} outputs, {sum(p.numel() for p in net.parameters())} parameters", flush=True)
    optimiser = torch.optim.AdamW(net.parameters(), 2e-3, weight_decay=1e-4)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 2e-3, total_steps=epochs * per_epoch, pct_start=0.1)
    began = time.monotonic()
    for epoch in range(epochs):
        net.train()
        shuffled, total, seen = train_set[torch.from_numpy(rng.permutation(len(train_set)))], 0.0, 0
        for i in range(per_epoch):
            batch = shuffled[i * BATCH : (i + 1) * BATCH]
            y = y_all[batch]
            loss = F.cross_entropy(net(x_all[batch].float().transpose(1, 2)), y, ignore_index=-1)
            optimiser.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(net.parameters(), 5.0)
            optimiser.step()
            schedule.step()
            total, seen = total + loss.item(), seen + 1
        net.eval()
        right = frames = 0
        with torch.no_grad():
            for batch in held.split(256):
                y = y_all[batch]
                right += int(((net(x_all[batch].float().transpose(1, 2)).argmax(1) == y) & (y >= 0)).sum())
                frames += int((y >= 0).sum())
        took = time.monotonic() - began
        print(f"epoch {epoch}: loss {total / seen:.3f}, frames right {right / frames:.3f}, {took:.0f} s", flush=True)
    arrays = {k: v.numpy() for k, v in net.state_dict().items() if "num_batches" not in k}
    prior = (np.bincount(data["lab"], minlength=outputs) / len(data["lab"])).astype(np.float32)
    np.savez_compressed(out, prior=prior, units=np.array(lexicon.UNITS), **arrays)
