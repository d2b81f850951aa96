"""Tasks with their trees of hops, the hops themselves, and the events that told of them."""

from typing import Any
from uuid import UUID

from django.contrib import admin, messages
from django.db.models import QuerySet, prefetch_related_objects
from django.db.models.functions import Left
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.decorators import display

from audit.admin import task_link
from audit.screens import CustomerFilter, ReadOnlyAdmin, is_list, moment, pretty, short_link
from delegation.live import pages
from delegation.models import Agent, Hop, Task, TaskEvent
from delegation.services.budgets import task_budget
from delegation.services.tasks import task_cancel
from delegation.templatetags.live import cost as written_cost
from security.errors import PlatformError
from security.services import principal_of_user

STATUS_LABELS = {
    "Working": "info",
    "Running": "info",
    "Input Required": "warning",
    "Waiting": "warning",
    "Completed": "success",
    "Failed": "danger",
    "Rejected": "danger",
}


@admin.register(Task)
class TaskAdmin(ReadOnlyAdmin):
    needs = "task_view"
    list_display = ["when", "customer_id", "headline", "agent_type", "priority", "state", "hop_count", "cost"]
    list_display_links = ["headline"]
    list_filter = ["status", "priority", CustomerFilter]
    search_fields = ["=id", "=customer__id", "agent_type", "message", "=trace_id"]
    date_hierarchy = "created_at"
    ordering = ["-id"]
    actions = ["cancel"]
    change_form_after_template = "admin/delegation/task/tree.html"
    fieldsets = [
        (None, {"fields": [
            ("state", "priority"), ("customer_id", "created_by"), ("agent_type", "hop_count"),
            ("cost_usd", "input_tokens", "output_tokens"), "budget", ("created_at", "started_at", "completed_at"),
            ("error_code", "error_message"),
        ]}),
        ("Request", {"fields": ["asked"], "classes": ["tab"]}),
        ("Result", {"fields": ["came_of_it"], "classes": ["tab"]}),
        ("Technical", {
            "fields": ["id", "trace_id", "deadline_at", "hop_budget", "depth_reached", "last_seq", "details"],
            "classes": ["tab"],
        }),
    ]  # fmt: skip
    when = moment("created_at", "created at")
    asked = pretty("message", "request")
    came_of_it = pretty("result")
    details = pretty("metadata")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Task]:
        tasks: QuerySet[Task] = super().get_queryset(request)
        if is_list(request):
            # Each message may be a megabyte; a list shows its beginning.
            tasks = tasks.defer("message", "result", "metadata", "error_message")
        return tasks.annotate(beginning=Left("message", 80))

    @display(description="task")
    def headline(self, row: Task) -> str:
        return row.beginning  # type: ignore[attr-defined,no-any-return]

    @display(description="status", ordering="status", label=STATUS_LABELS)
    def state(self, row: Task) -> str:
        return row.get_status_display()

    @display(description="cost", ordering="cost_usd")
    def cost(self, row: Task) -> str:
        return written_cost(row.cost_usd)

    @display(description="budget left")
    def budget(self, row: Task) -> str:
        budget = task_budget(row)
        if budget is None:
            return "unlimited"
        parts = []
        if budget.tokens is not None:
            parts.append(f"{budget.tokens.left:,} of {budget.tokens.allowed:,} tokens")
        if budget.cost_usd is not None:
            parts.append(f"${budget.cost_usd.left:,.4f} of ${budget.cost_usd.allowed:,.4f}")
        return ", ".join(parts)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        task = self.get_object(request, object_id)
        context = {"tree": task_tree(task) if task else (), **(extra_context or {})}
        shown: HttpResponse = super().change_view(request, object_id, form_url, context)
        return shown

    @admin.action(description="Cancel the selected tasks")
    def cancel(self, request: HttpRequest, chosen: QuerySet[Task]) -> None:
        assert request.user.is_authenticated
        canceled = 0
        for task_id, customer_id in chosen.values_list("id", "customer_id"):
            try:
                principal = principal_of_user(request.user, customer_id)
                task_cancel(principal=principal, task_id=task_id, now=timezone.now())
                canceled += 1
            except PlatformError as error:
                messages.error(request, f"{task_id}: {error.user_message}")
        if canceled:
            messages.success(request, f"{canceled} task{'' if canceled == 1 else 's'} canceled.")


def task_tree(task: Task) -> tuple[pages.Branch, ...]:
    """Return the task's hops as a tree, in a few queries however many there are."""
    hops = list(task.hops.select_related("approval", "clarification").order_by("id"))
    prefetch_related_objects(hops, "approval__votes__user")
    names = dict(Agent.objects.of_customer(task.customer_id).values_list("agent_type", "name"))
    return pages.tree([pages.hop_state(hop, names) for hop in hops])


@admin.register(Hop)
class HopAdmin(ReadOnlyAdmin):
    needs = "task_view"
    list_display = [
        "when", "customer_id", "task_page", "agent", "depth", "attempt", "state", "action", "delegated_to",
        "confidence", "findings", "cost",
    ]  # fmt: skip
    list_filter = ["status", "action", "depth", CustomerFilter]
    search_fields = ["=id", "=task__id", "=customer__id", "agent_type", "agent_ve_id", "=error_code"]
    ordering = ["-id"]
    fields = [
        "task_page", ("state", "action"), ("agent_type", "agent_ve_id"), ("depth", "attempt", "branch"), "route",
        "delegated_to", "confidence", "why", "what", "came_of_it", ("error_code", "error_message"),
        ("cost_usd", "input_tokens", "output_tokens"), "found", ("created_at", "started_at", "completed_at"),
        ("parent_page", "resumes_page"), ("owner", "claim", "polls", "tries", "pending_branches"),
        "remote_task_id", "due_at",
    ]  # fmt: skip
    when = moment("created_at", "created at")
    why = pretty("reason")
    what = pretty("instruction")
    came_of_it = pretty("result")
    route = pretty("path")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Hop]:
        hops = super().get_queryset(request)
        if is_list(request):
            hops = hops.defer("instruction", "result", "reason", "path", "error_message")
        return hops

    @display(description="status", ordering="status", label=STATUS_LABELS)
    def state(self, row: Hop) -> str:
        return row.get_status_display()

    @admin.display(description="task")
    def task_page(self, row: Hop) -> str:
        return task_link(row.task_id)

    @admin.display(description="agent", ordering="agent_type")
    def agent(self, row: Hop) -> SafeString:
        return format_html('<span class="screen-line">{}</span>', row.agent_type)

    @display(description="cost", ordering="cost_usd")
    def cost(self, row: Hop) -> str:
        return written_cost(row.cost_usd)

    @admin.display(description="delegated by")
    def parent_page(self, row: Hop) -> str:
        return _hop_link(row.parent_id)

    @admin.display(description="goes on from")
    def resumes_page(self, row: Hop) -> str:
        return _hop_link(row.resumes_id)

    @admin.display(description="findings")
    def found(self, row: Hop) -> str:
        if not row.findings:
            return "none"
        found_by = f"{reverse('admin:audit_leakagelog_changelist')}?hop_id__exact={row.id}"
        return format_html('<a href="{}">{}</a>', found_by, row.findings)


def _hop_link(hop_id: UUID | None) -> str:
    if hop_id is None:
        return ""
    return short_link(reverse("admin:delegation_hop_change", args=[hop_id]), hop_id)


@admin.register(TaskEvent)
class TaskEventAdmin(ReadOnlyAdmin):
    needs = "task_view"
    list_display = ["when", "customer_id", "task_page", "seq", "type"]
    list_display_links = ["seq"]
    list_filter = [CustomerFilter]
    search_fields = ["=task__id", "=customer__id", "=type"]
    ordering = ["-id"]
    fields = ["at", "customer_id", "task_page", "seq", "type", "told"]
    when = moment("at", "at")
    told = pretty("data")

    @admin.display(description="task")
    def task_page(self, row: TaskEvent) -> str:
        return task_link(row.task_id)
