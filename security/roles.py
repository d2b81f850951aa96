"""The role matrix: what each role may do at its customer. Absent means no.

This table is the only one: the doors, the admin and docs/roles.md all read it here.
"""

from collections.abc import Iterable

from django.db.models import TextChoices


class Role(TextChoices):
    OWNER = "owner"
    OPERATOR = "operator"
    APPROVER = "approver"
    AUDITOR = "auditor"
    VIEWER = "viewer"


class Permission(TextChoices):
    TASK_VIEW = "task_view", "See tasks, hops, events and questions"
    TASK_SUBMIT = "task_submit", "Give tasks to agents that are open to all, and start them"
    TASK_CANCEL = "task_cancel", "Cancel tasks"
    APPROVE = "approve", "Approve or reject delegations, never of one's own task"
    ANSWER = "answer", "Answer agents' questions"
    AGENT_VIEW = "agent_view", "See agents and the rules among them"
    AGENT_EDIT = "agent_edit", "Employ, change and check agents"
    AUDIT_VIEW = "audit_view", "Read the three logs"
    PEOPLE_VIEW = "people_view", "See members, grants, API keys and logins"
    RULE_EDIT = "rule_edit", "Change delegation rules, approval rules and grants"
    KEY_EDIT = "key_edit", "Make and revoke API keys"
    LEAK_JUDGE = "leak_judge", "Say whether a finding was a leak, and let the like of it pass"
    LEAK_EDIT = "leak_edit", "Choose what is done about findings; plant canaries, register values"


_SEES = {Permission.TASK_VIEW, Permission.AGENT_VIEW}

ROLE_MATRIX: dict[Role, frozenset[Permission]] = {
    Role.OWNER: frozenset(Permission),
    Role.OPERATOR: frozenset(
        _SEES | {Permission.TASK_SUBMIT, Permission.TASK_CANCEL, Permission.ANSWER, Permission.AGENT_EDIT}
    ),
    Role.APPROVER: frozenset(_SEES | {Permission.APPROVE, Permission.ANSWER}),
    Role.AUDITOR: frozenset(_SEES | {Permission.AUDIT_VIEW, Permission.PEOPLE_VIEW, Permission.LEAK_JUDGE}),
    Role.VIEWER: frozenset(_SEES),
}

# What a grant on one agent may give to a member whose role does not have it.
GRANTABLE = frozenset({Permission.TASK_SUBMIT, Permission.APPROVE})


def roles_with(permission: str) -> list[Role]:
    """Return the roles that have the permission."""
    return [role for role, permissions in ROLE_MATRIX.items() if permission in permissions]


def matrix_rows() -> list[tuple[Permission, list[bool]]]:
    """Return each permission with its yes or no for every role, in the order of the roles."""
    return [(permission, [permission in ROLE_MATRIX[role] for role in Role]) for permission in Permission]


def as_markdown(header: Iterable[str] = ("permission", "means")) -> str:
    """Return the matrix as docs/roles.md shows it."""
    heads = [*header, *(role.value for role in Role)]
    lines = [f"| {' | '.join(heads)} |", f"|{'---|' * len(heads)}"]
    for permission, cells in matrix_rows():
        marks = ["yes" if cell else "" for cell in cells]
        lines.append(f"| `{permission.value}` | {permission.label} | {' | '.join(marks)} |")
    return "\n".join(lines)
