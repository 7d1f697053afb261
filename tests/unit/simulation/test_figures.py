"""Draws, figures, pictures, history, and the command."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from matplotlib import font_manager
from typer.testing import CliRunner

import tickets
from service import cli
from service.errors import ServiceError
from simulation import (
    HistoryError,
    PastCall,
    PictureError,
    comparison,
    draw,
    draw_comparison,
    model_of_history,
    parse_model,
    run_ours,
    simulate,
    summarise,
)
from simulation._law import Law, constant, exponential, lognormal
from simulation._model import Rate, SeatGroup
from simulation.testing import callers, model, one_queue

COUNTY = Path(__file__).resolve().parents[3] / "config" / "simulation" / "county.yaml"


# ---------------------------------------------------------------------- draws
def test_the_same_seed_gives_the_same_callers_and_another_one_others() -> None:
    world = model(rates=(Rate(0.0, 3600.0, 0.1),))
    assert draw(world, 7) == draw(world, 7)
    assert draw(world, 7) != draw(world, 8)


def test_changing_one_law_leaves_the_other_draws_as_they_were() -> None:
    world = model(rates=(Rate(0.0, 3600.0, 0.1),), talk=exponential(100.0), patience=exponential(60.0))
    one, other = draw(world, 7), draw(replace(world, patience=exponential(90.0)), 7)
    assert (one.at, one.talk, one.answer) == (other.at, other.talk, other.answer)
    assert one.patience != other.patience


@pytest.mark.parametrize("law", [exponential(40.0), lognormal(40.0, 0.7), constant(40.0)])
def test_a_law_draws_what_its_mean_and_quantiles_say(law: Law) -> None:
    values = np.sort(law.draw(np.random.default_rng(1), 40_000))
    assert values.mean() == pytest.approx(40.0, rel=0.02)
    for u in (0.1, 0.5, 0.9):
        assert values[int(u * len(values))] == pytest.approx(law.quantile(u), rel=0.03)


def test_arrivals_follow_the_rate_of_their_hour() -> None:
    world = model(rates=(Rate(0.0, 3600.0, 0.1), Rate(3600.0, 7200.0, 0.4)), duration=7200.0)
    at = np.asarray(draw(world, 2).at)
    assert abs((at < 3600).sum() - 360) < 4 * 360**0.5
    assert abs((at >= 3600).sum() - 1440) < 4 * 1440**0.5
    assert (np.diff(at) >= 0).all()


# ---------------------------------------------------------------------- figures
def test_numerators_and_denominators_are_counted_by_hand() -> None:
    world = model(seats=(SeatGroup("s", 1, {}),), threshold=15.0)
    # At once; 10 s late; gives up after 5 s; gives up after 30 s; answered after 170 s.
    out = run_ours(world, callers(0.0, 90.0, 91.0, 92.0, 130.0, patience=[math.inf, math.inf, 5.0, 30.0, math.inf]))
    total = summarise("x", world, [out]).total
    assert (total.arrivals, total.answered, total.abandoned, total.within, total.beyond) == (5, 3, 2, 2, 2)
    assert total.share == pytest.approx(2 / 5)
    assert total.mean == pytest.approx((0 + 10 + 70) / 3)


def test_occupancy_is_busy_time_over_time_on_duty() -> None:
    world = model(seats=(SeatGroup("s", 2, {}, shifts=((0.0, 1800.0),)),), duration=3600.0)
    result = summarise("x", world, [run_ours(world, callers(0.0, 500.0, 1000.0))])
    assert result.hours[0].occupancy == pytest.approx((100 / 1800, 300 / 3600, 200 / 1800))
    assert result.hours[0].on_duty == pytest.approx(1.0)


def test_the_first_wish_is_met_by_seats_of_the_first_step() -> None:
    data = {
        "name": "x", "arrivals": {"per_hour": 60}, "hours": 1, "talk": {"constant": 100},
        "classes": [{"name": "a", "share": 1, "steps": [{"skills": {"x": 1}, "seconds": 5}, {}]}],
        "seats": [{"name": "x", "count": 1, "skills": {"x": 1}}, {"name": "y", "count": 1}],
    }  # fmt: skip
    world = parse_model(data)
    drawn = callers(0.0, 1.0)
    assert summarise("x", world, [run_ours(world, drawn)]).total.fit == 0.5


def test_a_result_is_plain_json_and_says_how_the_clock_runs() -> None:
    world = model(app_queues=(one_queue(),), rates=(Rate(0.0, 3600.0, 0.02),))
    results = list(comparison(world, [1, 2]))
    told = json.loads(json.dumps([r.json() for r in results]))
    assert [r["runs"] for r in told] == [2, 2]
    assert "from entering the queue until a human answers" in told[0]["clock"]
    assert told[0]["denominator"] == "all who entered the queue"
    assert told[0]["total"]["arrivals"] == told[1]["total"]["arrivals"] == sum(h["arrivals"] for h in told[0]["hours"])


# ---------------------------------------------------------------------- pictures
@pytest.mark.parametrize("chinese", [True, False])
def test_a_picture_is_a_png_with_or_without_a_chinese_font(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, chinese: bool
) -> None:
    if not chinese:
        latin = [f for f in font_manager.fontManager.ttflist if "CJK" not in f.name]
        monkeypatch.setattr(font_manager.fontManager, "ttflist", latin)
    world = model(rates=(Rate(0.0, 3600.0, 0.05),), duration=7200.0)
    path = tmp_path / "deep" / "picture.png"
    draw_comparison([simulate(world, [1])], path, "杭州 / Hangzhou")
    assert path.read_bytes().startswith(b"\x89PNG\r\n")
    assert path.stat().st_size > 20_000


def test_a_picture_that_cannot_be_written_says_where(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(PictureError, match=r"file/picture\.png: the picture cannot be written"):
        draw_comparison([simulate(model(), [1])], tmp_path / "file" / "picture.png", "x")


# ---------------------------------------------------------------------- history
def past(n: int, every: float, talk: float, gone: int = 0) -> list[PastCall]:
    """Calls from 08:00 of 1 January 1970 in Shanghai on; the last `gone` of them gave up after 30 s."""
    calls = [PastCall(i * every, i * every + 4.0, i * every + 4.0 + talk, f"80{i % 3}") for i in range(n - gone)]
    return calls + [PastCall((n - gone + i) * every, None, (n - gone + i) * every + 30.0) for i in range(gone)]


def test_history_becomes_arrivals_talk_patience_and_seats() -> None:
    world, found = model_of_history(past(240, 30.0, 90.0, gone=24), offset=8 * 3600.0)
    hours = [r.per_second * 3600 for r in world.rates]
    assert hours[8:11] == [pytest.approx(120.0), pytest.approx(120.0), 0.0]
    assert world.talk.average() == pytest.approx(90.0)
    assert world.patience.mean == pytest.approx((216 * 4.0 + 24 * 30.0) / 24)
    assert sum(g.count for g in world.seats) == 3
    assert world.seats[0].shifts == ((8 * 3600.0, 10 * 3600.0),)
    assert found[0] == "240 calls on 1 day(s), 240 a day"
    assert simulate(world, [1]).total.arrivals > 0


def test_too_little_history_is_said() -> None:
    with pytest.raises(HistoryError, match="3 finished calls"):
        model_of_history(past(3, 30.0, 90.0), offset=0.0)


# ---------------------------------------------------------------------- the command
def test_the_command_shows_the_hours_and_writes_the_picture(tmp_path: Path) -> None:
    done = CliRunner().invoke(cli.app, ["simulate", str(COUNTY), "--seed", "3", "--png", str(tmp_path / "x.png")])
    assert done.exit_code == 0, done.output
    assert "区县中心" in done.output
    assert "all who entered the queue" in " ".join(done.output.split())
    assert (tmp_path / "x.png").exists()


def test_the_command_gives_json(tmp_path: Path) -> None:
    done = CliRunner().invoke(cli.app, ["simulate", str(COUNTY), "--json", "--replications", "2"])
    told = json.loads(done.stdout)
    assert told[0]["runs"] == 2
    assert len(told[0]["hours"]) == 10


def test_the_command_reads_the_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import asyncio

    async def fill() -> None:
        store = tickets.Store(f"sqlite:///{tmp_path / 'hotline.db'}")
        await store.migrate()
        for i, call in enumerate(past(50, 60.0, 90.0, gone=5)):
            await store.put_call(tickets.CallRecord(
                f"1.{i}", call.arrived - 5, call.arrived + 500, state="ended", joined_at=call.joined,
                ended_at=call.ended, seat=call.seat, timeline=({"at": call.arrived, "what": "waiting", "detail": {}},),
            ))  # fmt: skip
        await store.close()

    asyncio.run(fill())
    monkeypatch.setenv("HOTLINE_VAR_DIR", str(tmp_path))
    done = CliRunner().invoke(cli.app, ["simulate", "--history", "--json"])
    assert done.exit_code == 0, done.output
    assert "50 calls on 1 day(s)" in done.stderr
    assert json.loads(done.stdout)[0]["total"]["arrivals"] > 20


def test_the_command_without_a_store_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOTLINE_VAR_DIR", str(tmp_path))
    done = CliRunner().invoke(cli.app, ["simulate", "--history"])
    assert isinstance(done.exception, ServiceError)
    assert "there are no calls yet" in str(done.exception)


def test_a_file_or_history_not_both_and_not_neither() -> None:
    for wrong in (["simulate"], ["simulate", str(COUNTY), "--history"]):
        assert "either a FILE or --history" in str(CliRunner().invoke(cli.app, wrong).exception)
