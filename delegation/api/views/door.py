"""What every view of this door has in common."""

from typing import Any, cast

from rest_framework.request import Request
from rest_framework.views import APIView

from delegation.api.rendering import JsonNegotiation
from security.principal import Principal


class Door(APIView):
    """A view that speaks JSON alone and knows for whom it acts."""

    content_negotiation_class = JsonNegotiation

    def initialize_request(self, request: Any, *args: Any, **kwargs: Any) -> Request:
        if "HTTP_TRANSFER_ENCODING" in request.META:
            # Without a length the framework takes a body that comes in chunks for an empty one.
            request.META["CONTENT_LENGTH"] = str(len(request.body))
        return super().initialize_request(request, *args, **kwargs)


def principal_of(request: Request) -> Principal:
    """Return whom the request's credential speaks for."""
    # The stubs know of tokens only.
    return cast("Principal", request.auth)
