"""Tasks: submitted, listed, started, cancelled, and followed."""

from typing import Any, ClassVar
from uuid import UUID

from django.http import HttpResponse
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.urls import replace_query_param

from delegation.api import samples
from delegation.api.filters import PAGES, TASK_FILTERS, narrowed_tasks
from delegation.api.inputs import TaskInput, validated
from delegation.api.outputs import DelegationOutput, EventOutput, TaskOutput, page_schema
from delegation.api.pagination import MAX_PAGE_SIZE, page_of, positive_int, whole
from delegation.api.preferences import PREFER, answer
from delegation.api.schema import documented
from delegation.api.shapes import delegation_shape, event_shape, submitted_shape, task_shape
from delegation.api.views.door import Door, principal_of
from delegation.errors import Conflict, Overloaded, PayloadTooLarge, UnsupportedMediaType
from delegation.services import tasks
from security.errors import NotFound, ValidationFailed
from security.limits import LimiterUnavailable, rate_limit_headers
from security.roles import Permission

MOST_EVENTS = 2**31 - 1
IDEMPOTENCY_KEY = OpenApiParameter(
    "Idempotency-Key",
    OpenApiTypes.STR,
    OpenApiParameter.HEADER,
    description="Send the same key with the same body again, and you get the first answer again, not a second task.",
)


class Tasks(Door):
    needs: ClassVar = {"GET": Permission.TASK_VIEW, "POST": Permission.TASK_SUBMIT}

    @documented(
        summary="List tasks, newest first",
        operation_id="tasks_list",
        response=page_schema(TaskOutput),
        sample=samples.page(samples.TASK),
        parameters=(*TASK_FILTERS, *PAGES),
        errors=(ValidationFailed,),
    )
    def get(self, request: Request) -> Response:
        """Return the customer's tasks."""
        rows = narrowed_tasks(tasks.tasks_visible(principal_of(request)), request)
        return Response(page_of(rows, request, task_shape))

    @documented(
        summary="Submit a task",
        operation_id="tasks_submit",
        request=TaskInput,
        request_sample=samples.TASK_REQUEST,
        response=TaskOutput,
        sample=samples.SUBMITTED_TASK,
        status=201,
        parameters=(IDEMPOTENCY_KEY, PREFER),
        errors=(
            Overloaded,
            ValidationFailed,
            NotFound,
            Conflict,
            PayloadTooLarge,
            UnsupportedMediaType,
            LimiterUnavailable,
        ),
    )
    def post(self, request: Request) -> HttpResponse:
        """Give a task to an agent (the root agent where none is named); it starts at once unless start is false."""
        sent = validated(TaskInput, request.data)
        principal = principal_of(request)
        submission = tasks.task_submit(
            principal=principal,
            message=sent["message"],
            agent_type=sent.get("agent"),
            priority=sent["priority"],
            start=sent["start"],
            metadata=sent.get("metadata"),
            idempotency_key=request.META.get("HTTP_IDEMPOTENCY_KEY"),
            traceparent=request.META.get("HTTP_TRACEPARENT", ""),
            now=timezone.now(),
        )
        headers = rate_limit_headers(submission.admission) | {
            "Location": request.build_absolute_uri(f"/api/v1/tasks/{submission.task.pk}")
        }
        if not submission.created:
            headers["Idempotent-Replayed"] = "true"
        shape = submitted_shape(submission.task)
        return answer(request, submission.task, shape, principal=principal, status=201, headers=headers)


class TaskDetail(Door):
    needs: ClassVar = {"GET": Permission.TASK_VIEW}

    @documented(
        summary="Read a task",
        operation_id="tasks_read",
        response=TaskOutput,
        sample=samples.TASK,
        parameters=(PREFER,),
        errors=(NotFound,),
    )
    def get(self, request: Request, task_id: UUID) -> HttpResponse:
        """Return the task as it stands."""
        principal = principal_of(request)
        task = tasks.task_get(principal=principal, task_id=task_id)
        return answer(request, task, task_shape(task), principal=principal)


class TaskExecute(Door):
    needs: ClassVar = {"POST": Permission.TASK_SUBMIT}

    @documented(
        summary="Start a task",
        operation_id="tasks_execute",
        response=TaskOutput,
        sample=samples.SUBMITTED_TASK,
        errors=(Overloaded, NotFound, Conflict),
    )
    def post(self, request: Request, task_id: UUID) -> Response:
        """Start a task that was submitted with start=false."""
        task = tasks.task_execute(principal=principal_of(request), task_id=task_id, now=timezone.now())
        return Response(task_shape(task))


class TaskCancel(Door):
    needs: ClassVar = {"POST": Permission.TASK_CANCEL}

    @documented(
        summary="Cancel a task",
        operation_id="tasks_cancel",
        response=TaskOutput,
        sample=samples.CANCELED_TASK,
        errors=(NotFound, Conflict),
    )
    def post(self, request: Request, task_id: UUID) -> Response:
        """Cancel the task with everything under it."""
        task = tasks.task_cancel(principal=principal_of(request), task_id=task_id, now=timezone.now())
        return Response(task_shape(task))


class TaskDelegations(Door):
    needs: ClassVar = {"GET": Permission.TASK_VIEW}

    @documented(
        summary="Read a task's tree of hops",
        operation_id="tasks_delegations",
        response=page_schema(DelegationOutput),
        sample=samples.page(samples.DELEGATION),
        errors=(NotFound,),
    )
    def get(self, request: Request, task_id: UUID) -> Response:
        """Return every hop in order; parent_id makes them a tree."""
        hops = tasks.hops_of(principal=principal_of(request), task_id=task_id)
        return Response(whole([delegation_shape(hop) for hop in hops]))


class TaskEvents(Door):
    needs: ClassVar = {"GET": Permission.TASK_VIEW}

    @documented(
        summary="Read a task's events",
        operation_id="tasks_events",
        response=page_schema(EventOutput),
        sample=samples.page(samples.EVENT),
        parameters=(
            OpenApiParameter("after", OpenApiTypes.INT, description="Only events with a higher number; default 0."),
            OpenApiParameter(
                "limit", OpenApiTypes.INT, description="How many at most: 1 to 500, which is the default."
            ),
        ),
        errors=(NotFound, ValidationFailed),
    )
    def get(self, request: Request, task_id: UUID) -> Response:
        """Return the numbered events after N, in order; next is set while there may be more."""
        query = request.query_params
        after = positive_int(query.get("after", "0"), name="after", least=0, most=MOST_EVENTS)
        limit = positive_int(query.get("limit", str(MAX_PAGE_SIZE)), name="limit", least=1, most=MAX_PAGE_SIZE)
        events = tasks.events_after(principal=principal_of(request), task_id=task_id, after=after, limit=limit)
        page: dict[str, Any] = whole([event_shape(event) for event in events])
        if len(events) == limit:
            page["next"] = replace_query_param(request.build_absolute_uri(), "after", str(events[-1].seq))
        return Response(page)
