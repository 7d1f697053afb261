"""Long runs use another seed each time, and say which."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.fuzz import hostile


def pytest_report_header() -> str:
    how = f"long, FUZZ_SEED={hostile.SEED}" if hostile.LONG else "short, always the same"
    return f"fuzzing: {how}"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """In long runs each test begins from the run's seed, and may take its time."""
    if not hostile.LONG:
        return
    from hypothesis import seed

    for item in items:
        if "tests/fuzz" not in str(item.path).replace("\\", "/"):
            continue
        item.add_marker(pytest.mark.timeout(3600))
        function = getattr(item, "function", None)
        if function is not None and hasattr(function, "hypothesis"):
            seed(hostile.SEED)(function)


@pytest.fixture(autouse=True)
def _no_task_dies_unseen(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """asyncio logs the exceptions that nobody took: here they are faults."""
    yield
    unseen = [r for r in caplog.records if r.name == "asyncio" and r.levelname == "ERROR"]
    assert not unseen, [r.getMessage() for r in unseen]
