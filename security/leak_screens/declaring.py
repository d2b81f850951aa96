"""What a customer declares its own: canary tokens, and values that only their digests are kept of."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.decorators import method_decorator
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.views.decorators.debug import sensitive_post_parameters
from unfold.decorators import display
from unfold.widgets import UnfoldAdminTextareaWidget

from audit.screens import CustomerFilter, ScopedAdmin, moment
from security.errors import ValidationFailed
from security.fingerprints import fingerprint_key, key_id
from security.leak_models import Canary, RegisteredValue
from security.leak_services import MOST_AT_ONCE, values_register
from security.leakage import ValueRefused, registered_digest
from security.roles import Permission


@admin.register(Canary)
class CanaryAdmin(ScopedAdmin):
    needs = edits = Permission.LEAK_EDIT
    list_display = ["token_shown", "planted", "customer_id", "created_by", "when"]
    list_filter = [CustomerFilter]
    list_select_related = ["created_by"]
    search_fields = ["=token", "planted", "=customer__id"]
    fields = ["customer", "planted", "token_shown", "created_by", "created_at"]
    when = moment("created_at", "created at")

    def get_readonly_fields(self, request: HttpRequest, obj: Canary | None = None) -> list[str]:  # noqa: ARG002
        own = ["token_shown", "created_by", "created_at"]
        return ["customer", *own] if obj else own

    def save_model(self, request: HttpRequest, obj: Canary, form: Any, change: bool) -> None:  # noqa: FBT001  Django's
        if not change:
            obj.created_by_id = request.user.pk
        super().save_model(request, obj, form, change)
        if not change:
            messages.info(request, f"Put this token where it belongs ({obj.planted}): {obj.token}")

    @display(description="token", ordering="token")
    def token_shown(self, row: Canary) -> SafeString:
        return format_html(
            '<code class="screen-line">{}</code>', "drawn when saved" if row._state.adding else row.token
        )


class RegisteredValueForm(forms.ModelForm):  # type: ignore[type-arg]  # generic for the checker alone
    values = forms.CharField(
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 8, "autocomplete": "off", "spellcheck": "false"}),
        strip=False,
        help_text="One a line: names of projects, account numbers, code words. Only digests of them are kept; nobody, "
        "you included, can read them again. Case and the width of blanks do not count.",
    )

    class Meta:
        model = RegisteredValue
        fields = ("customer", "label")

    def clean_values(self) -> list[str]:
        lines = [line for line in self.cleaned_data["values"].splitlines() if line.strip()]
        if len(lines) > MOST_AT_ONCE:
            raise forms.ValidationError(f"At most {MOST_AT_ONCE} at once.")
        for number, line in enumerate(lines, 1):
            try:
                registered_digest(line, fingerprint_key())
            except ValueRefused as error:
                raise forms.ValidationError(f"Number {number} cannot be looked for. {error}") from error
        return lines


@admin.register(RegisteredValue)
@method_decorator(sensitive_post_parameters("values"), name="add_view")
class RegisteredValueAdmin(ScopedAdmin):
    needs = edits = Permission.LEAK_EDIT
    list_display = ["label", "customer_id", "state", "created_by", "when"]
    list_filter = [CustomerFilter]
    list_select_related = ["created_by"]
    search_fields = ["label", "=customer__id"]
    when = moment("created_at", "registered at")

    def get_form(self, request: HttpRequest, obj: RegisteredValue | None = None, **kwargs: Any) -> Any:
        return super().get_form(request, obj, **kwargs if obj else kwargs | {"form": RegisteredValueForm})

    def get_fields(self, request: HttpRequest, obj: RegisteredValue | None = None) -> list[str]:  # noqa: ARG002
        return ["customer", "label", "state", "created_by", "created_at"] if obj else ["customer", "label", "values"]

    def get_readonly_fields(self, request: HttpRequest, obj: RegisteredValue | None = None) -> list[str]:  # noqa: ARG002
        return ["customer", "state", "created_by", "created_at"] if obj else []

    def save_model(self, request: HttpRequest, obj: RegisteredValue, form: Any, change: bool) -> None:  # noqa: FBT001
        if change:
            super().save_model(request, obj, form, change)
            return
        try:
            done = values_register(
                customer_id=obj.customer_id,
                values=form.cleaned_data["values"],
                label=obj.label,
                user_id=request.user.pk,
            )
        except ValidationFailed as error:
            messages.error(request, error.user_message)
            return
        known = f" {done.known} were registered before." if done.known else ""
        messages.success(request, f"Values registered: {done.added}.{known}")

    def log_addition(self, request: HttpRequest, obj: RegisteredValue, message: Any) -> None:
        """Leave the admin's own history alone: one form may register many rows, or none."""

    def response_add(self, *_: Any, **__: Any) -> HttpResponse:
        return redirect("admin:security_registeredvalue_changelist")

    @display(description="state", label={"looked for": "success", "of another key: register again": "danger"})
    def state(self, row: RegisteredValue) -> str:
        return "looked for" if row.key_id == key_id() else "of another key: register again"
