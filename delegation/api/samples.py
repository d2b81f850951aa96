"""The examples that the schema shows: one task of a marketing team, seen at each address."""

from typing import Any

TASK_ID = "0199a1b2-0000-7000-8000-000000000001"
HOP_ID = "0199a1b2-0000-7000-8000-000000000011"
CHILD_ID = "0199a1b2-0000-7000-8000-000000000012"
QUESTION_ID = "0199a1b2-0000-7000-8000-000000000021"
AGENT_ID = "0199a1b2-0000-7000-8000-000000000031"

MESSAGE = "Write a launch post for our new espresso machine."
RESULT = "Meet the machine that pulls a perfect shot in 25 seconds."

Sample = dict[str, Any]

TASK_REQUEST: Sample = {
    "message": MESSAGE,
    "agent": "marketing-manager",
    "priority": "high",
    "start": True,
    "metadata": {"campaign": "autumn"},
}

TASK: Sample = {
    "task_id": TASK_ID,
    "customer_id": "techcorp",
    "status": "completed",
    "message": MESSAGE,
    "agent": "marketing-manager",
    "priority": "high",
    "metadata": {"campaign": "autumn"},
    "result": RESULT,
    "error": None,
    "created_at": "2026-11-22T09:00:00.000000Z",
    "started_at": "2026-11-22T09:00:00.004000Z",
    "completed_at": "2026-11-22T09:00:03.200000Z",
    "deadline_at": "2026-11-23T09:00:00.000000Z",
    "hop_count": 2,
    "depth_reached": 1,
    "open_questions": 0,
    "input_tokens": 420,
    "output_tokens": 180,
    "cost_usd": 0.0042,
    "budget": {
        "tokens": {"allowed": 20_000, "used": 600, "left": 19_400},
        "cost_usd": None,
    },
    "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
}

SUBMITTED_TASK: Sample = TASK | {
    "status": "submitted",
    "result": None,
    "started_at": None,
    "completed_at": None,
    "hop_count": 0,
    "depth_reached": 0,
    "input_tokens": 0,
    "output_tokens": 0,
    "cost_usd": 0.0,
    "budget": None,
}
WORKING_TASK: Sample = SUBMITTED_TASK | {"status": "working", "started_at": "2026-11-22T09:00:00.004000Z"}
CANCELED_TASK: Sample = SUBMITTED_TASK | {"status": "canceled", "completed_at": "2026-11-22T09:00:01.000000Z"}

TASK_CONTEXT: Sample = {
    "message": MESSAGE,
    "agent": "marketing-manager",
    "priority": "high",
    "status": "input_required",
    "hop_count": 2,
    "cost_usd": 0.0012,
    "created_at": "2026-11-22T09:00:00.000000Z",
}

_BARE_APPROVAL: Sample = {
    "approval_id": QUESTION_ID,
    "task_id": TASK_ID,
    "delegation_id": CHILD_ID,
    "status": "open",
    "agent_from": "marketing-manager",
    "agent_to": "copywriter",
    "reason": "The post needs a copywriter's hand.",
    "confidence": 0.8,
    "instruction": "Write the launch post, 120 words.",
    "path": ["marketing-manager", "copywriter"],
    "rule": "copywriter requires approval",
    "decider": None,
    "escalates_at": None,
    "call_digest": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "required": 1,
    "granted": 0,
    "created_at": "2026-11-22T09:00:01.000000Z",
    "expires_at": "2026-11-23T09:00:01.000000Z",
    "resolved_at": None,
}
APPROVAL: Sample = _BARE_APPROVAL | {"task": TASK_CONTEXT}
APPROVED: Sample = APPROVAL | {"status": "approved", "granted": 1, "resolved_at": "2026-11-22T09:05:00.000000Z"}
REJECTED: Sample = APPROVAL | {"status": "rejected", "resolved_at": "2026-11-22T09:05:00.000000Z"}

CLARIFICATION: Sample = {
    "clarification_id": QUESTION_ID,
    "task_id": TASK_ID,
    "delegation_id": HOP_ID,
    "agent_type": "marketing-manager",
    "question": "Who is the post for?",
    "options": ["Home baristas", "Offices"],
    "status": "open",
    "answer": None,
    "created_at": "2026-11-22T09:00:01.000000Z",
    "expires_at": "2026-11-23T09:00:01.000000Z",
    "resolved_at": None,
    "task": TASK_CONTEXT,
}
ANSWERED: Sample = CLARIFICATION | {
    "status": "answered",
    "answer": "Home baristas",
    "resolved_at": "2026-11-22T09:05:00.000000Z",
}

DELEGATION: Sample = {
    "delegation_id": HOP_ID,
    "task_id": TASK_ID,
    "parent_id": None,
    "resumes_id": None,
    "depth": 0,
    "branch": None,
    "attempt": 1,
    "agent_type": "marketing-manager",
    "agent_ve_id": "ve-001",
    "path": ["marketing-manager"],
    "instruction": MESSAGE,
    "status": "completed",
    "action": "delegate",
    "delegated_to": "copywriter",
    "confidence": 0.8,
    "reason": "The post needs a copywriter's hand.",
    "result_summary": "",
    "error": None,
    "findings": 0,
    "input_tokens": 210,
    "output_tokens": 40,
    "cost_usd": 0.0012,
    "execution_time_seconds": 1.1,
    "created_at": "2026-11-22T09:00:00.000000Z",
    "started_at": "2026-11-22T09:00:00.004000Z",
    "completed_at": "2026-11-22T09:00:01.104000Z",
    "approval": None,
    "clarification": None,
}

EVENT: Sample = {
    "task_id": TASK_ID,
    "seq": 1,
    "type": "task.created",
    "at": "2026-11-22T09:00:00.000000Z",
    "data": {"agent": "marketing-manager", "priority": "high", "message": MESSAGE},
}

AGENT_REQUEST: Sample = {
    "agent_type": "translator",
    "name": "Tara Translator",
    "endpoint_url": "http://127.0.0.1:9001/translator",
    "seniority": "specialist",
    "skills": ["german", "french"],
    "requires_approval": False,
    "enabled": True,
}
AGENT_CHANGE: Sample = {"seniority": "senior", "skills": ["german", "french", "italian"], "requires_approval": True}
AGENT: Sample = AGENT_REQUEST | {
    "agent_id": AGENT_ID,
    "customer_id": "techcorp",
    "ve_id": "ve-007",
    "description": "",
    "is_root": False,
    "restricted": False,
    "in_flight": "finish",
    "disabled_reason": "",
    "timeout_seconds": None,
    "credential_kind": None,
    "credential_set_at": None,
    "calls_per_hour": None,
    "expected_tokens": None,
    "expected_cost_usd": None,
    "max_concurrency": None,
    "card_fetched_at": None,
    "created_at": "2026-11-22T08:00:00.000000Z",
}
AGENT_CHECK: Sample = {
    "reachable": True,
    "card": {"name": "translator", "version": "1.0.0"},
    "error": None,
    "response_time_seconds": 0.012,
}

KEY_REQUEST: Sample = {
    "name": "nightly reports",
    "scopes": ["task_submit", "task_view"],
    "expires_at": "2036-11-22T08:00:00Z",
}
KEY: Sample = KEY_REQUEST | {
    "key_id": "0199a1b2-0000-7000-8000-000000000041",
    "customer_id": "techcorp",
    "prefix": "a2a_Q3x9Zk",
    "username": "alice",
    "created_at": "2026-11-22T08:00:00.000000Z",
    "last_used_at": None,
    "revoked_at": None,
}
NEW_KEY: Sample = KEY | {"api_key": "a2a_Q3x9Zk..."}
REVOKED_KEY: Sample = KEY | {"revoked_at": "2026-11-22T09:00:00.000000Z"}

RULE_REQUEST: Sample = {
    "agent_from": "copywriter",
    "agent_to": "marketing-manager",
    "effect": "allow",
    "reason": "Texts go back for sign-off.",
}
RULE: Sample = RULE_REQUEST | {
    "rule_id": "0199a1b2-0000-7000-8000-000000000051",
    "customer_id": "techcorp",
    "owner": "alice",
    "created_at": "2026-11-22T08:00:00.000000Z",
}
GRANT_REQUEST: Sample = {"agent": "editor", "username": "carol", "may": "invoke"}
GRANT: Sample = GRANT_REQUEST | {
    "grant_id": "0199a1b2-0000-7000-8000-000000000061",
    "customer_id": "techcorp",
    "created_at": "2026-11-22T08:00:00.000000Z",
}
DELETED: Sample = {"deleted": True}

TOKEN_REQUEST: Sample = {"username": "alice", "password": "espresso-in-the-morning"}
REFRESH_REQUEST: Sample = {"refresh": "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJ0b2tlbl90eXBlIjoicmVmcmVzaCJ9.c2ln"}
TOKENS: Sample = {
    "access": "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJ0b2tlbl90eXBlIjoiYWNjZXNzIn0.c2ln",
    "refresh": REFRESH_REQUEST["refresh"],
    "token_type": "Bearer",
    "expires_in": 900,
    "customer_id": "techcorp",
    "username": "alice",
    "role": "owner",
}


LOGOUT: Sample = {"logged_out": True}
DECISION: Sample = {
    "id": "0199a1b2-0000-7000-8000-000000000071",
    "task_id": TASK_ID,
    "customer_id": "techcorp",
    "hop_id": HOP_ID,
    "delegation_depth": 0,
    "agent_type": "marketing-manager",
    "agent_ve_id": "ve-001",
    "decision_action": "delegate",
    "delegated_to_type": "copywriter",
    "confidence_score": 0.8,
    "decision_reason": "The post needs a copywriter's hand.",
    "execution_time_seconds": 1.1,
    "status": "completed",
    "result_summary": "",
    "error_message": "",
    "created_at": "2026-11-22T09:00:00.004000Z",
    "completed_at": "2026-11-22T09:00:01.104000Z",
}
RULING: Sample = {
    "id": "0199a1b2-0000-7000-8000-000000000081",
    "customer_id": "techcorp",
    "task_id": TASK_ID,
    "agent_ve_id": "ve-004",
    "target_agent_type": "marketing-manager",
    "action": "delegate_to",
    "authorized": False,
    "authorization_reason": "",
    "denied_reason": "a specialist may not delegate to a manager (seniority)",
    "request_headers": {"Door": "worker"},
    "created_at": "2026-11-22T09:00:01.104000Z",
}
FINDING_ID = "0193a5c1-7c10-7d40-9b1a-3c2b1a090005"
FEEDBACK_REQUEST: Sample = {"verdict": "false_alarm", "note": "A documented example value."}
FEEDBACK: Sample = FEEDBACK_REQUEST | {"by": "alice", "at": "2026-11-22T09:05:00.000000Z"}
FINDING: Sample = {
    "id": FINDING_ID,
    "finding_id": FINDING_ID,
    "task_id": TASK_ID,
    "customer_id": "techcorp",
    "hop_id": None,
    "delegation_id": None,
    "agent_type": "copywriter",
    "agent_ve_id": "ve-002",
    "severity": "high",
    "detection_type": "credential_leak",
    "detected_content_preview": "Log in with [REDACTED:password], then go on.",
    "confidence": 0.9,
    "action_taken": "blocked",
    "redacted_response": "",
    "metadata": {"kind": "password", "field": "result", "start": 12, "end": 24},
    "created_at": "2026-11-22T09:00:02.000000Z",
    "feedback": FEEDBACK,
}
LEAK_POLICY_REQUEST: Sample = {"actions": {"pii_leak": {"warning": "redacted"}}, "kinds": {"person_name": "flagged"}}
LEAK_POLICY: Sample = LEAK_POLICY_REQUEST | {
    "in_force": {"pii_leak": {"info": "allowed", "warning": "redacted", "high": "redacted", "critical": "blocked"}}
}
CANARY: Sample = {
    "canary_id": "0193a5c1-7c10-7d40-9b1a-3c2b1a090006",
    "created_at": "2026-11-22T09:00:00.000000Z",
    "token": "cnry-0123456789abcdef0123",
    "planted": "the price list",
}
VALUES_REQUEST: Sample = {"values": ["Project Bluebird", "INV-2025-0007"], "label": "projects of the year"}
VALUE: Sample = {
    "value_id": "0193a5c1-7c10-7d40-9b1a-3c2b1a090007",
    "created_at": "2026-11-22T09:00:00.000000Z",
    "label": "projects of the year",
}
ALLOWANCE_REQUEST: Sample = {"kind": "email", "value": "press@bluewave.it", "reason": "Our own press desk.", "days": 30}
ALLOWANCE: Sample = {
    "allowance_id": "0193a5c1-7c10-7d40-9b1a-3c2b1a090008",
    "created_at": "2026-11-22T09:00:00.000000Z",
    "kind": "email",
    "whole_rule": False,
    "reason": "Our own press desk.",
    "owner": "alice",
    "expires_at": "2026-12-22T09:00:00.000000Z",
}


def page(sample: Sample) -> Sample:
    """Return a list of one."""
    return {"next": None, "previous": None, "results": [sample]}
