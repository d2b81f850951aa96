"""Each sample of the demo, driven over real HTTP, comes to what it says of itself."""

from collections.abc import Callable

import pytest

from examples.samples import SAMPLES, Sample
from examples.team import roster
from tests.examples.delegation import Run


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample["title"])
def test_it_comes_to_what_the_sample_expects(sample: Sample, drive: Callable[[Sample], tuple[Run, str]]) -> None:
    run, result = drive(sample)

    assert run.actions == sample["expected"]["actions"]
    assert run.depth == sample["expected"]["depth"]
    assert [part for part in sample["expected"]["result_contains"] if part not in result] == []
    assert bool(run.approvals) == (sample["answers"]["approval"] is not None)


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample["title"])
def test_every_decision_tells_its_reason_its_confidence_and_its_usage(
    sample: Sample, drive: Callable[[Sample], tuple[Run, str]]
) -> None:
    run, _ = drive(sample)

    for decision in run.decisions:
        assert 0 < decision["confidence"] < 1
        assert decision["reason"]
        assert decision["usage"]["input_tokens"] >= 1
        assert decision["usage"]["output_tokens"] >= 1
        assert decision["usage"]["cost_usd"] > 0


def test_the_samples_show_everything_the_platform_can_do() -> None:
    actions = {action for sample in SAMPLES for action in sample["expected"]["actions"]}
    assert actions == {"handle", "delegate", "parallel", "ask_clarification"}
    assert {sample["customer"] for sample in SAMPLES} == {"techcorp", "acmecorp"}
    assert max(sample["expected"]["depth"] for sample in SAMPLES) == 4
    assert any(sample["answers"]["approval"] for sample in SAMPLES)
    assert any(sample["expected"]["error"] == "LEAKAGE_DETECTED" for sample in SAMPLES)
    assert any(sample.get("late") for sample in SAMPLES)


def test_both_teams_have_at_least_five_agents_of_several_ranks() -> None:
    for customer in ("techcorp", "acmecorp"):
        entries = roster(customer)
        assert len({entry["agent_type"] for entry in entries}) == len(entries) >= 5
        assert len({entry["seniority"] for entry in entries}) >= 4
        assert any(entry["requires_approval"] for entry in entries)
