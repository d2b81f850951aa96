"""The leak detector's rows as clients see them, their shapes in words for the schema, and what clients may send."""

from datetime import datetime
from typing import Any

from rest_framework import serializers

from audit.models import LeakageLog, LeakFeedback
from delegation.api.inputs import JsonObject, Text, WholeNumber
from delegation.api.shapes import iso
from security.leak_models import AllowedFinding, Canary, LeakPolicy, RegisteredValue
from security.leakage import DetectionType, Severity


class FeedbackInput(serializers.Serializer[Any]):
    verdict = serializers.ChoiceField(choices=LeakFeedback.Verdict.choices)
    note = Text(required=False, allow_blank=True, max_length=2000, help_text="Why. Do not repeat what was found.")


class PolicyInput(serializers.Serializer[Any]):
    actions = JsonObject(required=False, help_text="{type: {severity: action}}; what is not there follows the default.")
    kinds = JsonObject(required=False, help_text="{rule: action}, before all else.")


class CanaryInput(serializers.Serializer[Any]):
    planted = Text(max_length=200, help_text="Where you will put the token.")


class ValuesInput(serializers.Serializer[Any]):
    values = serializers.ListField(child=Text(max_length=1000), min_length=1, max_length=1000)
    label = Text(max_length=200, help_text="What they are, without saying them.")  # type: ignore[assignment]  # a field


class AllowanceInput(serializers.Serializer[Any]):
    kind = Text(required=False, allow_blank=True, max_length=100, help_text="The rule.")
    value = Text(required=False, allow_blank=True, max_length=10_000, help_text="Exactly as the agent writes it.")
    fingerprint = serializers.RegexField(
        r"\A[0-9a-f]{32}\Z", required=False, help_text="Instead of the value: the one that a finding's metadata has."
    )
    reason = Text(max_length=500)
    days = WholeNumber(min_value=1, max_value=366, help_text="How long it lasts.")


class FeedbackOutput(serializers.Serializer[Any]):
    verdict = serializers.ChoiceField(choices=LeakFeedback.Verdict.choices)
    note = serializers.CharField()
    by = serializers.CharField()
    at = serializers.DateTimeField()


class FindingOutput(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    finding_id = serializers.UUIDField(help_text="The same, by the name that addresses give it.")
    task_id = serializers.UUIDField()
    customer_id = serializers.CharField()
    hop_id = serializers.UUIDField(allow_null=True)
    delegation_id = serializers.UUIDField(allow_null=True, help_text="The same, by the name that tasks give it.")
    agent_type = serializers.CharField()
    agent_ve_id = serializers.CharField()
    severity = serializers.ChoiceField(choices=[each.value for each in Severity])
    detection_type = serializers.ChoiceField(choices=[each.value for each in DetectionType])
    detected_content_preview = serializers.CharField(help_text="The surroundings; what was found is masked.")
    confidence = serializers.FloatField(min_value=0, max_value=1)
    action_taken = serializers.ChoiceField(choices=LeakageLog.ActionTaken.choices)
    redacted_response = serializers.CharField()
    metadata = serializers.DictField(help_text="kind (the rule), field, start, end, fingerprint, count.")
    created_at = serializers.DateTimeField()
    feedback = FeedbackOutput(allow_null=True)


class PolicyOutput(serializers.Serializer[Any]):
    actions = serializers.DictField(help_text="What the customer chose: {type: {severity: action}}.")
    kinds = serializers.DictField(help_text="{rule: action}.")
    in_force = serializers.DictField(help_text="What is done in each case: {type: {severity: action}}.")


class CanaryOutput(serializers.Serializer[Any]):
    canary_id = serializers.UUIDField()
    token = serializers.CharField()
    planted = serializers.CharField()
    created_at = serializers.DateTimeField()


class ValueOutput(serializers.Serializer[Any]):
    value_id = serializers.UUIDField()
    label = serializers.CharField()  # type: ignore[assignment]  # a field
    created_at = serializers.DateTimeField()


class RegistrationOutput(serializers.Serializer[Any]):
    added = serializers.IntegerField()
    known = serializers.IntegerField(help_text="How many were registered before.")


class AllowanceOutput(serializers.Serializer[Any]):
    allowance_id = serializers.UUIDField()
    kind = serializers.CharField()
    whole_rule = serializers.BooleanField(help_text="Whether all that the rule finds is let pass.")
    reason = serializers.CharField()
    owner = serializers.CharField()
    created_at = serializers.DateTimeField()
    expires_at = serializers.DateTimeField()


def finding_shape(row: LeakageLog) -> dict[str, Any]:
    said: LeakFeedback | None = getattr(row, "feedback", None)
    same = "agent_type agent_ve_id severity detection_type detected_content_preview confidence action_taken".split()
    return {
        "id": str(row.id),
        "finding_id": str(row.id),
        "task_id": str(row.task_id),
        "customer_id": row.customer_id,
        "hop_id": row.hop_id and str(row.hop_id),
        "delegation_id": row.hop_id and str(row.hop_id),
        **{name: getattr(row, name) for name in same},
        "redacted_response": row.redacted_response,
        "metadata": row.metadata,
        "created_at": iso(row.created_at),
        "feedback": feedback_shape(said) if said else None,
    }


def feedback_shape(row: LeakFeedback) -> dict[str, Any]:
    return {"verdict": row.verdict, "note": row.note, "by": row.by, "at": iso(row.at)}


def policy_shape(row: LeakPolicy | None, in_force: dict[str, dict[str, str]]) -> dict[str, Any]:
    chosen = {"actions": row.actions, "kinds": row.kinds} if row else {"actions": {}, "kinds": {}}
    return {**chosen, "in_force": in_force}


def canary_shape(row: Canary) -> dict[str, Any]:
    return {**_named(row, "canary_id"), "token": row.token, "planted": row.planted}


def value_shape(row: RegisteredValue) -> dict[str, Any]:
    return {**_named(row, "value_id"), "label": row.label}


def allowance_shape(row: AllowedFinding) -> dict[str, Any]:
    return {
        **_named(row, "allowance_id"),
        "kind": row.kind,
        "whole_rule": not row.fingerprint,
        "reason": row.reason,
        "owner": row.owner.get_username(),
        "expires_at": iso(row.expires_at),
    }


def _named(row: Canary | RegisteredValue | AllowedFinding, name: str) -> dict[str, Any]:
    created_at: datetime = row.created_at
    return {name: str(row.id), "created_at": iso(created_at)}
