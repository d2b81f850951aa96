"""What every view of this door has in common."""

from typing import Any, cast

from rest_framework.request import Request
from rest_framework.views import APIView

from delegation.api.rendering import JsonNegotiation
from security.http_limits import count_user
from security.principal import Principal


class Door(APIView):
    """A view that speaks JSON alone and knows for whom it acts."""

    content_negotiation_class = JsonNegotiation

    def initialize_request(self, request: Any, *args: Any, **kwargs: Any) -> Request:
        if "HTTP_TRANSFER_ENCODING" in request.META:
            # Without a length the framework takes a body that comes in chunks for an empty one.
            request.META["CONTENT_LENGTH"] = str(len(request.body))
        return super().initialize_request(request, *args, **kwargs)

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        user_id = getattr(request.user, "pk", None)
        if user_id is not None:
            count_user(request, user_id=user_id)


def principal_of(request: Request) -> Principal:
    """Return whom the request's credential speaks for."""
    # The stubs know of tokens only.
    return cast("Principal", request.auth)
