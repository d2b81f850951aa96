"""What a customer wants done about findings."""

from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest
from unfold.decorators import display
from unfold.widgets import UnfoldAdminSelectWidget

from audit.screens import CustomerFilter, ScopedAdmin, moment
from security.leak_choices import CASES, check_actions, check_kinds, policy_of, weakest
from security.leak_models import LeakPolicy
from security.leakage import DEFAULTS, Action, DetectionType, Severity
from security.roles import Permission

TITLES = {
    DetectionType.CREDENTIAL: "Credentials",
    DetectionType.PERSONAL: "Personal data",
    DetectionType.TENANT: "Another customer's data",
}
_MEANS = {
    Action.ALLOWED: "allow: it passes, and is on record",
    Action.FLAGGED: "flag: it passes, and auditors see it",
    Action.REDACTED: "redact: it is replaced",
    Action.BLOCKED: "block: the answer goes no further",
}


def field_of(case: tuple[DetectionType, Severity]) -> str:
    return f"{case[0]}__{case[1]}"


def _choice(case: tuple[DetectionType, Severity]) -> forms.ChoiceField:
    allowed = [action for action in Action if action.rank >= weakest(case).rank]
    fixed = len(allowed) == 1
    return forms.ChoiceField(
        label=case[1].capitalize(),
        choices=[(action.value, _MEANS[action]) for action in allowed],
        initial=DEFAULTS[case].value,
        disabled=fixed,
        widget=UnfoldAdminSelectWidget,
        help_text="No customer can weaken this." if fixed else f"Unless chosen: {DEFAULTS[case]}.",
    )


class LeakPolicyForm(forms.ModelForm):  # type: ignore[type-arg]  # generic for the checker alone
    class Meta:
        model = LeakPolicy
        fields = ("customer", "kinds")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # A person who may only look sees a form without fields.
        if self.instance.actions:
            chosen = policy_of(actions=self.instance.actions, kinds={}).actions
            self.initial.update({field_of(case): action.value for case, action in chosen.items()})

    def clean_kinds(self) -> dict[str, str]:
        given = self.cleaned_data["kinds"]
        kinds: dict[str, str] = {} if given is None else given
        check_kinds(kinds)
        return kinds

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        actions: dict[str, dict[str, str]] = {}
        for case in CASES:
            action = cleaned.get(field_of(case))
            # What follows the default is not stored: should the default become stricter, so does the customer's.
            if action and action != DEFAULTS[case]:
                actions.setdefault(case[0].value, {})[case[1].value] = action
        check_actions(actions)
        self.instance.actions = actions
        return cleaned


for _case in CASES:
    LeakPolicyForm.base_fields[field_of(_case)] = LeakPolicyForm.declared_fields[field_of(_case)] = _choice(_case)


@admin.register(LeakPolicy)
class LeakPolicyAdmin(ScopedAdmin):
    needs = Permission.AUDIT_VIEW
    edits = Permission.LEAK_EDIT
    form = LeakPolicyForm
    list_display = ["customer_name", "customer_id", "chosen", "changed"]
    list_filter = [CustomerFilter]
    list_select_related = ["customer"]
    search_fields = ["=customer__id", "customer__name"]
    changed = moment("updated_at", "changed")
    fieldsets = [
        (None, {"fields": ["customer"]}),
        *((title, {"fields": [field_of((kind, severity)) for severity in Severity]}) for kind, title in TITLES.items()),
        (
            "Single rules",
            {
                "fields": ["kinds"],
                "description": 'What a rule finds, before all else: {"email": "redacted"}. A rule\'s name is the kind '
                "that its findings show.",
            },
        ),
    ]

    def get_readonly_fields(self, request: HttpRequest, obj: LeakPolicy | None = None) -> list[str]:  # noqa: ARG002
        return ["customer"] if obj else []

    @display(description="customer", ordering="customer__name")
    def customer_name(self, row: LeakPolicy) -> str:
        return row.customer.name

    @display(description="chosen")
    def chosen(self, row: LeakPolicy) -> str:
        by_case = [f"{TITLES[kind]} {severity}: {action}" for (kind, severity), action in _actions(row)]
        by_rule = [f"{kind}: {action}" for kind, action in row.kinds.items()]
        return "; ".join([*by_case, *by_rule]) or "the defaults"


def _actions(row: LeakPolicy) -> list[tuple[tuple[DetectionType, Severity], Action]]:
    return list(policy_of(actions=row.actions, kinds={}).actions.items())
