"""Who is acting, and for which customer: known from the credential alone."""

from dataclasses import dataclass

from security.errors import AuthFailed
from security.roles import ROLE_MATRIX, Permission, Role


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """A person (or a program with a person's key) acting for one customer.

    ``scopes`` are what a key was made for, of all that its person may; None: everything.
    """

    user_id: int
    username: str
    customer_id: str
    role: Role
    scopes: frozenset[str] | None = None

    @property
    def permissions(self) -> frozenset[Permission]:
        """Return what the role allows, as far as the key's scopes go."""
        return frozenset(permission for permission in ROLE_MATRIX[self.role] if self.within(permission))

    def may(self, permission: Permission) -> bool:
        return permission in ROLE_MATRIX[self.role] and self.within(permission)

    def within(self, permission: Permission) -> bool:
        """Tell whether the credential reaches so far, whatever the role."""
        return self.scopes is None or permission in self.scopes

    def require(self, permission: Permission) -> None:
        """Raise AuthFailed unless the role grants the permission."""
        if not self.may(permission):
            raise AuthFailed(internal=self.lacks(permission), detail="Your role does not allow this.")

    def lacks(self, permission: Permission) -> str:
        """Return the reason for the record why the permission is refused."""
        if permission in ROLE_MATRIX[self.role]:
            return f"{self.username}'s API key has no scope {permission}"
        return f"{self.username} is {self.role} at {self.customer_id}: no {permission}"
