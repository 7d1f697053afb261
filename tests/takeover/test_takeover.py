"""A short run of the harness. The long one: python -m tests.takeover --rounds 500 --seed 1"""

import pytest

from tests.conftest import ROOTFS, free_port

from .harness import Harness

pytestmark = pytest.mark.integration
SHORT = {"kill": 3, "kill in the act": 4, "stop": 2, "hand over": 2, "blink": 1}


async def test_whatever_dies_no_caller_is_lost_no_seat_offered_twice_and_no_rank_lost(tmp_path):
    harness = Harness(ROOTFS, tmp_path / "takeover", free_port(), 12345, print, SHORT, 2)
    report = await harness.run(9)
    assert report.problems == []
    assert report.served > 0
    assert len({r.hit for r in report.rounds}) > 2
