"""A customer's agents, and the workers that call them."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from unfold.decorators import display

from audit.screens import CustomerFilter, ReadOnlyAdmin, ScopedAdmin, pretty
from delegation.admin.credentials import CREDENTIAL_FIELDS, SHOWN_WHEN, CredentialFields
from delegation.models import Agent, Worker
from delegation.services.addresses import address_policy
from delegation.services.agents import agent_check, agent_switched
from delegation.services.credentials import check_credential_stays, credential_set
from security.errors import PlatformError
from security.services import principal_of_user


class AgentForm(CredentialFields):
    class Meta:
        model = Agent
        fields = (
            "customer agent_type ve_id name description seniority skills endpoint_url timeout_seconds max_concurrency "
            "is_root requires_approval restricted enabled in_flight disabled_reason calls_per_hour expected_tokens "
            "expected_cost_usd"
        ).split()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "in_flight" in self.fields:
            # What is not sent stays as it is.
            self.fields["in_flight"].required = False

    def clean_endpoint_url(self) -> str:
        """Refuse an address that agents may not live on."""
        url = str(self.cleaned_data["endpoint_url"])
        try:
            address_policy().check_url(url)
        except PlatformError as error:
            raise forms.ValidationError(error.user_message) from error
        return url

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if not self.errors and not self.choice:
            try:
                check_credential_stays(self.instance, before=self.address_before, after=cleaned["endpoint_url"])
            except PlatformError as error:
                self.add_error("credential_choice", error.user_message)
        return cleaned

    def clean_skills(self) -> list[str]:
        skills = self.cleaned_data["skills"] or []
        if not isinstance(skills, list) or not all(isinstance(skill, str) for skill in skills):
            raise forms.ValidationError('Write a list of words: ["writing", "numbers"].')
        return skills


@admin.register(Agent)
class AgentAdmin(ScopedAdmin):
    needs = "agent_view"
    edits = "agent_edit"
    form = AgentForm
    list_display = ["name", "agent_type", "customer_id", "ve_id", "rank", "is_root", "requires_approval", "enabled"]
    list_filter = ["seniority", "enabled", "requires_approval", "is_root", CustomerFilter]
    search_fields = ["name", "agent_type", "ve_id", "=customer__id", "endpoint_url"]
    date_hierarchy = "created_at"
    actions = ["check_now"]
    conditional_fields = SHOWN_WHEN
    readonly_fields = ["credential_shown", "card_shown", "card_fetched_at", "created_at"]
    fieldsets = [
        (None, {"fields": ["customer", ("agent_type", "ve_id"), ("name", "seniority"), "description", "skills"]}),
        ("Where it is called", {"fields": ["endpoint_url", ("timeout_seconds", "max_concurrency")]}),
        ("Its own credential", {"fields": ["credential_shown", "credential_choice", *CREDENTIAL_FIELDS]}),
        ("Rules", {"fields": ["is_root", "requires_approval", "restricted"]}),
        ("Switch", {"fields": ["enabled", "in_flight", "disabled_reason"]}),
        ("Limits", {"fields": ["calls_per_hour", ("expected_tokens", "expected_cost_usd")]}),
        ("Card", {"fields": ["card_fetched_at", "card_shown", "created_at"], "classes": ["collapse"]}),
    ]
    card_shown = pretty("card", "agent card")

    @display(description="seniority", ordering="seniority", label=True)
    def rank(self, row: Agent) -> str:
        return row.get_seniority_display()

    @display(description="credential")
    def credential_shown(self, row: Agent) -> str:
        return f"{row.credential_kind}, set {row.credential_set_at:%d %b %Y %H:%M}" if row.credential_kind else "none"

    def save_model(self, request: HttpRequest, obj: Agent, form: Any, change: bool) -> None:  # noqa: FBT001
        if form.choice:
            credential_set(obj, form.credential, now=timezone.now())
        if obj.enabled:
            obj.disabled_reason = ""
        super().save_model(request, obj, form, change)
        if change and {"enabled", "in_flight"} & {*form.changed_data}:
            agent_switched(obj, by=f"{request.user.get_username()} (admin)", now=timezone.now())

    def get_readonly_fields(self, request: HttpRequest, obj: Agent | None = None) -> list[str]:  # noqa: ARG002
        # An employee does not change its employer: its tasks and logs would change theirs.
        return ["customer", *self.readonly_fields] if obj else self.readonly_fields

    @admin.action(description="Check now: fetch the agent's card")
    def check_now(self, request: HttpRequest, chosen: QuerySet[Agent]) -> None:
        assert request.user.is_authenticated
        for agent in chosen[:20]:
            try:
                principal = principal_of_user(request.user, agent.customer_id)
                check = agent_check(principal=principal, agent_id=agent.id, now=timezone.now())
            except PlatformError as error:
                messages.error(request, f"{agent}: {error.user_message}")
                continue
            if check.error is None:
                messages.success(request, f"{agent} answers ({check.response_time_seconds:.2f} s).")
            else:
                messages.warning(request, f"{agent}: {check.error['message']}")


@admin.register(Worker)
class WorkerAdmin(ReadOnlyAdmin):
    """Worker processes belong to the installation, so only those who run it see them."""

    list_display = ["name", "id", "started_at", "seen_at"]
    search_fields = ["name", "=id"]
    date_hierarchy = "started_at"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Worker]:
        rows = Worker.objects.all()
        return rows if self.access.is_of_platform(request.user) else rows.none()
