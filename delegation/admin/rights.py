"""What departs from rank and role: rules for pairs of agents, and grants of single agents to people."""

from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
from django.http import HttpRequest
from unfold.decorators import display

from audit.screens import CustomerFilter, ScopedAdmin, moment
from delegation.models import AgentGrant, DelegationRule
from security.models import Membership


class DelegationRuleForm(forms.ModelForm):  # type: ignore[type-arg]  # generic for the checker alone
    class Meta:
        model = DelegationRule
        fields = ("customer", "agent_from", "agent_to", "effect", "reason")

    def clean(self) -> dict[str, Any]:
        """Refuse a pair that is not the customer's own."""
        cleaned = super().clean() or {}
        customer, pair = cleaned.get("customer"), [cleaned.get("agent_from"), cleaned.get("agent_to")]
        if customer and any(agent is not None and agent.customer_id != customer.pk for agent in pair):
            raise forms.ValidationError("Both agents must be the customer's own.")
        return cleaned


@admin.register(DelegationRule)
class DelegationRuleAdmin(ScopedAdmin):
    needs = "agent_view"
    edits = "rule_edit"
    form = DelegationRuleForm
    list_display = ["customer_id", "agent_from", "agent_to", "kind", "reason", "owner", "created_at"]
    list_filter = ["effect", CustomerFilter]
    list_select_related = ["agent_from", "agent_to", "owner"]
    search_fields = ["=id", "=customer__id", "agent_from__agent_type", "agent_to__agent_type", "reason"]
    date_hierarchy = "created_at"
    readonly_fields = ["owner", "created_at"]

    @display(description="effect", ordering="effect", label={"Allow": "success", "Deny": "danger"})
    def kind(self, row: DelegationRule) -> str:
        return row.get_effect_display()

    def save_model(self, request: HttpRequest, obj: DelegationRule, form: Any, change: bool) -> None:  # noqa: FBT001
        obj.owner_id = request.user.pk
        super().save_model(request, obj, form, change)


class AgentGrantForm(forms.ModelForm):  # type: ignore[type-arg]  # generic for the checker alone
    class Meta:
        model = AgentGrant
        fields = ("content_object", "user", "permission")

    def clean(self) -> dict[str, Any]:
        """Refuse a person who does not belong to the agent's customer."""
        cleaned = super().clean() or {}
        agent, user = cleaned.get("content_object"), cleaned.get("user")
        belongs = Membership.objects.filter(user=user, customer_id=agent.customer_id) if agent and user else None
        if belongs is not None and not belongs.exists():
            raise forms.ValidationError("The person is no member of the agent's customer.")
        return cleaned


@admin.register(AgentGrant)
class AgentGrantAdmin(ScopedAdmin):
    needs = "people_view"
    edits = "rule_edit"
    form = AgentGrantForm
    customer_path = "content_object__customer_id"
    list_display = ["when", "customer", "content_object", "user", "permission"]
    list_filter = ["permission__codename"]
    list_select_related = ["content_object", "user", "permission"]
    search_fields = ["content_object__agent_type", "=content_object__customer__id", "user__username"]
    date_hierarchy = "created_at"
    when = moment("created_at", "created at")

    @admin.display(description="customer", ordering="content_object__customer_id")
    def customer(self, row: AgentGrant) -> str:
        return row.content_object.customer_id

    def formfield_for_foreignkey(self, field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """Offer the grants of an agent, and the people of the customers where the person may edit."""
        if field.name == "permission":
            kwargs["queryset"] = Permission.objects.filter(codename__in=("invoke_agent", "approve_agent"))
        elif field.name == "user":
            members = self.customers_edited(Membership.objects.active(), request, "customer_id")
            kwargs["queryset"] = get_user_model().objects.filter(pk__in=members.values("user_id"))
        return super().formfield_for_foreignkey(field, request, **kwargs)
