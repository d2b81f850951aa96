"""Whatever else is asked for beneath /api/."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils.decorators import method_decorator
from django.views import View
from django.views.decorators.csrf import csrf_exempt

from delegation.api.problems import problem_http
from security.errors import NotFound


@method_decorator(csrf_exempt, name="dispatch")
class Unknown(View):
    """Say that there is nothing here, to everyone and by every method alike."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:  # noqa: ARG002  Django's signature
        return problem_http(NotFound(internal=request.path))
