"""Django's own errors (no such address, a host that is not ours, a crash outside any view) as the API tells them.

Beneath /api/ and /callbacks/ they are problem+json, elsewhere the usual pages.
"""

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.views import defaults

from delegation.api.problems import problem_http, translate
from security.errors import AuthFailed, NotFound, PlatformError
from security.testimony import record_users_refusal


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    if _is_api(request):
        return problem_http(translate(exception))
    return defaults.bad_request(request, exception)


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    if _is_api(request):
        return problem_http(AuthFailed(internal=str(exception)))
    _put_on_record(request)
    return defaults.permission_denied(request, exception)


def page_not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    if _is_api(request):
        return problem_http(NotFound(internal=request.path))
    _put_on_record(request)
    return defaults.page_not_found(request, exception)


def nothing(request: HttpRequest, anything: str) -> HttpResponse:  # noqa: ARG001  a view's signature
    """Say that there is nothing, whatever is asked for."""
    raise Http404


def server_error(request: HttpRequest, *args: Any) -> HttpResponse:  # noqa: ARG001  Django's signature
    if _is_api(request):
        return problem_http(PlatformError())
    return defaults.server_error(request)


def _put_on_record(request: HttpRequest) -> None:
    """Write the row of what the admin refused; the live pages write their own."""
    if request.path_info.startswith("/admin/") and request.user.is_authenticated:
        record_users_refusal(request.user, what=f"was refused {request.path_info}")


def _is_api(request: HttpRequest) -> bool:
    return request.path_info.startswith(("/api/", "/callbacks/"))
