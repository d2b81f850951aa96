"""The three logs, to search and to read."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.decorators import display

from audit.feedback import rule_records
from audit.models import AuthorizationLog, DelegationLog, LeakageLog, LeakFeedback
from audit.screens import CustomerFilter, ReadOnlyAdmin, moment, pretty, short_link


def task_link(task_id: object) -> SafeString | str:
    """Return a link to the task's page, or the id alone where there is no such page."""
    if task_id is None:
        return ""
    try:
        return short_link(reverse("admin:delegation_task_change", args=[task_id]), task_id)
    except NoReverseMatch:
        return str(task_id)


class LogAdmin(ReadOnlyAdmin):
    needs = "audit_view"
    date_hierarchy = "created_at"
    ordering = ["-id"]
    when = moment("created_at", "created at")

    @admin.display(description="task")
    def task_page(self, row: DelegationLog | AuthorizationLog | LeakageLog) -> SafeString | str:
        return task_link(row.task_id)

    def get_fields(self, request: HttpRequest, obj: object = None) -> list[str]:  # noqa: ARG002
        return self.shown_fields.split()

    shown_fields = ""


@admin.register(DelegationLog)
class DelegationLogAdmin(LogAdmin):
    list_display = [
        "when", "customer_id", "agent_type", "decision", "delegated_to_type", "confidence_score",
        "execution_time_seconds", "delegation_depth", "outcome",
    ]  # fmt: skip
    list_filter = ["decision_action", "status", "delegation_depth", CustomerFilter]
    search_fields = ["=task__id", "=hop_id", "=customer__id", "agent_type", "agent_ve_id", "decision_reason"]
    shown_fields = (
        "created_at completed_at customer_id task_page hop_id delegation_depth agent_type agent_ve_id decision "
        "delegated_to_type confidence_score reason execution_time_seconds outcome summary error_message"
    )
    reason = pretty("decision_reason", "decision reason")
    summary = pretty("result_summary", "result summary")

    @display(
        description="decision",
        ordering="decision_action",
        label={"Handle": "success", "Delegate": "info", "Parallel": "primary", "Ask Clarification": "warning"},
    )
    def decision(self, row: DelegationLog) -> str:
        return row.get_decision_action_display() or "none"

    @display(
        description="status",
        ordering="status",
        label={"Completed": "success", "Failed": "danger", "In Progress": "info", "Pending": "warning"},
    )
    def outcome(self, row: DelegationLog) -> str:
        return row.get_status_display()


@admin.register(AuthorizationLog)
class AuthorizationLogAdmin(LogAdmin):
    list_display = [
        "when", "customer_id", "agent_ve_id", "action", "target_agent_type", "verdict", "why",
    ]  # fmt: skip
    list_filter = ["authorized", "action", CustomerFilter]
    search_fields = ["=task_id", "=customer_id", "agent_ve_id", "target_agent_type", "denied_reason"]
    shown_fields = (
        "created_at customer_id task_page agent_ve_id action target_agent_type verdict authorization_reason "
        "denied_reason headers"
    )
    headers = pretty("request_headers", "request headers")

    @admin.display(description="reason")
    def why(self, row: AuthorizationLog) -> str:
        return row.authorization_reason or row.denied_reason

    @display(description="verdict", ordering="authorized", label={"Allowed": "success", "Denied": "danger"})
    def verdict(self, row: AuthorizationLog) -> str:
        return "Allowed" if row.authorized else "Denied"


@admin.register(LeakageLog)
class LeakageLogAdmin(LogAdmin):
    list_display = [
        "when", "customer_id", "agent_type", "level", "rule", "taken", "judged", "detected_content_preview",
        "confidence",
    ]  # fmt: skip
    list_filter = ["severity", "action_taken", "detection_type", "feedback__verdict", CustomerFilter]
    list_select_related = ["feedback"]
    search_fields = ["=task_id", "=hop_id", "=customer_id", "agent_type", "agent_ve_id", "detection_type"]
    shown_fields = (
        "created_at customer_id task_page hop_id agent_type agent_ve_id level detection_type detected_content_preview "
        "confidence taken judged redacted details"
    )
    redacted = pretty("redacted_response", "redacted response")
    details = pretty("metadata")

    @display(
        description="severity",
        ordering="severity",
        label={"Critical": "danger", "High": "danger", "Warning": "warning", "Info": "info"},
    )
    def level(self, row: LeakageLog) -> str:
        return row.get_severity_display()

    @display(
        description="action taken",
        ordering="action_taken",
        label={"Blocked": "danger", "Redacted": "warning", "Flagged": "info", "Allowed": "success"},
    )
    def taken(self, row: LeakageLog) -> str:
        return row.get_action_taken_display()

    @admin.display(description="rule")
    def rule(self, row: LeakageLog) -> str:
        return str(row.metadata.get("kind", row.detection_type))

    @admin.display(description="judged")
    def judged(self, row: LeakageLog) -> SafeString | str:
        """Return what an auditor said of the finding, as a link to the form for saying it."""
        feedback = getattr(row, "feedback", None)
        said = feedback.get_verdict_display() if feedback else "Judge"
        try:
            address = reverse("admin:leak_judge", args=[row.id])
        except NoReverseMatch:
            return said
        return format_html('<a class="screen-line" href="{}">{}</a>', address, said)


@admin.register(LeakFeedback)
class LeakFeedbackAdmin(ReadOnlyAdmin):
    """What auditors said of findings, and above it what that tells of each rule."""

    needs = "audit_view"
    list_display = ["when", "customer_id", "kind", "word", "note", "by", "finding_page"]
    list_filter = ["verdict", CustomerFilter]
    search_fields = ["=kind", "note", "by", "=customer_id"]
    date_hierarchy = "at"
    fields = ["when", "customer_id", "kind", "word", "note", "by", "finding_page"]
    list_before_template = "admin/leaks/rates.html"
    when = moment("at", "at")

    class Media:
        css = {"all": ["screens/leaks.css"]}

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        records = rule_records(self.get_queryset(request))
        most = max((record.judged for record in records), default=1)
        return super().changelist_view(
            request, {**(extra_context or {}), "rule_records": records[:50], "most_judged": most}
        )

    @display(description="verdict", ordering="verdict", label={"Confirmed": "success", "False Alarm": "danger"})
    def word(self, row: LeakFeedback) -> str:
        return row.get_verdict_display()

    @admin.display(description="finding")
    def finding_page(self, row: LeakFeedback) -> SafeString:
        return short_link(reverse("admin:audit_leakagelog_change", args=[row.pk]), row.pk)
