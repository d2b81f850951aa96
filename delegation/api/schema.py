"""How operations are described in the OpenAPI schema."""

from collections.abc import Callable, Sequence
from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework.serializers import Serializer

from delegation.api.outputs import ProblemOutput
from delegation.api.problems import PROBLEM_TYPE, problem_of
from security.errors import AuthFailed, NotAuthenticated, PlatformError, RateLimitExceeded

AnySerializer = Serializer[Any] | type[Serializer[Any]]
View = Callable[..., Any]

# Any operation may meet these.
ALWAYS: tuple[type[PlatformError], ...] = (NotAuthenticated, AuthFailed, RateLimitExceeded, PlatformError)


def documented(
    *,
    summary: str,
    operation_id: str,
    response: AnySerializer,
    sample: dict[str, Any],
    request: AnySerializer | None = None,
    request_sample: dict[str, Any] | None = None,
    status: int = 200,
    errors: Sequence[type[PlatformError]] = (),
    parameters: Sequence[OpenApiParameter] = (),
    tag: str = "tasks",
    anonymous: bool = False,
) -> Callable[[View], View]:
    """Describe a view's method: its request, its answer, each with an example, and the errors it may end in."""
    examples = [OpenApiExample("Answer", value=sample, response_only=True, status_codes=[str(status)])]
    if request_sample is not None:
        examples.append(OpenApiExample("Request", value=request_sample, request_only=True))
    decorate: Callable[[View], View] = extend_schema(
        summary=summary,
        operation_id=operation_id,
        request=request,
        responses={status: OpenApiResponse(response, description="Done."), **_problems((*ALWAYS, *errors))},
        examples=examples,
        parameters=list(parameters),
        tags=[tag],
        auth=[] if anonymous else None,
    )
    return decorate


def _problems(errors: Sequence[type[PlatformError]]) -> dict[tuple[int, str], OpenApiResponse]:
    """Return the error responses, one a status, with an example for each code of it."""
    by_status: dict[int, list[type[PlatformError]]] = {}
    for error in dict.fromkeys(errors):
        by_status.setdefault(error.status, []).append(error)
    return {(status, PROBLEM_TYPE): _problem(status, kinds) for status, kinds in by_status.items()}


def _problem(status: int, kinds: list[type[PlatformError]]) -> OpenApiResponse:
    examples = [
        OpenApiExample(
            kind.code,
            value=problem_of(kind(), request_id="6f1c2e9a-3b1d-4a55-9c0e-2f6f6a1f3b77"),
            response_only=True,
            status_codes=[str(status)],
        )
        for kind in kinds
    ]
    return OpenApiResponse(ProblemOutput, description=", ".join(kind.code for kind in kinds), examples=examples)


class BearerScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]  # registers itself by being defined
    target_class = "security.credentials.JWTAuthentication"
    name = "bearer"

    def get_security_definition(self, auto_schema: AutoSchema) -> dict[str, Any]:  # noqa: ARG002
        return {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}


class ApiKeyScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]  # as above
    target_class = "security.credentials.ApiKeyAuthentication"
    name = "apiKey"

    def get_security_definition(self, auto_schema: AutoSchema) -> dict[str, Any]:  # noqa: ARG002
        return {"type": "apiKey", "in": "header", "name": "X-API-Key"}
