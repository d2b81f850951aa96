"""The HTTP edge: every request is counted of its address, those of a session also of its person."""

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from delegation.api.problems import problem_headers, problem_http
from security.errors import PlatformError, RateLimitExceeded
from security.http_limits import count_address, count_user
from security.limits import LimiterUnavailable

# Asked every few seconds, by whoever keeps the installation running.
UNCOUNTED = frozenset({"/livez", "/readyz", "/metrics"})


class EdgeLimitMiddleware:
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.path_info not in UNCOUNTED:
            try:
                count_address(request)
                if settings.SESSION_COOKIE_NAME in request.COOKIES and request.user.is_authenticated:
                    count_user(request, user_id=request.user.pk)
            except RateLimitExceeded as error:
                return refused(request, error)
        return self._get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """Answer politely where a page's view met a limit, the login's above all."""
        if isinstance(exception, RateLimitExceeded | LimiterUnavailable):
            return refused(request, exception)
        return None


def refused(request: HttpRequest, error: PlatformError) -> HttpResponse:
    """Return the refusal as problem+json beneath /api/, elsewhere as a page."""
    if request.path_info.startswith("/api/"):
        return problem_http(error)
    headers = problem_headers(error)
    context = {"message": error.user_message, "wait_seconds": headers["Retry-After"]}
    page = render(request, f"{error.status}.html", context, status=error.status)
    for name, value in headers.items():
        page[name] = value
    return page
