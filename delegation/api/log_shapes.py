"""Rows of the delegation log and the authorisation log as clients see them: column by column as they stand."""

from typing import Any

from rest_framework import serializers

from audit.models import AuthorizationLog, DelegationLog
from delegation.api.shapes import iso


class DecisionOutput(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    task_id = serializers.UUIDField()
    customer_id = serializers.CharField()
    hop_id = serializers.UUIDField(help_text="The delegation_id of the task's tree.")
    delegation_depth = serializers.IntegerField()
    agent_type = serializers.CharField()
    agent_ve_id = serializers.CharField()
    decision_action = serializers.ChoiceField(
        choices=DelegationLog.Action.choices, allow_null=True, help_text="null: no decision came."
    )
    delegated_to_type = serializers.CharField(help_text="Several, where the task was split, with commas.")
    confidence_score = serializers.FloatField(allow_null=True)
    decision_reason = serializers.CharField()
    execution_time_seconds = serializers.FloatField(allow_null=True)
    status = serializers.ChoiceField(choices=DelegationLog.Status.choices)
    result_summary = serializers.CharField()
    error_message = serializers.CharField()
    created_at = serializers.DateTimeField()
    completed_at = serializers.DateTimeField(allow_null=True)


class RulingOutput(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    customer_id = serializers.CharField()
    task_id = serializers.UUIDField(allow_null=True)
    agent_ve_id = serializers.CharField()
    target_agent_type = serializers.CharField()
    action = serializers.ChoiceField(choices=AuthorizationLog.Action.choices)
    authorized = serializers.BooleanField()
    authorization_reason = serializers.CharField(help_text="The rule that allowed it.")
    denied_reason = serializers.CharField(help_text="The rule that refused it.")
    request_headers = serializers.DictField(help_text="With what may be a secret masked, and Door.")
    created_at = serializers.DateTimeField()


def decision_shape(row: DelegationLog) -> dict[str, Any]:
    same = (
        "customer_id delegation_depth agent_type agent_ve_id decision_action delegated_to_type confidence_score "
        "decision_reason execution_time_seconds status result_summary error_message"
    ).split()
    return {
        **{name: str(getattr(row, name)) for name in ("id", "task_id", "hop_id")},
        **{name: getattr(row, name) for name in same},
        "created_at": iso(row.created_at),
        "completed_at": iso(row.completed_at),
    }


def ruling_shape(row: AuthorizationLog) -> dict[str, Any]:
    same = (
        "customer_id agent_ve_id target_agent_type action authorized authorization_reason denied_reason request_headers"
    ).split()
    return {
        "id": str(row.id),
        "task_id": None if row.task_id is None else str(row.task_id),
        **{name: getattr(row, name) for name in same},
        "created_at": iso(row.created_at),
    }
