"""The operators' pages: a session's door to the services. It translates and holds no rule of its own."""

from collections.abc import Callable, Iterator
from functools import wraps
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.contrib.auth import logout
from django.contrib.auth.decorators import login_required
from django.db.models import QuerySet, prefetch_related_objects
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from delegation.live import pages
from delegation.live.forms import AnswerForm, TaskForm, VoteForm
from delegation.models import Task
from delegation.services import agents as agent_services
from delegation.services import questions
from delegation.services import tasks as task_services
from delegation.services.reach import agents_at_work_for, approvable_agents
from delegation.states import TASK_ENDED, TaskStatus
from security.credentials import CUSTOMER_NAMES, only_match
from security.errors import AuthFailed, NotFound, PlatformError, ValidationFailed
from security.principal import Principal
from security.roles import Permission
from security.rows import customer_rows, platform_rows
from security.services import principal_of_user
from security.testimony import record_refusal, record_users_refusal

# The session's key for the customer that a person of several has chosen.
CUSTOMER_KEY = "customer_id"
SHOWN = {
    "all": ("All", ()),
    "waiting": ("Needs input", (TaskStatus.INPUT_REQUIRED,)),
    "running": ("Running", (TaskStatus.SUBMITTED, TaskStatus.WORKING)),
    "ended": ("Ended", tuple(sorted(TASK_ENDED))),
}

View = Callable[..., HttpResponseBase]


def member_page(view: View) -> View:
    """Hand the view the person's principal; send others to sign in, or say that they belong to no customer."""

    @login_required
    @wraps(view)
    def guarded(request: HttpRequest, **kwargs: Any) -> HttpResponseBase:
        try:
            principal = _principal(request)
        except AuthFailed:
            response = render(request, "live/no_membership.html", status=403)
            if not request.user.is_staff:
                # With the membership the session ends: to go on the person signs in again, as whoever they are then.
                logout(request)
            return response
        try:
            with customer_rows(principal.customer_id):
                only_match(principal, _named(request))
                return view(request, principal, **kwargs)
        except (NotFound, Http404) as error:
            refusal = error if isinstance(error, NotFound) else NotFound(internal=f"nothing at {request.path}")
            record_refusal(principal, refusal)
            raise Http404 from error

    return guarded


def _named(request: HttpRequest) -> Iterator[tuple[str, object]]:
    yield "X-Customer-ID", request.headers.get("X-Customer-ID")
    for name in CUSTOMER_NAMES:
        yield from ((f"the query's {name}", each) for each in request.GET.getlist(name))
        yield from ((f"the form's {name}", each) for each in request.POST.getlist(name))


def _principal(request: HttpRequest) -> Principal:
    assert request.user.is_authenticated
    chosen = request.session.get(CUSTOMER_KEY)
    if chosen:
        try:
            return principal_of_user(request.user, chosen)
        except AuthFailed:  # No longer a member there: the first that still employs the person.
            del request.session[CUSTOMER_KEY]
    return principal_of_user(request.user)


def _surroundings(request: HttpRequest, principal: Principal) -> dict[str, Any]:
    """Return what every page shows around its content, and what the person's role lets them do."""
    assert request.user.is_authenticated
    memberships = request.user.memberships.filter(customer__is_active=True).select_related("customer")
    with platform_rows():  # Also where else the person could go on.
        customers = {membership.customer_id: membership.customer.name for membership in memberships}
    return {
        "principal": principal,
        "customers": customers,
        "customer_name": customers.get(principal.customer_id, principal.customer_id),
        "may": {permission.value: principal.may(permission) for permission in Permission},
    }


@require_http_methods(["GET", "HEAD", "POST"])
@member_page
def tasks(request: HttpRequest, principal: Principal) -> HttpResponse:
    """Show the customer's tasks, newest first; take a new one."""
    agents = agents_at_work_for(principal)
    form = TaskForm(request.POST or None, agents=agents)
    if request.method == "POST" and form.is_valid() and (submitted := _submit(request, principal, form)):
        return redirect("live:task", task_id=submitted.id)
    shown = request.GET.get("show", "all")
    if shown not in SHOWN:
        raise Http404
    statuses = SHOWN[shown][1]
    visible = task_services.tasks_visible(principal)
    page = pages.list_page(
        visible.filter(status__in=statuses) if statuses else visible,
        before=_cursor(request, "before"),
        after=_cursor(request, "after"),
    )
    context = {"form": form, "page": page, "shown": shown, "filters": SHOWN, "labels": pages.TASK_LABELS}
    context |= {"may_submit": bool(agents) or principal.may(Permission.TASK_SUBMIT)}
    status = 400 if request.method == "POST" else 200
    return render(request, "live/tasks.html", {**_surroundings(request, principal), **context}, status=status)


def _submit(request: HttpRequest, principal: Principal, form: TaskForm) -> Task | None:
    """Return the task, or None with the refusal on the page: among the form's errors, if the person has the form."""
    try:
        return task_services.task_submit(
            principal=principal,
            message=form.cleaned_data["message"],
            agent_type=form.cleaned_data["agent"] or None,
            priority=form.cleaned_data["priority"],
            now=timezone.now(),
        ).task
    except AuthFailed as error:
        messages.error(request, error.user_message)
        return None
    except PlatformError as error:
        form.add_error("message" if isinstance(error, ValidationFailed) else None, error.user_message)
        return None


def _cursor(request: HttpRequest, name: str) -> UUID | None:
    """Return the cursor in the query, if any. One that cannot be read leads nowhere: 404."""
    value = request.GET.get(name)
    try:
        return UUID(value) if value else None
    except ValueError as error:
        raise Http404 from error


@require_GET
@member_page
def task(request: HttpRequest, principal: Principal, task_id: UUID) -> HttpResponse:
    """Show a task with its tree; the browser follows from the number of its newest event."""
    found = task_services.task_get(principal=principal, task_id=task_id)
    names = dict(agent_services.agents_visible(principal).values_list("agent_type", "name"))
    rows = task_services.hops_of(principal=principal, task_id=task_id)
    prefetch_related_objects(rows, "approval__votes__user")
    hops = [pages.hop_state(one, names) for one in rows]
    context = {
        "task": found,
        "status_label": pages.TASK_LABELS[TaskStatus(found.status)],
        "agent_name": names.get(found.agent_type, found.agent_type),
        "result": pages.as_text(found.result),
        "own": found.created_by_id == principal.user_id,
        "approvable": approvable_agents(principal),
        "ended": found.status in TASK_ENDED,
        "unstarted": found.status == TaskStatus.SUBMITTED and not hops,
        "tree": pages.tree(hops),
        "state": pages.browser_state(found, hops, agent_names=names, role=principal.role),
        "waiting": [one for one in hops if one.waiting_for in {"approval", "answer"}],
    }
    return render(request, "live/task.html", {**_surroundings(request, principal), **context})


@require_GET
@member_page
def hop(request: HttpRequest, principal: Principal, task_id: UUID, hop_id: UUID) -> HttpResponse:
    """Show one invocation with its texts in full."""
    found = next((one for one in task_services.hops_of(principal=principal, task_id=task_id) if one.id == hop_id), None)
    if found is None:
        raise Http404
    names = dict(agent_services.agents_visible(principal).values_list("agent_type", "name"))
    context = {"hop": found, "state": pages.hop_state(found, names), "result": pages.as_text(found.result)}
    return render(request, "live/hop.html", {**_surroundings(request, principal), **context})


@require_POST
@member_page
def start(request: HttpRequest, principal: Principal, task_id: UUID) -> HttpResponse:
    """Start a task that was saved without being started."""
    return _carry_out(
        request,
        task_id,
        lambda: task_services.task_execute(principal=principal, task_id=task_id, now=timezone.now()),
    )


@require_POST
@member_page
def cancel(request: HttpRequest, principal: Principal, task_id: UUID) -> HttpResponse:
    """Cancel a task with everything under it."""
    return _carry_out(
        request,
        task_id,
        lambda: task_services.task_cancel(principal=principal, task_id=task_id, now=timezone.now()),
    )


@require_POST
@member_page
def vote(request: HttpRequest, principal: Principal, approval_id: UUID) -> HttpResponse:
    """Take a person's word on an approval."""
    form = VoteForm(request.POST)
    return _carry_out(
        request,
        _task_of(questions.approvals_visible(principal), approval_id),
        lambda: questions.approval_vote(
            principal=principal,
            approval_id=approval_id,
            approved=_checked(form)["verdict"] == "approve",
            comment=form.cleaned_data["comment"],
            now=timezone.now(),
        ),
    )


@require_POST
@member_page
def answer(request: HttpRequest, principal: Principal, clarification_id: UUID) -> HttpResponse:
    """Take a person's answer to an agent's question."""
    form = AnswerForm(request.POST)
    return _carry_out(
        request,
        _task_of(questions.clarifications_visible(principal), clarification_id),
        lambda: questions.clarification_answer(
            principal=principal,
            clarification_id=clarification_id,
            answer=_checked(form)["answer"],
            now=timezone.now(),
        ),
    )


def _task_of(visible: QuerySet[Any], question_id: UUID) -> UUID:
    """Return the task that the question belongs to, of those that the person may see."""
    task_id: UUID | None = visible.filter(id=question_id).values_list("task_id", flat=True).first()
    if task_id is None:
        raise Http404
    return task_id


def _checked(form: forms.Form) -> dict[str, Any]:
    """Return what the form holds, or raise ValidationFailed with its first complaint."""
    if not form.is_valid():
        raise ValidationFailed(detail=str(next(iter(form.errors.values()))[0]))
    return form.cleaned_data


def _carry_out(request: HttpRequest, task_id: UUID, act: Callable[[], object]) -> HttpResponse:
    """Call the service; tell a script in JSON and anyone else by a message on the task's page."""
    wants_json = request.headers.get("Accept") == "application/json"
    try:
        act()
    except NotFound:
        raise
    except PlatformError as error:
        if wants_json:
            return JsonResponse({"error": error.user_message, "code": error.code}, status=error.status)
        messages.error(request, error.user_message)
    return JsonResponse({"ok": True}) if wants_json else redirect("live:task", task_id=task_id)


@require_POST
@login_required
def customer_choose(request: HttpRequest) -> HttpResponse:
    """Go on as a member of another customer that employs the person."""
    assert request.user.is_authenticated
    try:
        request.session[CUSTOMER_KEY] = principal_of_user(request.user, request.POST.get("customer", "")).customer_id
    except AuthFailed as error:
        record_users_refusal(request.user, what="chose a customer that does not employ them")
        raise Http404 from error
    return redirect("live:tasks")
