"""The form in which an auditor says whether a finding was a leak, and may let the like of it pass for a while."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils import timezone
from django.views.decorators.http import require_http_methods
from unfold.widgets import (
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminRadioSelectWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
)

from audit.feedback import feedback_give
from audit.models import LeakageLog, LeakFeedback
from security.errors import ValidationFailed
from security.leak_screens.scoping import findings_to_judge, judges_findings
from security.leak_services import LONGEST_ALLOWED, finding_allow
from security.leakage import DetectionType

NOTHING, VALUE, RULE = "", "value", "rule"


class JudgeForm(forms.Form):
    verdict = forms.ChoiceField(
        choices=LeakFeedback.Verdict.choices, widget=UnfoldAdminRadioSelectWidget(radio_style=1)
    )
    note = forms.CharField(
        max_length=2000,
        required=False,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 3}),
        help_text="Why. Do not repeat what was found.",
    )
    allow = forms.ChoiceField(
        required=False,
        label="From now on let pass",
        choices=[(NOTHING, "nothing"), (VALUE, "this value"), (RULE, "all that this rule finds")],
        widget=UnfoldAdminSelectWidget,
    )
    days = forms.IntegerField(
        min_value=1,
        max_value=LONGEST_ALLOWED.days,
        initial=30,
        required=False,
        label="For so many days",
        widget=UnfoldAdminIntegerFieldWidget,
    )

    def __init__(self, *args: Any, finding: LeakageLog, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if finding.detection_type == DetectionType.TENANT:
            del self.fields["allow"], self.fields["days"]
        elif "fingerprint" not in finding.metadata:
            self.fields["allow"].choices = [(NOTHING, "nothing"), (RULE, "all that this rule finds")]  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if cleaned.get("allow") and cleaned.get("verdict") != LeakFeedback.Verdict.FALSE_ALARM:
            raise forms.ValidationError("Only what is a false alarm can be let pass.")
        if cleaned.get("allow") and not cleaned.get("note", "").strip():
            self.add_error("note", "Say why it may pass.")
        if cleaned.get("allow") and not cleaned.get("days"):
            self.add_error("days", "Say for how long.")
        return cleaned


@require_http_methods(["GET", "POST"])
def judge(request: HttpRequest, finding_id: UUID) -> HttpResponse:
    """Show the finding with the form, or take the form's word."""
    if not judges_findings(request):
        raise PermissionDenied
    finding = findings_to_judge(request).filter(id=finding_id).first()
    if finding is None:
        raise Http404
    before = LeakFeedback.objects.filter(finding=finding).first()
    form = JudgeForm(
        request.POST if request.method == "POST" else None,
        finding=finding,
        initial={"verdict": before.verdict, "note": before.note} if before else {},
    )
    if form.is_valid() and _judged(request, finding, form, now=timezone.now()):
        return redirect("admin:audit_leakagelog_changelist")
    context = {
        **admin.site.each_context(request),
        "title": "Was it a leak?",
        "form": form,
        "finding": finding,
        "before": before,
    }
    return TemplateResponse(request, "admin/leaks/judge.html", context)


def _judged(request: HttpRequest, finding: LeakageLog, form: JudgeForm, *, now: datetime) -> bool:
    said = form.cleaned_data
    try:
        with transaction.atomic():
            feedback_give(
                finding=finding,
                verdict=LeakFeedback.Verdict(said["verdict"]),
                note=said["note"],
                by_id=request.user.pk or 0,
                by=request.user.get_username(),
                now=now,
            )
            if said.get("allow"):
                _allow(request, finding, said, now=now)
    except ValidationFailed as error:
        form.add_error(None, error.user_message)
        return False
    messages.success(request, "Thank you: it is on record." + (" The like of it passes." if said.get("allow") else ""))
    return True


def _allow(request: HttpRequest, finding: LeakageLog, said: dict[str, Any], *, now: datetime) -> None:
    finding_allow(
        customer_id=finding.customer_id,
        kind=str(finding.metadata.get("kind", "")),
        fingerprint=str(finding.metadata.get("fingerprint", "")) if said["allow"] == VALUE else "",
        reason=said["note"][:500],
        owner_id=request.user.pk or 0,
        expires_at=now + timedelta(days=said["days"]),
        now=now,
    )
