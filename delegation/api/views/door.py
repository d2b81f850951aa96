"""What every view of this door has in common."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, cast

from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.views import APIView

from delegation.api.permissions import DeclaredPermission
from delegation.api.rendering import JsonNegotiation
from security.http_limits import count_user
from security.principal import Principal
from security.roles import Permission


class Door(APIView):
    """A view that speaks JSON alone and knows for whom it acts.

    ``needs`` declares the permission that each method asks for; what is not declared is refused.
    """

    content_negotiation_class = JsonNegotiation
    # What a view's fields are stands in the schema; OPTIONS has no other use here.
    http_method_names = ("get", "post", "patch", "delete", "head")
    permission_classes: Sequence[type[BasePermission]] = (DeclaredPermission,)
    needs: ClassVar[Mapping[str, Permission]] = {}

    def initialize_request(self, request: Any, *args: Any, **kwargs: Any) -> Request:
        if "HTTP_TRANSFER_ENCODING" in request.META:
            # Without a length the framework takes a body that comes in chunks for an empty one.
            request.META["CONTENT_LENGTH"] = str(len(request.body))
        return super().initialize_request(request, *args, **kwargs)

    def perform_authentication(self, request: Request) -> None:
        """Know who asks, and count the request: also one that is refused then, which leaves a row on record."""
        super().perform_authentication(request)
        user_id = getattr(request.user, "pk", None)
        if user_id is not None:
            count_user(request, user_id=user_id)


def principal_of(request: Request) -> Principal:
    """Return whom the request's credential speaks for."""
    # The stubs know of tokens only.
    return cast("Principal", request.auth)
