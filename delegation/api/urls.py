"""Every address of the REST door, each with and without a slash at its end."""

from typing import Any

from django.urls import URLPattern, path
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView

from delegation.api.views import agents, findings, keys, leak_settings, logs, questions, rights, tasks, tokens
from delegation.api.views.unknown import Unknown

ADDRESSES: tuple[tuple[str, Any, str], ...] = (
    ("auth/token", tokens.Token, "token"),
    ("auth/refresh", tokens.Refresh, "refresh"),
    ("auth/logout", tokens.Logout, "logout"),
    ("tasks", tasks.Tasks, "tasks"),
    ("tasks/<uuid:task_id>", tasks.TaskDetail, "task"),
    ("tasks/<uuid:task_id>/execute", tasks.TaskExecute, "task-execute"),
    ("tasks/<uuid:task_id>/cancel", tasks.TaskCancel, "task-cancel"),
    ("tasks/<uuid:task_id>/delegations", tasks.TaskDelegations, "task-delegations"),
    ("tasks/<uuid:task_id>/events", tasks.TaskEvents, "task-events"),
    ("approvals", questions.Approvals, "approvals"),
    ("approvals/<uuid:approval_id>/approve", questions.ApprovalApprove, "approval-approve"),
    ("approvals/<uuid:approval_id>/reject", questions.ApprovalReject, "approval-reject"),
    ("clarifications", questions.Clarifications, "clarifications"),
    ("clarifications/<uuid:clarification_id>/answer", questions.ClarificationAnswer, "clarification-answer"),
    ("agents", agents.Agents, "agents"),
    ("agents/<uuid:agent_id>", agents.AgentDetail, "agent"),
    ("agents/<uuid:agent_id>/check", agents.AgentCheck, "agent-check"),
    ("keys", keys.Keys, "keys"),
    ("keys/<uuid:key_id>/revoke", keys.KeyRevoke, "key-revoke"),
    ("rules", rights.Rules, "rules"),
    ("rules/<uuid:rule_id>", rights.RuleDetail, "rule"),
    ("grants", rights.Grants, "grants"),
    ("grants/<uuid:grant_id>", rights.GrantDetail, "grant"),
    ("audit/delegations", logs.Decisions, "audit-delegations"),
    ("audit/authorizations", logs.Rulings, "audit-authorizations"),
    ("audit/leakages", findings.Findings, "findings"),
    ("audit/leakages/<uuid:finding_id>/feedback", findings.Feedback, "finding-feedback"),
    ("leak-policy", leak_settings.PolicyDetail, "leak-policy"),
    ("leak-canaries", leak_settings.Canaries, "leak-canaries"),
    ("leak-canaries/<uuid:canary_id>", leak_settings.CanaryDetail, "leak-canary"),
    ("leak-values", leak_settings.Values, "leak-values"),
    ("leak-values/<uuid:value_id>", leak_settings.ValueDetail, "leak-value"),
    ("leak-allowances", leak_settings.Allowances, "leak-allowances"),
    ("leak-allowances/<uuid:allowance_id>/end", leak_settings.AllowanceEnd, "leak-allowance-end"),
)


def _both_ways(address: str, view: Any, name: str) -> list[URLPattern]:
    # The second is the same address to a client that likes slashes; the schema names it once.
    return [path(f"v1/{address}", view.as_view(), name=name), path(f"v1/{address}/", view.as_view(schema=None))]


app_name = "api"
urlpatterns = [
    *(pattern for address in ADDRESSES for pattern in _both_ways(*address)),
    path("schema/", SpectacularAPIView.as_view(authentication_classes=(), permission_classes=()), name="schema"),
    path(
        "docs/",
        SpectacularSwaggerSplitView.as_view(url_name="api:schema", authentication_classes=(), permission_classes=()),
        name="docs",
    ),
    # Also in DEBUG mode, where Django would show its own page.
    path("", Unknown.as_view()),
    path("<path:anything>", Unknown.as_view()),
]
