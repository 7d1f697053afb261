"""The decoding graph: lexicon and language model compiled into one finite-state transducer (HCLG.fst).

Kaldi's usual chain H∘C∘L∘G without its binaries: the phones have no context (C is the identity), the lexicon is
written over transition ids directly (H∘L), composed with a back-off bigram G, determinised and minimised with
kaldifst; self-loops are added last, as Kaldi does with `reorder=true`.
"""

from __future__ import annotations

import collections
import itertools
import math
import random
from dataclasses import dataclass, field

import kaldifst
import lexicon

Lexicon = dict[str, list[list[str]]]  # word -> readings -> syllables
UNKNOWN = "[unk]"  # at least 150 ms of speech that fits nothing else
BACKOFF = "#0"
LOOP = 0.5  # self-loop probability of every HMM state; the same everywhere, so it ranks nothing
SILENCE_AFTER_WORD = 0.3
_INF = float("inf")


def _cost(probability: float) -> float:
    return -math.log(probability)


@dataclass(frozen=True, slots=True)
class Tuning:
    """Weights found on the held-out set."""

    word_penalty: float = 1.2  # added to each word: fewer, longer words
    unknown: float = 1e-4  # unigram probability of [unk]
    single: float = 1e-5  # of each fall-back character
    sentences: int = 150_000  # sampled from the grammar for the bigram


@dataclass(slots=True)
class Phones:
    """Ids of the position-dependent phones ("zh_B", "_i_E") and of their HMM transitions."""

    ids: dict[str, int] = field(default_factory=dict)
    base: dict[int, str] = field(default_factory=dict)
    triples: list[tuple[int, int, int]] = field(default_factory=list)
    forward: dict[tuple[int, int], int] = field(default_factory=dict)
    self_loop_of: dict[int, int] = field(default_factory=dict)  # forward transition id -> self-loop id
    transitions: int = 0
    outputs: dict[str, list[int]] = field(default_factory=lexicon.outputs)

    @classmethod
    def make(cls) -> Phones:
        """The fixed inventory: silence, then each unit as begin, internal, end and single."""
        p = cls()
        p.ids["SIL"] = 1
        for unit in ["SPN", *lexicon.UNITS]:
            for position in "BIES":
                p.ids[f"{unit}_{position}"] = len(p.ids) + 1
        p.base = {i: (n if n == "SIL" else n[:-2]) for n, i in p.ids.items()}
        p.triples = sorted((ph, st, out) for ph, b in p.base.items() for st, out in enumerate(p.outputs[b]))
        for k, (phone, state, _) in enumerate(p.triples):
            p.forward[phone, state] = 2 * k + 2
            p.self_loop_of[2 * k + 2] = 2 * k + 1
        p.transitions = 2 * len(p.triples)
        return p

    def path(self, name: str) -> list[int]:
        """Forward transition ids through one phone."""
        phone = self.ids[name]
        return [self.forward[phone, state] for state in range(len(self.outputs[self.base[phone]]))]


def bigram(lex: Lexicon, word_ids: dict[str, int], tuning: Tuning, seed: int = 7) -> kaldifst.StdVectorFst:
    """Back-off bigram acceptor with absolute discounting, from sentences sampled out of the grammar."""
    rng = random.Random(seed)
    uni: collections.Counter[str] = collections.Counter()
    bi: dict[str, collections.Counter[str]] = collections.defaultdict(collections.Counter)
    for _ in range(tuning.sentences):
        sequence = ["<s>", *lexicon.sample(rng), "</s>"]
        for a, b in itertools.pairwise(sequence):
            bi[a][b] += 1
            uni[b] += 1
    total = sum(uni.values())
    p_uni = {w: 0.999 * n / total for w, n in uni.items()}
    for w in lex:
        p_uni[w] = p_uni.get(w, 0.0) + tuning.single
    p_uni[UNKNOWN] = tuning.unknown
    z = sum(p_uni.values())

    g, arc = kaldifst.StdVectorFst(), kaldifst.StdArc
    state = {"<s>": g.add_state(), "": g.add_state()}
    for w in bi:
        if w not in state:
            state[w] = g.add_state()
    for w, p in p_uni.items():
        if w == "</s>":
            g.set_final(state[""], _cost(p / z))
        else:
            g.add_arc(state[""], arc(word_ids[w], word_ids[w], _cost(p / z), state.get(w, state[""])))
    for history, followers in bi.items():
        n = sum(followers.values())
        backoff = min(max(0.5 * len(followers) / n, 0.1), 0.5)  # keeps some mass for unseen pairs
        for w, k in followers.items():
            p = (1 - backoff) * k / n + backoff * p_uni[w] / z
            if w == "</s>":
                g.set_final(state[history], _cost(p))
            else:
                g.add_arc(state[history], arc(word_ids[w], word_ids[w], _cost(p), state[w]))
        g.add_arc(state[history], arc(word_ids[BACKOFF], 0, _cost(backoff), state[""]))
    g.start = state["<s>"]
    return g


def lexicon_fst(lex: Lexicon, word_ids: dict[str, int], phones: Phones, tuning: Tuning) -> kaldifst.StdVectorFst:
    """Words as paths of transition ids, with optional silence around them.

    Labels above `phones.transitions` keep the result determinisable: +1 stands for G's back-off, +2 follows a
    silence, +3… tell homophones apart.
    """
    f, arc = kaldifst.StdVectorFst(), kaldifst.StdArc
    start, loop, silence = f.add_state(), f.add_state(), f.add_state()
    f.start = start
    f.set_final(loop, 0.0)
    back = phones.transitions + 1

    def chain(src: int, labels: list[int], word: int, cost: float, ends: list[tuple[int, float]]) -> None:
        for k, label in enumerate(labels):
            olabel, weight = (word, cost) if k == 0 else (0, 0.0)
            if k == len(labels) - 1:
                for end, extra in ends:
                    f.add_arc(src, arc(label, olabel, weight + extra, end))
            else:
                nxt = f.add_state()
                f.add_arc(src, arc(label, olabel, weight, nxt))
                src = nxt

    f.add_arc(start, arc(0, 0, _cost(0.5), loop))
    for origin, cost in ((start, _cost(0.5)), (silence, 0.0)):
        after = f.add_state()
        chain(origin, phones.path("SIL"), 0, cost, [(after, 0.0)])
        f.add_arc(after, arc(back + 1, 0, 0.0, loop))
    ends = [(loop, _cost(1 - SILENCE_AFTER_WORD)), (silence, _cost(SILENCE_AFTER_WORD))]
    seen: collections.Counter[tuple[str, ...]] = collections.Counter()
    for word in [*sorted(lex), UNKNOWN]:
        for reading in lex.get(word, [[]]):
            units = [u for s in reading for u in lexicon.units_of(s)] or ["SPN"] * 5
            if len(units) == 1:
                names = [units[0] + "_S"]
            else:
                names = [units[0] + "_B", *(u + "_I" for u in units[1:-1]), units[-1] + "_E"]
            labels = [label for name in names for label in phones.path(name)]
            key = tuple(names)
            if seen[key]:
                labels.append(back + 1 + seen[key])
            seen[key] += 1
            chain(loop, labels, word_ids[word], tuning.word_penalty, ends)
    f.add_arc(loop, arc(back, word_ids[BACKOFF], 0.0, loop))
    f.add_arc(start, arc(back, word_ids[BACKOFF], 0.0, start))
    return f


def _with_self_loops(fst: kaldifst.StdVectorFst, phones: Phones) -> kaldifst.StdVectorFst:
    """Self-loops on the destination of each forward arc; a state entered by different ones is split."""
    arcs = [
        [(a.ilabel, a.olabel, float(a.weight.value), a.nextstate) for a in kaldifst.ArcIterator(fst, s)]
        for s in range(fst.num_states)
    ]
    final = [float(fst.final(s).value) for s in range(fst.num_states)]
    incoming: list[set[int]] = [set() for _ in arcs]
    incoming[fst.start].add(0)
    for leaving in arcs:
        for label, _, _, to in leaving:
            incoming[to].add(phones.self_loop_of.get(label, 0))
    extra: dict[tuple[int, int], int] = {}
    for s in range(len(incoming)):
        new = []
        for label, word, weight, to in arcs[s]:
            own = phones.self_loop_of.get(label, 0)
            if own and len(incoming[to]) > 1:
                if (to, own) not in extra:
                    extra[to, own] = len(arcs)
                    arcs.append([(0, 0, 0.0, to), (own, 0, 0.0, len(arcs))])
                    final.append(_INF)
                to = extra[to, own]
            new.append((label if label <= phones.transitions else 0, word, weight, to))
        arcs[s] = new
    for s, loops in enumerate(incoming):
        if len(loops) == 1 and (own := next(iter(loops))):
            arcs[s].append((own, 0, 0.0, s))
    out = kaldifst.StdVectorFst()
    for _ in arcs:
        out.add_state()
    out.start = fst.start
    for s, leaving in enumerate(arcs):
        if final[s] != _INF:
            out.set_final(s, final[s])
        for label, word, weight, to in leaving:
            out.add_arc(s, kaldifst.StdArc(label, word, weight, to))
    return out


def hclg(lex: Lexicon, word_ids: dict[str, int], phones: Phones, tuning: Tuning) -> kaldifst.StdVectorFst:
    """The whole graph, ready to be written as HCLG.fst."""
    g = bigram(lex, word_ids, tuning)
    kaldifst.arcsort(g, "ilabel")
    words = lexicon_fst(lex, word_ids, phones, tuning)
    kaldifst.arcsort(words, "olabel")
    graph = kaldifst.compose(words, g)
    kaldifst.determinize_star(graph)
    kaldifst.minimize_encoded(graph)
    graph = _with_self_loops(graph, phones)
    kaldifst.connect(graph)
    kaldifst.arcsort(graph, "ilabel")
    return graph
