"""The shapes of shapes.py in words for the OpenAPI schema; nothing is rendered through these."""

from typing import Any

from rest_framework import serializers

from delegation.models import DelegationRule
from delegation.states import Action, HopStatus, Priority, QuestionStatus, Seniority, TaskStatus
from security.models import InFlight


class ErrorOutput(serializers.Serializer[Any]):
    code = serializers.CharField()
    message = serializers.CharField()


class BudgetPartOutput(serializers.Serializer[Any]):
    allowed = serializers.FloatField()
    used = serializers.FloatField()
    left = serializers.FloatField()


class BudgetOutput(serializers.Serializer[Any]):
    tokens = BudgetPartOutput(allow_null=True)
    cost_usd = BudgetPartOutput(allow_null=True)


class TaskOutput(serializers.Serializer[Any]):
    task_id = serializers.UUIDField()
    customer_id = serializers.CharField()
    status = serializers.ChoiceField(choices=TaskStatus.choices)
    message = serializers.CharField()
    agent = serializers.CharField(help_text="Whom the task was given to.")
    priority = serializers.ChoiceField(choices=Priority.choices)
    metadata = serializers.DictField()
    result = serializers.JSONField(help_text="Text or JSON, as the last agent gave it; null until then.")
    error = ErrorOutput(allow_null=True)
    created_at = serializers.DateTimeField()
    started_at = serializers.DateTimeField(allow_null=True)
    completed_at = serializers.DateTimeField(allow_null=True)
    deadline_at = serializers.DateTimeField()
    hop_count = serializers.IntegerField()
    depth_reached = serializers.IntegerField()
    open_questions = serializers.IntegerField()
    input_tokens = serializers.IntegerField()
    output_tokens = serializers.IntegerField()
    cost_usd = serializers.FloatField()
    budget = BudgetOutput(allow_null=True, help_text="What the task may use, as it stands; null: as much as it likes.")
    trace_id = serializers.CharField()


class TaskContextOutput(serializers.Serializer[Any]):
    message = serializers.CharField()
    agent = serializers.CharField()
    priority = serializers.ChoiceField(choices=Priority.choices)
    status = serializers.ChoiceField(choices=TaskStatus.choices)
    hop_count = serializers.IntegerField()
    cost_usd = serializers.FloatField(help_text="What the task has cost so far.")
    created_at = serializers.DateTimeField()


class BareApprovalOutput(serializers.Serializer[Any]):
    approval_id = serializers.UUIDField()
    task_id = serializers.UUIDField()
    delegation_id = serializers.UUIDField(help_text="The hop that waits.")
    status = serializers.ChoiceField(choices=QuestionStatus.choices)
    agent_from = serializers.CharField()
    agent_to = serializers.CharField()
    reason = serializers.CharField()
    confidence = serializers.FloatField(allow_null=True)
    instruction = serializers.CharField(help_text="What the agent will receive.")
    path = serializers.ListField(child=serializers.CharField(), help_text="Agent types from the root to the hop.")
    rule = serializers.CharField(help_text="Why a person has to decide.")
    decider = serializers.CharField(allow_null=True, help_text="After an escalation only this role decides.")
    escalates_at = serializers.DateTimeField(allow_null=True, help_text="When it is left to another role.")
    call_digest = serializers.CharField(help_text="SHA-256 of exactly the call that is approved.")
    required = serializers.IntegerField(help_text="How many people must say yes.")  # type: ignore[assignment]
    granted = serializers.IntegerField(help_text="How many have.")
    created_at = serializers.DateTimeField()
    expires_at = serializers.DateTimeField()
    resolved_at = serializers.DateTimeField(allow_null=True)


class ApprovalOutput(BareApprovalOutput):
    task = TaskContextOutput()


class BareClarificationOutput(serializers.Serializer[Any]):
    clarification_id = serializers.UUIDField()
    task_id = serializers.UUIDField()
    delegation_id = serializers.UUIDField(help_text="The hop that asks.")
    agent_type = serializers.CharField()
    question = serializers.CharField()
    options = serializers.ListField(child=serializers.CharField())
    status = serializers.ChoiceField(choices=QuestionStatus.choices)
    answer = serializers.CharField(allow_null=True)
    created_at = serializers.DateTimeField()
    expires_at = serializers.DateTimeField()
    resolved_at = serializers.DateTimeField(allow_null=True)


class ClarificationOutput(BareClarificationOutput):
    task = TaskContextOutput()


class DelegationOutput(serializers.Serializer[Any]):
    delegation_id = serializers.UUIDField()
    task_id = serializers.UUIDField()
    parent_id = serializers.UUIDField(allow_null=True, help_text="The hop that delegated here.")
    resumes_id = serializers.UUIDField(allow_null=True, help_text="The earlier invocation that this one goes on from.")
    depth = serializers.IntegerField()
    branch = serializers.IntegerField(allow_null=True, help_text="The subtask's place in its parent's split.")
    attempt = serializers.IntegerField()
    agent_type = serializers.CharField()
    agent_ve_id = serializers.CharField()
    path = serializers.ListField(child=serializers.CharField())
    instruction = serializers.CharField()
    status = serializers.ChoiceField(choices=HopStatus.choices)
    action = serializers.ChoiceField(choices=Action.choices, allow_null=True)
    delegated_to = serializers.CharField(allow_null=True, help_text="An agent type; several with commas.")
    confidence = serializers.FloatField(allow_null=True, min_value=0, max_value=1)
    reason = serializers.CharField()
    result_summary = serializers.CharField()
    error = ErrorOutput(allow_null=True)
    findings = serializers.IntegerField(help_text="What the leak detector found in the answer.")
    input_tokens = serializers.IntegerField()
    output_tokens = serializers.IntegerField()
    cost_usd = serializers.FloatField()
    execution_time_seconds = serializers.FloatField(allow_null=True)
    created_at = serializers.DateTimeField()
    started_at = serializers.DateTimeField(allow_null=True)
    completed_at = serializers.DateTimeField(allow_null=True)
    approval = BareApprovalOutput(allow_null=True)
    clarification = BareClarificationOutput(allow_null=True)


class EventOutput(serializers.Serializer[Any]):
    task_id = serializers.UUIDField()
    seq = serializers.IntegerField(min_value=1)
    type = serializers.CharField()
    at = serializers.DateTimeField()
    data = serializers.DictField()  # type: ignore[assignment]  # only described, never used as a serializer


class AgentOutput(serializers.Serializer[Any]):
    agent_id = serializers.UUIDField()
    customer_id = serializers.CharField()
    ve_id = serializers.CharField()
    agent_type = serializers.CharField()
    name = serializers.CharField()
    description = serializers.CharField()
    seniority = serializers.ChoiceField(choices=Seniority.choices)
    skills = serializers.ListField(child=serializers.CharField())
    endpoint_url = serializers.CharField()
    is_root = serializers.BooleanField()
    requires_approval = serializers.BooleanField()
    restricted = serializers.BooleanField()
    enabled = serializers.BooleanField()
    in_flight = serializers.ChoiceField(choices=InFlight.choices)
    disabled_reason = serializers.CharField()
    timeout_seconds = serializers.IntegerField(allow_null=True)
    credential_kind = serializers.CharField(allow_null=True, help_text="null: none is shown to the agent.")
    credential_set_at = serializers.DateTimeField(allow_null=True)
    calls_per_hour = serializers.IntegerField(allow_null=True, help_text="The customer's own limit.")
    expected_tokens = serializers.IntegerField(allow_null=True)
    expected_cost_usd = serializers.FloatField(allow_null=True)
    max_concurrency = serializers.IntegerField(allow_null=True)
    card_fetched_at = serializers.DateTimeField(allow_null=True)
    created_at = serializers.DateTimeField()


class AgentCheckOutput(serializers.Serializer[Any]):
    reachable = serializers.BooleanField()
    card = serializers.DictField(allow_null=True, help_text="The agent card as it was fetched just now.")
    error = ErrorOutput(allow_null=True)
    response_time_seconds = serializers.FloatField()


class TokenOutput(serializers.Serializer[Any]):
    access = serializers.CharField()
    refresh = serializers.CharField()
    token_type = serializers.CharField()
    expires_in = serializers.IntegerField(help_text="Seconds until the access token ends.")
    customer_id = serializers.CharField()
    username = serializers.CharField()
    role = serializers.CharField()


class KeyOutput(serializers.Serializer[Any]):
    key_id = serializers.UUIDField()
    customer_id = serializers.CharField()
    name = serializers.CharField()
    prefix = serializers.CharField(help_text="The key's first characters.")
    username = serializers.CharField(help_text="Whom it speaks for.")
    scopes = serializers.ListField(
        child=serializers.CharField(), allow_null=True, help_text="null: all that the person's role allows."
    )
    created_at = serializers.DateTimeField()
    last_used_at = serializers.DateTimeField(allow_null=True, help_text="To the minute.")
    expires_at = serializers.DateTimeField(allow_null=True)
    revoked_at = serializers.DateTimeField(allow_null=True)


class NewKeyOutput(KeyOutput):
    api_key = serializers.CharField(help_text="Shown this once.")


class RuleOutput(serializers.Serializer[Any]):
    rule_id = serializers.UUIDField()
    customer_id = serializers.CharField()
    agent_from = serializers.CharField()
    agent_to = serializers.CharField()
    effect = serializers.ChoiceField(choices=DelegationRule.Effect.choices)
    reason = serializers.CharField()
    owner = serializers.CharField(allow_null=True, help_text="Who made it.")
    created_at = serializers.DateTimeField()


class GrantOutput(serializers.Serializer[Any]):
    grant_id = serializers.UUIDField()
    customer_id = serializers.CharField()
    agent = serializers.CharField()
    username = serializers.CharField()
    may = serializers.ChoiceField(choices=["invoke", "approve"])
    created_at = serializers.DateTimeField()


class DeletedOutput(serializers.Serializer[Any]):
    deleted = serializers.BooleanField()


class LogoutOutput(serializers.Serializer[Any]):
    logged_out = serializers.BooleanField()


class ProblemOutput(serializers.Serializer[Any]):
    """What every error looks like (RFC 9457), whatever address it comes from."""

    type = serializers.CharField(help_text="The path of the page that explains the code.")
    title = serializers.CharField()
    status = serializers.IntegerField()
    detail = serializers.CharField()
    success = serializers.BooleanField(help_text="Always false.")
    error = serializers.CharField(help_text="The code.")
    message = serializers.CharField(help_text="Safe to show to a person.")
    retryable = serializers.BooleanField(help_text="Whether the same request may succeed later.")
    request_id = serializers.CharField()


def page_schema(kind: type[serializers.Serializer[Any]]) -> serializers.Serializer[Any]:
    """Return the schema of a list: {next, previous, results}."""
    name = f"{kind.__name__.removesuffix('Output')}Page"
    fields = {
        "next": serializers.CharField(allow_null=True, help_text="The address of the page after this one."),
        "previous": serializers.CharField(allow_null=True, help_text="The address of the page before this one."),
        "results": kind(many=True),
    }
    page: serializers.Serializer[Any] = type(name, (serializers.Serializer,), fields)()
    return page
