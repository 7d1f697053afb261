"""The shipped day: the same seats and callers under our rules and under app_queue's."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from service.cli_simulate import load_model
from simulation import Result, comparison

DAY = Path(__file__).resolve().parents[3] / "config" / "simulation" / "hangzhou-day.yaml"


@pytest.fixture(scope="module")
def results() -> dict[str, Result]:
    model = load_model(DAY)
    model = replace(model, app_queues=model.app_queues[:2])
    return {r.name.rsplit(" ", 1)[-1]: r for r in comparison(model, [1])}


def test_a_third_fewer_wait_beyond_15_s_than_under_longest_idle(results: dict[str, Result]) -> None:
    assert results["ours"].total.arrivals == results["leastrecent"].total.arrivals > 25_000
    assert results["ours"].total.beyond <= 2 / 3 * results["leastrecent"].total.beyond


def test_a_third_fewer_wait_beyond_15_s_than_under_ring_all_with_the_surge_mode(results: dict[str, Result]) -> None:
    assert results["mode"].total.beyond <= 2 / 3 * results["ringall"].total.beyond
    assert 0 < results["mode"].surge < 3 * 3600, "the surge is over when the storm is"


def test_in_every_hour_but_the_storm_s_nine_of_ten_are_answered_in_15_s(results: dict[str, Result]) -> None:
    for row in results["ours"].hours:
        assert row.share >= 0.90 or row.name == "18:00", row
