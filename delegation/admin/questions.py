"""What waited for a person. People decide on the live pages or through the API, never here."""

from django.contrib import admin
from django.http import HttpRequest
from unfold.decorators import display

from audit.admin import task_link
from audit.screens import CustomerFilter, ReadOnlyAdmin, ReadOnlyInline, ScopedAdmin, moment, pretty
from delegation.models import Approval, ApprovalVote, Clarification
from delegation.models.questions import ApprovalRules

QUESTION_LABELS = {
    "Open": "warning",
    "Approved": "success",
    "Answered": "success",
    "Rejected": "danger",
    "Expired": "danger",
}


class QuestionAdmin(ReadOnlyAdmin):
    needs = "task_view"
    date_hierarchy = "created_at"
    ordering = ["-id"]
    shown_fields = ""
    when = moment("created_at", "created at")
    until = moment("expires_at", "expires at")

    @display(description="status", ordering="status", label=QUESTION_LABELS)
    def state(self, row: Approval | Clarification) -> str:
        return row.get_status_display()

    @admin.display(description="task")
    def task_page(self, row: Approval | Clarification) -> str:
        return task_link(row.task_id)

    def get_fields(self, request: HttpRequest, obj: object = None) -> list[str]:  # noqa: ARG002
        return self.shown_fields.split()


class VoteInline(ReadOnlyInline):
    model = ApprovalVote
    fields = ["user", "approved", "comment", "created_at"]


@admin.register(Approval)
class ApprovalAdmin(QuestionAdmin):
    list_display = ["when", "customer_id", "task_page", "agent_from", "agent_to", "state", "votes_so_far", "until"]
    list_filter = ["status", CustomerFilter]
    search_fields = ["=id", "=task__id", "=hop__id", "=customer__id", "agent_from", "agent_to"]
    inlines = [VoteInline]
    shown_fields = (
        "created_at state customer_id task_page hop_id agent_from agent_to route rule why confidence what votes_so_far "
        "decider escalates_to escalates_at call_digest expires_at resolved_at"
    )
    why = pretty("reason")
    what = pretty("instruction")
    route = pretty("path")

    @display(description="votes")
    def votes_so_far(self, row: Approval) -> str:
        return f"{row.granted} of {row.required}"


@admin.register(ApprovalVote)
class ApprovalVoteAdmin(ReadOnlyAdmin):
    needs = "task_view"
    customer_path = "approval__customer_id"
    list_display = ["when", "user", "approved", "approval", "comment"]
    list_filter = ["approved"]
    list_select_related = ["user", "approval"]
    search_fields = ["user__username", "=approval__id", "comment"]
    date_hierarchy = "created_at"
    when = moment("created_at", "created at")


@admin.register(Clarification)
class ClarificationAdmin(QuestionAdmin):
    list_display = ["when", "customer_id", "task_page", "agent_type", "question", "state", "answered_by", "until"]
    list_filter = ["status", CustomerFilter]
    list_select_related = ["answered_by"]
    search_fields = ["=id", "=task__id", "=hop__id", "=customer__id", "agent_type", "question"]
    shown_fields = (
        "created_at state customer_id task_page hop_id agent_type asked choices given answered_by expires_at "
        "resolved_at"
    )
    asked = pretty("question")
    choices = pretty("options")
    given = pretty("answer")


@admin.register(ApprovalRules)
class ApprovalRulesAdmin(ScopedAdmin):
    needs = "agent_view"
    edits = "rule_edit"
    list_display = ["customer", "confidence_below", "seniority_from", "first_use", "quorum", "escalates_to"]
    list_filter = ["first_use", "seniority_from"]
    list_select_related = ["customer"]
    search_fields = ["=customer__id", "customer__name"]
