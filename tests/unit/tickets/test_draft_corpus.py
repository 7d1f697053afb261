"""The aims of drafts, measured on the corpus. Of the held-out part only numbers are ever shown or asserted."""

from __future__ import annotations

import pytest

from tests.corpus import report

# (field, at least on the train part, at least on the held-out part)
AIMS = [
    ("region", 0.97, 0.97),
    ("kind", 0.96, 0.92),
    ("lawful_channel", 0.98, 0.95),
    ("phone", 1.0, 1.0),
    ("handling", 0.95, 0.92),
    ("amounts", 0.98, 0.94),
    ("language", 1.0, 1.0),
    ("secret", 0.98, 0.96),
    ("repeat", 0.98, 0.96),
    ("surname", 0.95, 0.87),
    ("catalogue", 0.90, 0.60),
    ("address", 0.75, 0.75),
]


@pytest.fixture(scope="module")
def train() -> report.Score:
    return report.measure(report.TRAIN)


@pytest.fixture(scope="module")
def held_out() -> report.Score:
    score = report.measure(report.HELD_OUT)
    score.misses.clear()  # a failing test must not print them
    return score


@pytest.mark.parametrize(("field", "least", "_"), AIMS, ids=[aim[0] for aim in AIMS])
def test_the_train_part_reaches_its_aims(train: report.Score, field: str, least: float, _: float) -> None:
    assert train.share(field) >= least


@pytest.mark.parametrize(("field", "_", "least"), AIMS, ids=[aim[0] for aim in AIMS])
def test_the_held_out_part_reaches_its_aims(held_out: report.Score, field: str, _: float, least: float) -> None:
    assert held_out.share(field) >= least


def test_every_emergency_of_the_train_part_is_heard_and_nothing_else(train: report.Score) -> None:
    assert (train.emergencies_heard, train.emergencies_right) == (train.emergencies, train.emergencies)
    assert train.false_alarm_share <= 0.02


def test_emergencies_of_the_held_out_part(held_out: report.Score) -> None:
    """The aim is all of them; seven of eight are heard (see docs/tickets.md)."""
    assert held_out.emergencies_heard / held_out.emergencies >= 0.87
    assert held_out.false_alarm_share <= 0.02
