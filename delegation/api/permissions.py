"""Default deny: a method that declares no permission is open to nobody, whatever its credential."""

from collections.abc import Iterator
from typing import Any

from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from security.credentials import CUSTOMER_NAMES, only_match
from security.errors import AuthFailed
from security.principal import Principal
from security.roles import GRANTABLE, Permission
from security.testimony import record_refusal


class DeclaredPermission(BasePermission):
    """Let pass whose role has what the view's ``needs`` declares for the method.

    What a grant on one agent can give (GRANTABLE) is left to the service, which knows the agent.
    """

    def has_permission(self, request: Request, view: Any) -> bool:
        principal = request.auth
        if not isinstance(principal, Principal):
            return False
        only_match(principal, _named(request))
        method = str(request.method)
        if not hasattr(view, method.lower()):
            return True  # There is no such method; the framework says which there are.
        needed: Permission | None = getattr(view, "needs", {}).get("GET" if method == "HEAD" else method)
        try:
            _check(principal, needed, f"{method} {type(view).__name__}")
        except AuthFailed as error:
            record_refusal(principal, error)
            raise
        return True


def _check(principal: Principal, needed: Permission | None, operation: str) -> None:
    if needed is None:
        raise AuthFailed(internal=f"no permission is declared for {operation}", detail="Your role does not allow this.")
    if not (needed in GRANTABLE and principal.within(needed)):
        principal.require(needed)


def _named(request: Request) -> Iterator[tuple[str, object]]:
    yield "X-Customer-ID", request.META.get("HTTP_X_CUSTOMER_ID")
    if request.META.get("QUERY_STRING"):
        for name in CUSTOMER_NAMES:
            yield from ((f"the query's {name}", value) for value in request.query_params.getlist(name))
    if request.method not in {"GET", "HEAD", "OPTIONS"} and _holds_json(request):
        body: Any = request.data
        if isinstance(body, dict):
            yield from ((f"the body's {name}", body.get(name)) for name in CUSTOMER_NAMES)


def _holds_json(request: Request) -> bool:
    return request.META.get("CONTENT_LENGTH") not in {None, "", "0"} and "json" in (request.content_type or "").lower()
