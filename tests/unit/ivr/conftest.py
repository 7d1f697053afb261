"""Flows from short texts, with the prompts that ship."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

import ivr

ROOT = Path(__file__).parents[3]
CONFIG = ROOT / "config"
MakeFlow = Callable[[str], ivr.Flow]


@pytest.fixture(scope="session")
def prompts() -> ivr.PromptLibrary:
    return ivr.load_prompts(CONFIG / "prompts/prompts.yaml")


@pytest.fixture(scope="session")
def book(prompts: ivr.PromptLibrary) -> ivr.FlowBook:
    return ivr.load_book(CONFIG / "flows", prompts)


@pytest.fixture(scope="session")
def make(prompts: ivr.PromptLibrary) -> MakeFlow:
    """A flow from its nodes: `human` is there already, the first node is the start."""

    def flow(nodes: str) -> ivr.Flow:
        start = nodes.strip().split(":")[0]
        lines = "\n".join(f"  {line}" for line in nodes.strip("\n").splitlines())
        text = f"flow: t\nstart: {start}\nhuman: human\nnodes:\n  human: {{route: {{}}}}\n{lines}\n"
        return ivr.parse_flow(text.encode(), prompts, name="t")

    return flow
