"""The role matrix: what each role may do at its customer. Absent means no."""

from django.db.models import TextChoices

from security.models import Role


class Permission(TextChoices):
    TASK_VIEW = "task_view"
    TASK_SUBMIT = "task_submit"
    TASK_CANCEL = "task_cancel"
    APPROVE = "approve"
    ANSWER = "answer"
    AGENT_VIEW = "agent_view"
    AGENT_EDIT = "agent_edit"
    AUDIT_VIEW = "audit_view"


_SEES = {Permission.TASK_VIEW, Permission.AGENT_VIEW}

ROLE_MATRIX: dict[Role, frozenset[Permission]] = {
    Role.OWNER: frozenset(Permission),
    Role.OPERATOR: frozenset(
        _SEES | {Permission.TASK_SUBMIT, Permission.TASK_CANCEL, Permission.ANSWER, Permission.AGENT_EDIT}
    ),
    Role.APPROVER: frozenset(_SEES | {Permission.APPROVE, Permission.ANSWER}),
    Role.AUDITOR: frozenset(_SEES | {Permission.AUDIT_VIEW}),
    Role.VIEWER: frozenset(_SEES),
}
