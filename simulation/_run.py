"""Replications: one set of rules, or all of them for the same callers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from ._app_queue import run_app_queue
from ._draw import Callers, draw
from ._model import AppQueue, Model
from ._ours import run_ours
from ._outcome import Outcome
from ._result import Result, summarise

OURS = "本系统 ours"
SURGE = "本系统+激增模式 ours, surge mode"


def _named(model: Model) -> list[tuple[str, Callable[[Callers], Outcome]]]:
    plain = replace(model, surge=None)
    rules: list[tuple[str, Callable[[Callers], Outcome]]] = [(OURS, lambda callers: run_ours(plain, callers))]
    if model.surge is not None:
        rules.append((SURGE, lambda callers: run_ours(model, callers)))
    return rules


def simulate(model: Model, seeds: list[int], told: Callable[[str], None] = lambda _: None) -> Result:
    """The model's own rules (with the surge mode, if it has one), once for each seed."""
    name, run = _named(model)[-1]
    outcomes = []
    for seed in seeds:
        told(f"{name}: seed {seed}")
        outcomes.append(run(draw(model, seed)))
    return summarise(name, model, outcomes)


def comparison(model: Model, seeds: list[int], told: Callable[[str], None] = lambda _: None) -> Iterator[Result]:
    """Our rules, and each set-up of app_queue in the model: the same callers and seats for all."""

    def other(rules: AppQueue) -> Callable[[Callers], Outcome]:
        return lambda callers: run_app_queue(model, rules, callers)

    drawn = {seed: draw(model, seed) for seed in seeds}
    for name, run in [*_named(model), *((rules.name, other(rules)) for rules in model.app_queues)]:
        outcomes = []
        for seed in seeds:
            told(f"{name}: seed {seed}")
            outcomes.append(run(drawn[seed]))
        yield summarise(name, model, outcomes)
