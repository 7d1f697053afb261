"""The short version of `make chaos`: twenty failures, each kind at least once. See docs/chaos.md."""

import pytest

from tests.chaos.run import Run

pytestmark = [pytest.mark.integration, pytest.mark.timeout(600)]


async def test_one_of_twenty_failures_costs_somebody_a_talk_a_rank_a_recording_or_the_line(tmp_path):
    run = Run(tmp_path, seed=5, calls=14, seats=8, pace=0.25)
    report = await run.run(20)
    print(report.callers(), report.text(), sep="\n")
    assert not report.problems, report.text()
