"""Findings and the choices of the leak detector over REST: who may what, and of whom."""

from typing import Any

import pytest

from audit.models import LeakageLog, LeakFeedback
from delegation.models import Agent
from security.leak_models import AllowedFinding, Canary, LeakPolicy, RegisteredValue
from security.models import Membership
from tests.delegation import rows
from tests.delegation.api.conftest import Api, submitted
from tests.people import Cast


@pytest.fixture
def finding(people: Cast, agents: dict[str, Agent]) -> LeakageLog:
    return rows.finding(submitted(people.alice))


@pytest.fixture
def auditor(people: Cast) -> Api:
    Membership.objects.filter(user=people.carol.user).update(role="auditor")
    return Api(people.carol)


def test_an_auditor_reads_and_judges_findings(auditor: Api, finding: LeakageLog) -> None:
    (listed,) = auditor.get("audit/leakages").json()["results"]
    assert (listed["finding_id"], listed["feedback"]) == (str(finding.id), None)
    said = {"verdict": "false_alarm", "note": "An example."}
    assert auditor.post(f"audit/leakages/{finding.id}/feedback", said).json()["by"] == "carol"
    (listed,) = auditor.get("audit/leakages").json()["results"]
    assert listed["feedback"]["verdict"] == "false_alarm"


def test_findings_are_narrowed(alice: Api, finding: LeakageLog) -> None:
    def listed(**query: str) -> int:
        return len(alice.get("audit/leakages", query).json()["results"])

    assert listed(severity="high", action_taken="blocked", task_id=str(finding.task_id), agent="copywriter") == 1
    assert listed(severity="info") == 0
    assert listed(detection_type="pii_leak") == 0
    assert listed(created_after="2999-01-01") == 0
    assert listed(created_before="2999-01-01T00:00:00Z") == 1
    for wrong in ({"severity": "bad"}, {"task_id": "1"}, {"created_after": "soon"}, {"agent": "a\0"}):
        assert alice.get("audit/leakages", wrong).json()["error"] == "VALIDATION_ERROR"


def test_another_customer_sees_nothing_of_it(zoe: Api, finding: LeakageLog, people: Cast) -> None:
    canary = Canary.objects.create(customer_id="techcorp", planted="here")
    assert zoe.get("audit/leakages").json()["results"] == []
    assert zoe.get("leak-canaries").json()["results"] == []
    assert zoe.post(f"audit/leakages/{finding.id}/feedback", {"verdict": "confirmed"}).status_code == 404
    assert zoe.delete(f"leak-canaries/{canary.id}").status_code == 404
    assert zoe.delete(f"leak-values/{canary.id}").status_code == 404
    assert zoe.post(f"leak-allowances/{canary.id}/end").status_code == 404
    assert not LeakFeedback.objects.exists()
    assert Canary.objects.exists()


ASKED: list[tuple[str, str, Any, str]] = [
    ("get", "audit/leakages", None, "owner auditor"),
    ("get", "leak-policy", None, "owner auditor"),
    ("patch", "leak-policy", {"kinds": {}}, "owner"),
    ("get", "leak-canaries", None, "owner"),
    ("post", "leak-canaries", {"planted": "here"}, "owner"),
    ("get", "leak-values", None, "owner"),
    ("post", "leak-values", {"values": ["Project Bluebird"], "label": "x"}, "owner"),
    ("get", "leak-allowances", None, "owner auditor"),
    ("post", "leak-allowances", {"kind": "email", "reason": "x", "days": 1}, "owner auditor"),
]


@pytest.mark.parametrize(("method", "path", "body", "roles"), ASKED)
@pytest.mark.parametrize("role", ["owner", "operator", "approver", "auditor", "viewer"])
def test_a_role_may_what_it_may(*, people: Cast, method: str, path: str, body: Any, roles: str, role: str) -> None:
    Membership.objects.filter(user=people.carol.user).update(role=role)
    send = getattr(Api(people.carol), method)
    status = (send(path, body) if body else send(path)).status_code
    assert (status < 300) == (role in roles.split())
    assert status in (200, 201, 403)


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("leak-policy", {"actions": {"unauthorized_access": {"high": "flagged"}}}),
        ("leak-policy", {"actions": {"credential_leak": {"critical": "redacted"}}}),
        ("leak-policy", {"actions": {"nonsense": {"high": "blocked"}}}),
        ("leak-policy", {"actions": {"pii_leak": {"high": 7}}}),
        ("leak-policy", {"actions": {"pii_leak": "blocked"}}),
        ("leak-policy", {"actions": []}),
        ("leak-policy", {"kinds": {"tenant_canary": "allowed"}}),
        ("leak-policy", {"kinds": {"email": {}}}),
        ("leak-policy", {"kinds": {"em\0ail": "allowed"}}),
        ("leak-values", {"values": [], "label": "x"}),
        ("leak-values", {"values": ["Project Bluebird", "x"], "label": "x"}),
        ("leak-values", {"values": ["Project Bluebird"], "label": " "}),
        ("leak-values", {"values": [7], "label": "x"}),
        ("leak-canaries", {"planted": ""}),
        ("leak-canaries", {"planted": "a\0"}),
        ("leak-allowances", {"kind": "tenant_name", "reason": "x", "days": 1}),
        ("leak-allowances", {"reason": "x", "days": 1}),
        ("leak-allowances", {"kind": "email", "reason": "x", "days": 367}),
        ("leak-allowances", {"kind": "email", "reason": "", "days": 1}),
        ("leak-allowances", {"kind": "email", "reason": "x", "days": 1, "fingerprint": "zz"}),
    ],
)
def test_what_makes_no_sense_is_refused_and_nothing_kept(alice: Api, path: str, body: dict[str, Any]) -> None:
    answered = (alice.patch if path == "leak-policy" else alice.post)(path, body)
    assert answered.status_code == 400, answered.content
    assert answered.json()["error"] == "VALIDATION_ERROR"
    assert "luebird" not in answered.content.decode()
    for model in (LeakPolicy, RegisteredValue, Canary, AllowedFinding):
        assert not model._default_manager.exists()


def test_a_part_of_the_policy_is_changed_and_the_other_kept(alice: Api) -> None:
    alice.patch("leak-policy", {"kinds": {"email": "redacted"}})
    policy = alice.patch("leak-policy", {"actions": {"pii_leak": {"warning": "redacted"}}}).json()
    assert policy["kinds"] == {"email": "redacted"}
    assert policy["in_force"]["pii_leak"] == {
        "info": "allowed", "warning": "redacted", "high": "redacted", "critical": "blocked",
    }  # fmt: skip
    assert alice.get("leak-policy").json() == policy
