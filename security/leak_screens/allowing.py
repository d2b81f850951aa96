"""The allow-list: what auditors have found to be no leak, until it expires."""

from datetime import timedelta
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.views.decorators.debug import sensitive_post_parameters
from unfold.decorators import display
from unfold.widgets import UnfoldAdminTextInputWidget

from audit.screens import CustomerFilter, ScopedAdmin, moment
from security.errors import ValidationFailed
from security.leak_models import AllowedFinding
from security.leak_services import LONGEST_ALLOWED, allowed_end, finding_allow
from security.roles import Permission


class AllowedFindingForm(forms.ModelForm):  # type: ignore[type-arg]  # generic for the checker alone
    value = forms.CharField(
        required=False,
        strip=False,
        widget=UnfoldAdminTextInputWidget(attrs={"autocomplete": "off", "spellcheck": "false"}),
        help_text="Exactly as the agent writes it; only a keyed digest of it is kept. Empty: all that the rule finds, "
        "except critical credentials.",
    )

    class Meta:
        model = AllowedFinding
        fields = ("customer", "kind", "reason", "expires_at")

    def clean_kind(self) -> str:
        kind: str = self.cleaned_data["kind"]
        if kind.startswith("tenant_"):
            raise forms.ValidationError("Another customer's data is never allowed.")
        return kind

    def clean_expires_at(self) -> Any:
        expires_at, now = self.cleaned_data["expires_at"], timezone.now()
        if not now < expires_at <= now + LONGEST_ALLOWED:
            raise forms.ValidationError("Choose a time within the next 366 days.")
        return expires_at

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if not cleaned.get("kind") and not (cleaned.get("value") or "").strip():
            raise forms.ValidationError("Name a rule, a value, or both.")
        return cleaned

    def _post_clean(self) -> None:
        # A value alone says enough, which the row does not know before it is saved.
        self.instance.fingerprint = "pending"
        super()._post_clean()  # type: ignore[misc]  # of Django's form
        self.instance.fingerprint = ""


@admin.register(AllowedFinding)
@method_decorator(sensitive_post_parameters("value"), name="add_view")
class AllowedFindingAdmin(ScopedAdmin):
    needs = Permission.AUDIT_VIEW
    edits = Permission.LEAK_JUDGE
    list_display = ["what", "customer_id", "state", "reason", "owner", "until"]
    list_filter = [CustomerFilter]
    list_select_related = ["owner"]
    search_fields = ["kind", "reason", "owner__username", "=customer__id"]
    actions = ["end_now"]
    until = moment("expires_at", "expires at")
    when = moment("created_at", "created at")

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:  # noqa: ARG002
        return False

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:  # noqa: ARG002
        return False

    def has_end_permission(self, request: HttpRequest) -> bool:
        return self.has_add_permission(request)

    def get_form(self, request: HttpRequest, obj: AllowedFinding | None = None, **kwargs: Any) -> Any:
        return super().get_form(request, obj, **kwargs if obj else kwargs | {"form": AllowedFindingForm})

    def get_fields(self, request: HttpRequest, obj: AllowedFinding | None = None) -> list[str]:  # noqa: ARG002
        shown = ["customer", "what", "state", "reason", "owner", "when", "until"]
        return shown if obj else ["customer", "kind", "value", "reason", "expires_at"]

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        return {"expires_at": timezone.now() + timedelta(days=30), **super().get_changeform_initial_data(request)}

    def save_model(self, request: HttpRequest, obj: AllowedFinding, form: Any, change: bool) -> None:  # noqa: ARG002, FBT001
        cleaned = form.cleaned_data
        try:
            finding_allow(
                customer_id=obj.customer_id,
                kind=obj.kind,
                value=cleaned["value"],
                reason=obj.reason,
                owner_id=request.user.pk or 0,
                expires_at=obj.expires_at,
                now=timezone.now(),
            )
        except ValidationFailed as error:
            messages.error(request, error.user_message)
        else:
            messages.success(request, "Allowed. Workers heed it within a second.")

    def log_addition(self, request: HttpRequest, obj: AllowedFinding, message: Any) -> None:
        """Leave the admin's own history alone: the row itself says who allowed it and when."""

    def response_add(self, *_: Any, **__: Any) -> HttpResponse:
        return redirect("admin:security_allowedfinding_changelist")

    @admin.action(description="End now", permissions=["end"])
    def end_now(self, request: HttpRequest, chosen: QuerySet[AllowedFinding]) -> None:
        for entry in self.customers_edited(chosen, request, "customer_id"):
            allowed_end(customer_id=entry.customer_id, entry_id=entry.pk, now=timezone.now())
        messages.success(request, "Ended. Workers heed it within a second.")

    @display(description="what")
    def what(self, row: AllowedFinding) -> str:
        return str(row)

    @display(description="state", label={"in force": "warning", "expired": "info"})
    def state(self, row: AllowedFinding) -> str:
        return "in force" if row.expires_at > timezone.now() else "expired"
