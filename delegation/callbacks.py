"""The door at /callbacks/a2a/{delegation_id}: where agents push the outcome of long work."""

import structlog
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt

from delegation.api.problems import problem_http, translate
from delegation.errors import MethodNotAllowed
from delegation.services.callbacks import callback_receive
from security.errors import PlatformError

log = structlog.get_logger(__name__)


@csrf_exempt
def callback(request: HttpRequest, delegation_id: str) -> HttpResponse:
    """Take a notification (202); what is wrong with one that is refused goes to the log, not to its sender."""
    if request.method != "POST":
        return _refused(MethodNotAllowed(internal=f"{request.method} of a callback"))
    try:
        callback_receive(delegation_id=delegation_id, token=_token(request), body=request.body, now=timezone.now())
    except Exception as exception:
        error = translate(exception)
        if error.status >= 500:
            log.exception("callback failed", code=error.code)
        else:
            log.info("callback refused", code=error.code, internal=error.internal_message)
        return _refused(error)
    return HttpResponse(status=202)


def _token(request: HttpRequest) -> str:
    """Return the token in the header of A2A's own, or as a Bearer credential; empty where there is none."""
    scheme, _, credentials = request.headers.get("Authorization", "").partition(" ")
    bearer = credentials if scheme.lower() == "bearer" else ""
    return request.headers.get("X-A2A-Notification-Token") or bearer


def _refused(error: PlatformError) -> HttpResponse:
    response = problem_http(error)
    if isinstance(error, MethodNotAllowed):
        response.headers["Allow"] = "POST"
    return response
