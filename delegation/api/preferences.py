"""`Prefer: wait=N` (RFC 7240): the answer comes when the task has ended, or after N seconds."""

import re
from asyncio import CancelledError
from collections.abc import Mapping
from typing import Any

import orjson
import structlog
from django.db import DatabaseError
from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter
from rest_framework.request import Request

from delegation.api.shapes import Shape, task_shape
from delegation.live.waiting import waiting
from delegation.models import Task
from delegation.states import TASK_ENDED
from security.errors import PlatformError
from security.members import member_of
from security.principal import Principal

# Shorter than what proxies usually wait for an answer.
LONGEST_WAIT_SECONDS = 50
_WAIT = re.compile(r"""(?:^|[,;])\s*wait\s*=\s*"?([0-9]{1,9})"?\s*(?=$|[,;])""", re.IGNORECASE)

PREFER = OpenApiParameter(
    "Prefer",
    OpenApiTypes.STR,
    OpenApiParameter.HEADER,
    description=f"`wait=N`: answer when the task has ended or waits for a person, at the latest after N seconds "
    f"({LONGEST_WAIT_SECONDS} at most); `Preference-Applied` tells how long. Without it the answer comes at once.",
)
log = structlog.get_logger(__name__)


def wait_seconds(request: Request) -> int:
    """Return how long the client would like to wait; 0 where it says nothing that makes sense (RFC 7240: ignore it)."""
    preferred = _WAIT.search(request.META.get("HTTP_PREFER", ""))
    return min(int(preferred[1]), LONGEST_WAIT_SECONDS) if preferred else 0


class AnswerAtRest(HttpResponse):
    """An answer that our server completes before it sends it (asgi.py). Any other server sends it as it is: at once."""

    def __init__(self, task: Task, shape: Shape, *, principal: Principal, seconds: int, **more: Any) -> None:
        super().__init__(orjson.dumps(shape), content_type="application/json", **more)
        self._task_id = task.id
        self._principal = principal
        self._seconds = seconds

    async def complete(self) -> None:
        """Wait, and answer with what there is then. Where that cannot be read, the answer stays as it is."""
        try:
            self.content = await waiting.at_rest(self._task_id, seconds=self._seconds, render=self._rendered)
        except CancelledError:
            # The server ends, and has waited long enough for its requests: this one is answered nevertheless.
            log.info("waiting ended with the server")
        except DatabaseError as error:
            log.warning("waited in vain", error=repr(error))
        self.headers["Content-Length"] = str(len(self.content))
        self.headers["Preference-Applied"] = f"wait={self._seconds}"

    def _rendered(self, task: Task) -> bytes:
        who = self._principal
        # Who has been dismissed meanwhile is told no more than at the start.
        try:
            member_of(user_id=who.user_id, customer_id=who.customer_id, scopes=who.scopes)
        except PlatformError:
            return self.content
        return orjson.dumps(task_shape(task)) if task.customer_id == who.customer_id else self.content


def answer(
    request: Request,
    task: Task,
    shape: Shape,
    *,
    principal: Principal,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
) -> HttpResponse:
    """Return the task in the shape given; later, where the client prefers to wait and there is something to wait for.

    A task that has not been started is nothing to wait for.
    """
    seconds = wait_seconds(request)
    if not seconds or task.status in TASK_ENDED or not task.hop_count:
        return HttpResponse(orjson.dumps(shape), status=status, headers=headers, content_type="application/json")
    return AnswerAtRest(task, shape, principal=principal, seconds=seconds, status=status, headers=headers)
