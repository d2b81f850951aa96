"""Query parameters that narrow a list. One that is not known is ignored; one that makes no sense is refused."""

from datetime import UTC, datetime
from typing import Any, TypeVar
from uuid import UUID

from django.db.models import Model, QuerySet, TextChoices
from django.utils.dateparse import parse_date, parse_datetime
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter
from rest_framework.request import Request

from audit.models import AuthorizationLog, DelegationLog, LeakageLog
from delegation.states import QuestionStatus, TaskStatus
from security.errors import ValidationFailed

Row = TypeVar("Row", bound=Model)

CURSOR = OpenApiParameter("cursor", OpenApiTypes.STR, description="Taken from `next` or `previous` of another page.")
LIMIT = OpenApiParameter("limit", OpenApiTypes.INT, description="How many results a page holds: 1 to 500, default 50.")
PAGES = (CURSOR, LIMIT)
TASK_FILTERS = (
    OpenApiParameter("status", OpenApiTypes.STR, enum=TaskStatus.values, description="May be given several times."),
    OpenApiParameter("agent", OpenApiTypes.STR, description="The agent type that the task was given to."),
    OpenApiParameter("created_after", OpenApiTypes.DATETIME, description="Created at this time or later (ISO 8601)."),
    OpenApiParameter("created_before", OpenApiTypes.DATETIME, description="Created before this time."),
)
_LOG_FILTERS = (
    OpenApiParameter("task_id", OpenApiTypes.UUID),
    OpenApiParameter("agent_ve_id", OpenApiTypes.STR, description="The employee number of the agent that acted."),
    OpenApiParameter("created_after", OpenApiTypes.DATETIME, description="Written at this time or later (ISO 8601)."),
    OpenApiParameter("created_before", OpenApiTypes.DATETIME, description="Written before this time."),
)
DECISION_FILTERS = (
    OpenApiParameter("action", OpenApiTypes.STR, enum=DelegationLog.Action.values, description="Several: any."),
    OpenApiParameter("status", OpenApiTypes.STR, enum=DelegationLog.Status.values, description="Several: any."),
    OpenApiParameter("agent", OpenApiTypes.STR, description="The agent type that decided."),
    *_LOG_FILTERS,
)
RULING_FILTERS = (
    OpenApiParameter("action", OpenApiTypes.STR, enum=AuthorizationLog.Action.values, description="Several: any."),
    OpenApiParameter("authorized", OpenApiTypes.BOOL, description="true: what was allowed; false: what was refused."),
    OpenApiParameter("agent", OpenApiTypes.STR, description="The agent type that was asked for."),
    *_LOG_FILTERS,
)
FINDING_FILTERS = (
    OpenApiParameter("severity", OpenApiTypes.STR, enum=LeakageLog.Severity.values, description="Several: any."),
    OpenApiParameter("action_taken", OpenApiTypes.STR, enum=LeakageLog.ActionTaken.values, description="Several: any."),
    OpenApiParameter("detection_type", OpenApiTypes.STR),
    OpenApiParameter("task_id", OpenApiTypes.UUID),
    OpenApiParameter("agent", OpenApiTypes.STR, description="The agent type that said it."),
    OpenApiParameter("created_after", OpenApiTypes.DATETIME, description="Found at this time or later (ISO 8601)."),
    OpenApiParameter("created_before", OpenApiTypes.DATETIME, description="Found before this time."),
)
QUESTION_FILTERS = (OpenApiParameter("status", OpenApiTypes.STR, enum=QuestionStatus.values),)


def narrowed_tasks(rows: QuerySet[Row], request: Request) -> QuerySet[Row]:
    """Return the tasks that the query asks for; raise ValidationFailed where it cannot be understood."""
    rows = _with_status(rows, request, TaskStatus)
    return _created_within(_named(rows, request, agent="agent_type"), request)


def narrowed_questions(rows: QuerySet[Row], request: Request) -> QuerySet[Row]:
    """Return the approvals or clarifications of the status that is asked for; as above."""
    return _with_status(rows, request, QuestionStatus)


def narrowed_decisions(rows: QuerySet[Row], request: Request) -> QuerySet[Row]:
    """Return the rows of the delegation log that the query asks for; as above."""
    rows = _with_status(rows, request, DelegationLog.Status)
    rows = _with_choice(rows, request, "action", DelegationLog.Action, column="decision_action")
    rows = _named(rows, request, agent="agent_type", agent_ve_id="agent_ve_id")
    return _created_within(_of_task(rows, request), request)


def narrowed_rulings(rows: QuerySet[Row], request: Request) -> QuerySet[Row]:
    """Return the rows of the authorisation log that the query asks for; as above."""
    rows = _with_choice(rows, request, "action", AuthorizationLog.Action)
    rows = _named(rows, request, agent="target_agent_type", agent_ve_id="agent_ve_id")
    if "authorized" in request.query_params:
        rows = rows.filter(authorized=_flag(request.query_params["authorized"], "authorized"))
    return _created_within(_of_task(rows, request), request)


def narrowed_findings(rows: QuerySet[Row], request: Request) -> QuerySet[Row]:
    """Return the findings that the query asks for; as above."""
    rows = _with_choice(rows, request, "severity", LeakageLog.Severity)
    rows = _with_choice(rows, request, "action_taken", LeakageLog.ActionTaken)
    rows = _named(rows, request, detection_type="detection_type", agent="agent_type")
    return _created_within(_of_task(rows, request), request)


def _named(rows: QuerySet[Row], request: Request, **columns: str) -> QuerySet[Row]:
    """Return the rows with exactly the names that are asked for: parameter by column."""
    asked = {name: column for name, column in columns.items() if name in request.query_params}
    return rows.filter(**{column: _plain(request.query_params[name], name) for name, column in asked.items()})


def _of_task(rows: QuerySet[Row], request: Request) -> QuerySet[Row]:
    query = request.query_params
    return rows.filter(task_id=_uuid(query["task_id"], "task_id")) if "task_id" in query else rows


def _created_within(rows: QuerySet[Row], request: Request) -> QuerySet[Row]:
    query = request.query_params
    if "created_after" in query:
        rows = rows.filter(created_at__gte=_moment(query["created_after"], "created_after"))
    if "created_before" in query:
        rows = rows.filter(created_at__lt=_moment(query["created_before"], "created_before"))
    return rows


def _with_status(rows: QuerySet[Row], request: Request, known: type[TextChoices]) -> QuerySet[Row]:
    return _with_choice(rows, request, "status", known)


def _with_choice(
    rows: QuerySet[Row], request: Request, name: str, known: type[TextChoices], *, column: str = ""
) -> QuerySet[Row]:
    asked = request.query_params.getlist(name)
    if not asked:
        return rows
    if unknown := [each for each in asked if each not in known.values]:
        raise ValidationFailed(detail=f"{name}: {unknown[0][:50]!r} is none of {', '.join(known.values)}.")
    return rows.filter(**{f"{column or name}__in": asked})


def _flag(raw: str, name: str) -> bool:
    if raw not in {"true", "false"}:
        raise ValidationFailed(detail=f"{name}: must be true or false.")
    return raw == "true"


def _uuid(raw: str, name: str) -> UUID:
    try:
        return UUID(raw)
    except ValueError as error:
        raise ValidationFailed(detail=f"{name}: must be a UUID.") from error


def _plain(raw: str, name: str) -> str:
    if "\0" in raw or len(raw) > 200:
        raise ValidationFailed(detail=f"{name}: not a name.")
    return raw


def _moment(raw: str, name: str) -> datetime:
    """Return the time; one without a zone is UTC, a date is its first moment."""
    # In a query string an unescaped + is a space.
    moment = _parsed(raw.replace(" ", "+") if raw.count(" ") == 1 and "T" in raw else raw)
    if moment is None:
        raise ValidationFailed(detail=f"{name}: must be a date and time like 2026-11-22T09:00:00Z.")
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _parsed(raw: str) -> datetime | None:
    try:
        day: Any = parse_date(raw)
        return datetime(day.year, day.month, day.day, tzinfo=UTC) if day else parse_datetime(raw)
    except ValueError:
        return None
