"""Who is acting, and for which customer: known from the credential alone."""

from dataclasses import dataclass

from security.errors import AuthFailed
from security.models import Role
from security.roles import ROLE_MATRIX, Permission


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """A person (or a program with a person's key) acting for one customer."""

    user_id: int
    username: str
    customer_id: str
    role: Role

    def may(self, permission: Permission) -> bool:
        return permission in ROLE_MATRIX[self.role]

    def require(self, permission: Permission) -> None:
        """Raise AuthFailed unless the role grants the permission."""
        if not self.may(permission):
            raise AuthFailed(
                internal=f"{self.username} is {self.role} at {self.customer_id}: no {permission}",
                detail="Your role does not allow this.",
            )
