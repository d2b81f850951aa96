"""Whom the admin's screens let in: by the role matrix, never by Django's own permissions per model."""

from collections.abc import Iterable
from typing import Any

from security.models import Membership, PlatformAuditor
from security.roles import ROLE_MATRIX, Role, roles_with
from security.testimony import record_users_refusal


class RoleAccess:
    """See ``audit.screens.Access``."""

    def is_of_platform(self, user: Any) -> bool:
        return bool(user.is_active and user.is_superuser)

    def customers_that_let(self, user: Any, permission: str) -> Iterable[str] | None:
        """Return where the person has the permission; an auditor of the platform has an auditor's everywhere (None)."""
        if permission in ROLE_MATRIX[Role.AUDITOR] and PlatformAuditor.objects.filter(user_id=user.pk).exists():
            return None
        memberships = Membership.objects.active().filter(user_id=user.pk).in_roles(roles_with(permission))
        return list(memberships.values_list("customer_id", flat=True))

    def note_refusal(self, user: Any, what: str) -> None:
        record_users_refusal(user, what=what)
