"""What a customer's auditors let pass, and what nobody can."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from security.leakage import FLOORS, Action, Allowed, DetectionType, Finding, Policy, Severity, allow_list
from security.leakage import value_fingerprint as fingerprint

NOW = datetime(2026, 11, 22, 9, tzinfo=UTC)
KEY = b"a key of the tests"
TEXT = "Ask press@bluewave.it about it."


def finding(kind: str = "email", *, of: DetectionType = DetectionType.PERSONAL, severity: str = "warning") -> Finding:
    return Finding(of, kind, Severity(severity), 0.9, 4, 21)


def entry(*, kind: str = "email", value: str = "", seconds: float = 60) -> Allowed:
    marked = fingerprint(value, KEY) if value else ""
    return Allowed(id=f"{kind}-{seconds}", kind=kind, fingerprint=marked, expires_at=NOW + timedelta(seconds=seconds))


@pytest.mark.parametrize(
    ("given", "found", "allowed"),
    [
        (entry(value="press@bluewave.it"), finding(), True),
        (entry(value=" PRESS@bluewave.it "), finding(), True),
        (entry(kind="", value="press@bluewave.it"), finding(), True),
        (entry(kind="password", value="press@bluewave.it"), finding(), False),
        (entry(value="other@bluewave.it"), finding(), False),
        (entry(), finding(), True),
        (entry(), finding("password"), False),
        (entry(seconds=0), finding(), False),
        (entry(value="press@bluewave.it", seconds=-1), finding(), False),
    ],
)
def test_an_entry_lets_pass_what_it_names_until_it_expires(*, given: Allowed, found: Finding, allowed: bool) -> None:
    assert (allow_list([given], key=KEY).entry(TEXT, found, at=NOW) is not None) == allowed


def test_of_two_entries_for_one_thing_the_longer_counts() -> None:
    both = allow_list([entry(seconds=60), entry(seconds=10)], key=KEY)
    found = both.entry(TEXT, finding(), at=NOW + timedelta(seconds=30))
    assert found is not None
    assert found.id == "email-60"


@pytest.mark.parametrize("severity", [*Severity])
def test_another_customers_data_is_never_let_pass(severity: Severity) -> None:
    everything = allow_list([entry(kind="tenant_name"), entry(kind="", value="press@bluewave.it")], key=KEY)
    found = finding("tenant_name", of=DetectionType.TENANT, severity=severity)
    assert everything.entry(TEXT, found, at=NOW) is None


def test_a_critical_credential_passes_by_its_value_alone() -> None:
    found = finding("aws", of=DetectionType.CREDENTIAL, severity="critical")
    assert allow_list([entry(kind="aws")], key=KEY).entry(TEXT, found, at=NOW) is None
    assert allow_list([entry(kind="aws", value="press@bluewave.it")], key=KEY).entry(TEXT, found, at=NOW) is not None


@pytest.mark.parametrize("case", FLOORS)
def test_no_choice_is_milder_than_the_floor(case: tuple[DetectionType, Severity]) -> None:
    weak = Policy(actions=dict.fromkeys(FLOORS, Action.ALLOWED), kinds={"any": Action.ALLOWED})
    found = Finding(case[0], "any", case[1], 1.0, 0, 1)
    assert weak.action(found) is FLOORS[case]
    assert weak.verdict([found]) is FLOORS[case]
