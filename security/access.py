"""Whom the admin's screens let in: by the role matrix, never by Django's own permissions per model."""

from collections.abc import Iterable
from contextlib import AbstractContextManager
from typing import Any

from security.models import Membership, PlatformAuditor
from security.roles import ROLE_MATRIX, Role, roles_with
from security.rows import platform_rows
from security.testimony import record_users_refusal


@platform_rows()
def customers_on_screens(user: Any) -> list[str] | None:
    """Return the customers whose rows the screens may touch for the person at all; None: everybody's."""
    if not user.is_authenticated or not user.is_active:
        return []
    if user.is_superuser or PlatformAuditor.objects.filter(user_id=user.pk).exists():
        return None
    return list(Membership.objects.active().filter(user_id=user.pk).values_list("customer_id", flat=True))


class RoleAccess:
    """See ``audit.screens.Access``."""

    def own_record(self) -> AbstractContextManager[None]:
        return platform_rows()

    def is_of_platform(self, user: Any) -> bool:
        return bool(user.is_active and user.is_superuser)

    @platform_rows()
    def customers_that_let(self, user: Any, permission: str) -> Iterable[str] | None:
        """Return where the person has the permission; an auditor of the platform has an auditor's everywhere (None)."""
        if permission in ROLE_MATRIX[Role.AUDITOR] and PlatformAuditor.objects.filter(user_id=user.pk).exists():
            return None
        memberships = Membership.objects.active().filter(user_id=user.pk).in_roles(roles_with(permission))
        return list(memberships.values_list("customer_id", flat=True))

    def note_refusal(self, user: Any, what: str) -> None:
        record_users_refusal(user, what=what)
