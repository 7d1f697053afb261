"""Held-out audio, and the character error rate of a model on it.

`python evaluate.py MODEL [HELD_SENTENCES [WRONG_ONES_TO_SHOW]]` prints the figures as JSON. Never import this
together with graph.py: libvosk and kaldifst cannot live in one process.
"""

from __future__ import annotations

import collections
import json
import os
import random
import sys
import time
import unicodedata
from dataclasses import dataclass
from pathlib import Path

import audio
import espeak
import lexicon
import numpy as np

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

# What the demonstration call says (also in the grammar), spoken here in voices that training never heard.
DEMO = [
    "你好 我 要 反映 一个 问题 , 鹿城区 人民路 的 路灯 坏 了 , 三 天 了 , 请 派人 来 修",
    "您好 这里 是 12345 热线 请问 有 什么 可以 帮 您",
    "好 的 我 已经 记录 , 我们 会 尽快 处理 , 请问 还有 其他 问题 吗",
    "没有 了 谢谢 再见",
    "请问 您 贵姓",
    "您 的 地址 在 哪里",
    "请 稍等",
    "感谢 您 的 来电 再见",
]
# Free sentences: words of the vocabulary in orders that no template has.
FREE = [
    "我 要 投诉 学校 门口 违章 停车",
    "医院 门口 的 红绿灯 坏 了 三 天 没人 修",
    "请问 路灯 坏 了 找 哪个 部门",
    "我 母亲 在 超市 门口 摔伤 了",
    "自来水 公司 说 小区 今天 停水",
    "我 的 养老金 什么 时候 到账",
    "餐馆 油烟 扰民 环保局 不 处理",
    "老板 拖欠 工资 半年 了 请 尽快 处理",
    "瓯海区 学院路 二十 号 电梯 坏 了",
    "供电局 的 电话 没人 接",
    "我 姓 林 住 在 瑞安市 人民路",
    "慈溪市 有人 在 网上 举报 工厂 污水 乱排",
    "孩子 在 公园 门口 摔伤 了 护栏 坏 了",
]
CONDITIONS = ("clean", "line", "noise10", "noise5")


@dataclass(slots=True)
class Sentence:
    """One test sentence: its kind (demo, free, held), text and audio per condition (16-bit samples)."""

    kind: str
    text: str
    voice: str
    audio: dict[str, np.ndarray]
    noise: str


def sentences(held: int, seed: int = 4242) -> list[Sentence]:
    """Speak the demo and free sentences and `held` held-out ones in held-out voices."""
    r, rng = random.Random(seed), np.random.default_rng(seed)
    lex = lexicon.lexicon()
    texts = [("demo", s.split()) for s in DEMO * 3] + [("free", s.split()) for s in FREE * 2]
    texts += [("held", lexicon.sample(r, held_out=True)) for _ in range(held)]
    out: list[Sentence] = []
    babble: list[np.ndarray] = []
    for i, (kind, words) in enumerate(texts):
        spoken = [s for w in words for s in ([","] if w == "," else lex[w][0] if w in lex else lexicon.syllables(w))]
        voice = espeak.HELD_OUT_VOICES[i % len(espeak.HELD_OUT_VOICES)]
        y = espeak.speak(spoken, voice, rate=r.choice([140, 165, 185, 215]), pitch=r.choice([22, 38, 57, 73]))
        y = y / np.abs(y).max() * 12000
        babble.append(y / audio.level(y))
        y = np.concatenate([np.zeros(3200), y, np.zeros(4000)])
        sounds = {"clean": y, "line": audio.alaw(audio.telephone(y))}
        noise = str(rng.choice(["white", "pink", "hum", "babble"]))
        for name, snr in (("noise10", 10), ("noise5", 5)):
            n = audio.noise(rng, len(y), noise, babble) * audio.level(y) * 10 ** (-snr / 20)
            sounds[name] = audio.alaw(audio.telephone(y + n))
        out.append(Sentence(kind, "".join(w for w in words if w != ","), voice, sounds, noise))
    return out


def distance(a: str, b: str) -> int:
    """Edit distance in characters."""
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        previous, row[0] = row[0], i
        for j, y in enumerate(b, 1):
            previous, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, previous + (x != y))
    return row[-1]


_DIGITS = str.maketrans("0123456789幺", "零一二三四五六七八九一")


def plain(text: str) -> str:
    """What is compared: no blanks or punctuation, digits as 一二三, 幺 as 一 (both are said, both are right)."""
    kept = (ch for ch in unicodedata.normalize("NFKC", text) if unicodedata.category(ch)[0] in "LN")
    return "".join(kept).translate(_DIGITS)


class Decoder:
    """A Vosk model, fed as the product feeds it: 8 kHz, 200 ms at a time."""

    def __init__(self, path: Path) -> None:
        import vosk  # after OPENBLAS_NUM_THREADS is set

        vosk.SetLogLevel(-1)
        self._vosk, self._model = vosk, vosk.Model(str(path))

    def text(self, y: np.ndarray) -> str:
        """Words of one recording, separated by blanks."""
        rec = self._vosk.KaldiRecognizer(self._model, audio.RATE)
        data = np.round(np.clip(y, -32768, 32767)).astype("<i2").tobytes()
        out: list[str] = []
        for i in range(0, len(data), 3200):
            if rec.AcceptWaveform(data[i : i + 3200]):
                out += [rec.Result()]
        texts = [json.loads(result)["text"] for result in [*out, rec.FinalResult()]]
        return " ".join(t for t in texts if t)


def _memory() -> float:
    """Resident megabytes of this process."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096 / 1e6


def measure(model: Path, held: int = 200, show: int = 0) -> dict[str, object]:
    """Character error rates by condition and kind of sentence, by noise and voice, and what decoding costs."""
    before, began = _memory(), time.monotonic()
    decoder = Decoder(model)
    report: dict[str, object] = {
        "load_seconds": round(time.monotonic() - began, 3),
        "memory_of_model_megabytes": round(_memory() - before),
    }
    tests = sentences(held)
    for condition in CONDITIONS:
        errors: collections.Counter[str] = collections.Counter()
        sizes: collections.Counter[str] = collections.Counter()
        cpu, seconds, wrong = time.process_time(), 0.0, []
        for t in tests:
            y = t.audio[condition]
            heard = decoder.text(y)
            seconds += len(y) / audio.RATE
            e, n = distance(plain(t.text), plain(heard)), len(plain(t.text))
            keys = ["all", t.kind] + ([f"voice {t.voice}"] if condition == "line" else [])
            for key in keys + ([f"noise {t.noise}"] if condition.startswith("noise") else []):
                errors[key] += e
                sizes[key] += n
            if e:
                wrong.append(f"{t.voice} | {t.text} | {heard}")
        report[condition] = {k: round(100 * errors[k] / sizes[k], 2) for k in sorted(sizes)}
        report[f"{condition}_real_time_factor"] = round((time.process_time() - cpu) / seconds, 4)
        for line in wrong[:show]:
            print("   ", condition, line, file=sys.stderr)
    rng = np.random.default_rng(7)
    silent = {k: audio.noise(rng, 80000, k) * 300 for k in ("white", "pink", "brown", "hum", "tones")}
    silent["silence"] = np.zeros(80000)
    report["words_heard_in_no_speech"] = {k: heard for k, y in silent.items() if (heard := decoder.text(y))}
    return report


if __name__ == "__main__":
    numbers = [int(a) for a in sys.argv[2:4]]
    print(json.dumps(measure(Path(sys.argv[1]), *numbers), ensure_ascii=False))
