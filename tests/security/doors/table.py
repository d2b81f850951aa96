"""Every address that anything answers at, and what it takes to come in. What is not written here fails the suite."""

from typing import Any

SEES = "owner operator approver auditor viewer"

# -- the REST door: (method, address beneath /api/v1/) and the roles that it is open to. Written out, not taken from the
# matrix: it is what the matrix is held against.
REST = {
    ("get", "tasks"): SEES,
    ("post", "tasks"): "owner operator",
    ("get", "tasks/<uuid:task_id>"): SEES,
    ("post", "tasks/<uuid:task_id>/execute"): "owner operator",
    ("post", "tasks/<uuid:task_id>/cancel"): "owner operator",
    ("get", "tasks/<uuid:task_id>/delegations"): SEES,
    ("get", "tasks/<uuid:task_id>/events"): SEES,
    ("get", "approvals"): SEES,
    ("post", "approvals/<uuid:approval_id>/approve"): "owner approver",
    ("post", "approvals/<uuid:approval_id>/reject"): "owner approver",
    ("get", "clarifications"): SEES,
    ("post", "clarifications/<uuid:clarification_id>/answer"): "owner operator approver",
    ("get", "agents"): SEES,
    ("post", "agents"): "owner operator",
    ("get", "agents/<uuid:agent_id>"): SEES,
    ("patch", "agents/<uuid:agent_id>"): "owner operator",
    ("post", "agents/<uuid:agent_id>/check"): "owner operator",
    ("get", "keys"): "owner auditor",
    ("post", "keys"): "owner",
    ("post", "keys/<uuid:key_id>/revoke"): "owner",
    ("get", "rules"): SEES,
    ("post", "rules"): "owner",
    ("delete", "rules/<uuid:rule_id>"): "owner",
    ("get", "grants"): "owner auditor",
    ("post", "grants"): "owner",
    ("delete", "grants/<uuid:grant_id>"): "owner",
    ("get", "audit/delegations"): "owner auditor",
    ("get", "audit/authorizations"): "owner auditor",
    ("get", "audit/leakages"): "owner auditor",
    ("post", "audit/leakages/<uuid:finding_id>/feedback"): "owner auditor",
    ("get", "leak-policy"): "owner auditor",
    ("patch", "leak-policy"): "owner",
    ("get", "leak-canaries"): "owner",
    ("post", "leak-canaries"): "owner",
    ("delete", "leak-canaries/<uuid:canary_id>"): "owner",
    ("get", "leak-values"): "owner",
    ("post", "leak-values"): "owner",
    ("delete", "leak-values/<uuid:value_id>"): "owner",
    ("get", "leak-allowances"): "owner auditor",
    ("post", "leak-allowances"): "owner auditor",
    ("post", "leak-allowances/<uuid:allowance_id>/end"): "owner auditor",
}
# Where credentials are had, one needs none.
OPEN = {("post", "auth/token"), ("post", "auth/refresh"), ("post", "auth/logout")}

# -- the live pages, beneath /tasks/: the method and the form that does something
LIVE: dict[str, tuple[str, dict[str, Any]]] = {
    "": ("get", {}),
    "<uuid:task_id>/": ("get", {}),
    "<uuid:task_id>/start/": ("post", {}),
    "<uuid:task_id>/cancel/": ("post", {}),
    "<uuid:task_id>/hops/<uuid:hop_id>/": ("get", {}),
    "approvals/<uuid:approval_id>/": ("post", {"verdict": "reject"}),
    "clarifications/<uuid:clarification_id>/": ("post", {"answer": "Offices"}),
    "customer/": ("post", {"customer": "acmecorp"}),
}
LIVE_OPEN = {"login/", "logout/"}

WEBSOCKETS = {r"^ws/tasks/?$", r"^ws/tasks/(?P<task_id>[^/]+)/?$", r""}

# -- the admin: each model's list, and its form for a new row, with the roles that see it
ADMIN = {
    ("audit", "delegationlog"): "owner auditor",
    ("audit", "authorizationlog"): "owner auditor",
    ("audit", "leakagelog"): "owner auditor",
    ("audit", "leakfeedback"): "owner auditor",
    ("security", "leakpolicy"): "owner auditor",
    ("security", "canary"): "owner",
    ("security", "registeredvalue"): "owner",
    ("security", "allowedfinding"): "owner auditor",
    ("delegation", "task"): SEES,
    ("delegation", "hop"): SEES,
    ("delegation", "taskevent"): SEES,
    ("delegation", "approval"): SEES,
    ("delegation", "approvalvote"): SEES,
    ("delegation", "clarification"): SEES,
    ("delegation", "approvalrules"): SEES,
    ("delegation", "delegationrule"): SEES,
    ("delegation", "agent"): SEES,
    ("delegation", "agentgrant"): "owner auditor",
    ("delegation", "worker"): "",
    ("security", "customer"): "owner auditor",
    ("security", "membership"): "owner auditor",
    ("security", "apikey"): "owner auditor",
    ("security", "login"): "owner auditor",
    ("security", "ratelimit"): SEES,
    ("security", "signingkey"): "",
    ("security", "platformauditor"): "",
    ("auth", "user"): "owner auditor",
    ("auth", "group"): "",
}
ADDS = {
    ("delegation", "agent"): "owner operator",
    ("delegation", "approvalrules"): "owner",
    ("delegation", "delegationrule"): "owner",
    ("delegation", "agentgrant"): "owner",
    ("security", "leakpolicy"): "owner",
    ("security", "canary"): "owner",
    ("security", "registeredvalue"): "owner",
    ("security", "allowedfinding"): "owner auditor",
}
# What each model has beneath its own address.
ADMIN_MODEL_PAGES = (
    "",
    "add/",
    "<path:object_id>/",
    "<path:object_id>/change/",
    "<path:object_id>/delete/",
    "<path:object_id>/history/",
)
# The admin's other addresses, and the test that attacks each (in test_admin.py).
ADMIN_PAGES = {
    "": "test_no_screen_tells_of_another_customer",
    "login/": "test_who_has_not_signed_in_gets_no_further_than_the_login",
    "logout/": "test_who_has_not_signed_in_gets_no_further_than_the_login",
    "password_change/": "test_who_has_not_signed_in_gets_no_further_than_the_login",
    "password_change/done/": "test_who_has_not_signed_in_gets_no_further_than_the_login",
    "autocomplete/": "test_autocomplete_offers_nothing_of_another_customer",
    "jsi18n/": "test_who_has_not_signed_in_gets_no_further_than_the_login",
    "search/": "test_no_screen_tells_of_another_customer",
    "r/<path:anything>": "test_no_redirect_tells_which_rows_there_are",
    "r/<path:content_type_id>/<path:object_id>/": "test_no_redirect_tells_which_rows_there_are",
    "leaks/bench/": "test_the_bench_knows_of_no_other_customer",
    "leaks/<uuid:finding_id>/judge/": "test_judging_anothers_finding_is_judging_nothing",
    "security/membership/roles/": "test_no_screen_tells_of_another_customer",
    "auth/user/<id>/password/": "test_anothers_row_is_as_absent_as_none",
    "^(?P<app_label>audit|security|auth|delegation)/$": "test_no_screen_tells_of_another_customer",
    "(?P<url>.*)$": "test_no_screen_tells_of_another_customer",
}

# -- what belongs to no customer, for anybody to see: why, in a word
PUBLIC = {
    "": "leads to the live pages",
    "api/schema/": "the description of the API",
    "api/docs/": "the same as a page",
    "api/": "says that there is nothing",
    "api/<path:anything>": "says that there is nothing",
    "callbacks/a2a/<str:delegation_id>": "agents show a token of one delegation (tests/flows/test_push.py)",
    "docs/errors": "the catalogue of errors",
    ".well-known/jwks.json": "public keys",
    "livez": "a probe",
    "readyz": "a probe",
    "metrics": "from within alone",
}
# Addresses of which nothing may answer before it stands in a table above.
NOT_YET = ("/a2a/techcorp", "/a2a/techcorp/", "/a2a/techcorp/copywriter/", "/a2a/techcorp/.well-known/agent-card.json")
