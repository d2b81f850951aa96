"""Every rule finds its examples and leaves its counter-examples alone."""

from __future__ import annotations

import pytest

from security.leakage import Detector, Finding, Severity
from security.leakage.rulebook import Rule, load_rules
from security.leakage.tokens import prepare
from tests.security.leakage.samples import fill

RULES = load_rules()
EXAMPLES = [
    pytest.param(rule, template, id=f"{rule.id}-{i}") for rule in RULES for i, template in enumerate(rule.examples)
]
REJECTS = [
    pytest.param(rule, template, id=f"{rule.id}-{i}") for rule in RULES for i, template in enumerate(rule.rejects)
]


def alarms(findings: list[Finding]) -> list[Finding]:
    return [found for found in findings if found.severity is not Severity.INFO]


def test_it_knows_at_least_200_providers() -> None:
    assert len({rule.provider for rule in RULES}) >= 200


def test_each_rule_has_its_own_id_and_both_kinds_of_examples() -> None:
    assert len({rule.id for rule in RULES}) == len(RULES)
    assert all(rule.examples and rule.rejects for rule in RULES)


@pytest.mark.parametrize(("rule", "template"), EXAMPLES)
def test_it_finds_the_whole_value_of_each_example(detector: Detector, rule: Rule, template: str) -> None:
    text = fill(template)
    value = next(match for match in prepare(rule).regex.finditer(text.encode()))
    start, end = value.span()
    assert any(found.start <= start and end <= found.end for found in alarms(detector.scan(text))), text


@pytest.mark.parametrize(("rule", "template"), REJECTS)
def test_it_leaves_each_counter_example_alone(detector: Detector, rule: Rule, template: str) -> None:
    kinds = {found.kind for found in alarms(detector.scan(fill(template)))}
    assert rule.id not in kinds
