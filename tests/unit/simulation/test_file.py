"""The file: what may be in it, and every fault with its place."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from service.cli_simulate import load_model
from service.errors import ConfigError
from simulation import ModelError, draw, parse_model

SHIPPED = sorted((Path(__file__).resolve().parents[3] / "config" / "simulation").glob("*.yaml"))
SMALL = """\
name: small
arrivals: {per_hour: 60, storms: [{at: "00:30", hours: 0.5, factor: 3}]}
hours: 1
talk: {exponential: 120}
patience: never
classes:
  - {name: a, share: 3, steps: [{skills: {x: 2}, seconds: 5}, {}]}
  - {name: b, share: 1, patience: {exponential: 60}}
shifts: {day: "00:00-12:00"}
seats:
  - {name: one, skills: {x: 3}, count: 2}
  - {name: two, staff: {day: 4}}
app_queue:
  - name: usual
    queues:
      a: {classes: [a, b], members: [{}]}
"""


def data(**changed: Any) -> dict[str, Any]:
    """The small file, some keys changed."""
    return yaml.safe_load(SMALL) | changed  # type: ignore[no-any-return]


@pytest.mark.parametrize("path", SHIPPED, ids=lambda p: p.name)
def test_what_ships_is_good(path: Path) -> None:
    assert load_model(path).classes


def test_a_file_becomes_a_model() -> None:
    model = parse_model(data())
    assert [r.per_second * 3600 for r in model.rates[:3]] == [60.0, 180.0, 60.0]
    assert [c.share for c in model.classes] == [3, 1]
    assert [s.seconds for s in model.classes[0].demand.circles()] == [5, None]
    assert [(g.name, g.count, g.shifts) for g in model.seats] == [("one", 2, ()), ("two day", 4, ((0.0, 43200.0),))]
    assert model.classes[1].patience is not None
    assert model.duration == 3600.0


def test_per_day_scales_the_profile_and_storms_come_on_top() -> None:
    hours = [1.0] * 12 + [3.0] * 12
    model = parse_model(data(arrivals={"per_hour": hours, "per_day": 4800}, hours=24))
    assert sum(r.per_second * (r.end - r.begin) for r in model.rates) == pytest.approx(4800)
    n = len(draw(model, 1))
    assert abs(n - 4800) < 4 * 4800**0.5


@pytest.mark.parametrize(
    ("old", "new", "line", "said"),
    [
        ("share: 3", "share: -3", 7, "classes.0.share: Input should be greater than 0"),
        ("hours: 1\n", "huors: 1\n", 3, "huors: no such key"),
        ("{exponential: 120}", "{exponential: 120, constant: 3}", 4, "talk: exactly one of constant"),
        ("patience: never", "patience: forever", 5, "patience"),
        ('"00:00-12:00"', "day", 9, "shifts.day: a shift in quotes is wanted"),
        ('"00:30"', "18:00", 2, "arrivals.storms.0.at: a time of day in quotes"),
        ("staff: {day: 4}", "staff: {night: 4}", 12, "seats.1.staff.night: no shift 'night'"),
        (", count: 2", "", 11, "seats.0: either count"),
        ("classes: [a, b]", "classes: [a, c]", 16, "app_queue.0.queues.a.classes: no class 'c'"),
        ("classes: [a, b]", "classes: [a]", 15, "app_queue.0.queues: the class 'b' is in no queue"),
        ("seconds: 5}, {}]", "seconds: 5}, {skills: {y: 1}}]", 0, ""),
        ("seconds: 5}, {}]", "seconds: 5}]", 0, ""),
        ("{skills: {x: 2}, seconds: 5}, {}]", "{skills: {y: 2}}]", 7, "classes.0: no seat can ever serve 'a'"),
        ("{x: 2}, seconds: 5}", "{x: 2}}", 7, "classes.0.steps.0: seconds are wanted for every step but the last"),
        ("name: b", "name: a", 8, "classes.1.name: the class 'a' is there twice"),
    ],
)
def test_faults_are_told_with_file_line_and_reason(tmp_path: Path, old: str, new: str, line: int, said: str) -> None:
    assert old in SMALL
    path = tmp_path / "model.yaml"
    path.write_text(SMALL.replace(old, new, 1), encoding="utf-8")
    if not said:
        load_model(path)
        return
    with pytest.raises(ConfigError) as caught:
        load_model(path)
    first = str(caught.value).splitlines()[0]
    assert first.startswith(f"{path}:{line}: {said}"), first


def test_no_mapping_is_a_fault_too() -> None:
    with pytest.raises(ModelError, match="must be a mapping"):
        parse_model(["a"])


def test_all_faults_are_told_at_once() -> None:
    with pytest.raises(ModelError) as caught:
        parse_model(data(hours=-1, talk={"constant": -1}))
    assert len(caught.value.faults) == 2
    assert re.search(r"hours: .*; talk\.constant: ", str(caught.value))


def test_a_route_is_made_steps_of_by_the_hotline_s_own_rules(tmp_path: Path) -> None:
    path = tmp_path / "model.yaml"
    route = "route: {dialled: '12345', skills: {social-security: 3}}"
    text = SMALL.replace("steps: [{skills: {x: 2}, seconds: 5}, {}]", route).replace("{x: 3}", "{putonghua: 3}")
    path.write_text(text.replace("count: 2", 'count: 2, centre: "330000"'), encoding="utf-8")
    demand = load_model(path).classes[0].demand
    assert demand.circles()[0].skills == (("social-security", 3),)
    assert len(demand.circles()) > 1


def test_a_route_without_the_hotline_s_rules_is_a_fault() -> None:
    with pytest.raises(ModelError, match=r"classes\.0\.route: the hotline's own rules are needed"):
        parse_model(data(classes=[{"name": "a", "share": 1, "route": {"dialled": "12345"}}], app_queue=[]))


def test_a_route_beside_steps_is_a_fault() -> None:
    with pytest.raises(ModelError, match="a route makes the steps itself"):
        parse_model(data(classes=[{"name": "a", "share": 1, "skills": {"x": 1}, "route": {"dialled": "12345"}}]))
