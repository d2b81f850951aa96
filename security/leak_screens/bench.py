"""The bench: paste a text and see what the detector makes of it. Nothing is stored, and nothing logged."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods
from unfold.widgets import UnfoldAdminTextareaWidget, UnfoldAdminTextInputWidget

from audit.screens import CUSTOMERS_TO_CHOOSE_FROM
from security.leak_index import leak_index
from security.leak_rules import LeakRules, Ruled, read_leak_rules
from security.leak_screens.scoping import own_customers, sees_every_customer, sees_findings
from security.leakage import Action, DetectionType, Severity

MOST_LETTERS = 200_000
_SHOWN_FINDINGS = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """A stretch of the text: plain, or one finding."""

    text: str
    ruled: Ruled | None = None
    number: int = 0


class BenchForm(forms.Form):
    customer = forms.CharField(
        max_length=64,
        widget=UnfoldAdminTextInputWidget(attrs={"list": "bench-customers", "autocomplete": "off"}),
        help_text="Whose agent is to have written it.",
    )
    text = forms.CharField(
        max_length=MOST_LETTERS,
        strip=False,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 12, "spellcheck": "false", "autocomplete": "off"}),
        help_text="It is scanned and shown to you, and forgotten.",
    )

    def __init__(self, *args: Any, request: HttpRequest, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._customers = own_customers(request)
        self.choices = list(self._customers.values_list("id", "name")[:CUSTOMERS_TO_CHOOSE_FROM])
        if len(self.choices) == 1:
            self.fields["customer"].initial = self.choices[0][0]

    def clean_customer(self) -> str:
        customer_id: str = self.cleaned_data["customer"]
        if "\0" in customer_id or not self._customers.filter(id=customer_id).exists():
            raise forms.ValidationError("There is no such customer.")
        return customer_id


@sensitive_post_parameters("text")
@require_http_methods(["GET", "POST"])
def bench(request: HttpRequest) -> HttpResponse:
    if not sees_findings(request):
        raise PermissionDenied
    form = BenchForm(request.POST if request.method == "POST" else None, request=request)
    scanned = tried(form, everything=sees_every_customer(request)) if form.is_valid() else {}
    context = {
        **admin.site.each_context(request),
        "title": "Leak test bench",
        "form": form,
        "everything": sees_every_customer(request),
        "severities": list(Severity),
        **scanned,
    }
    response = TemplateResponse(request, "admin/leaks/bench.html", context)
    response["Cache-Control"] = "no-store"
    return response


def tried(form: BenchForm, *, everything: bool) -> dict[str, Any]:
    """Return what the page shows of the text in the form.

    Who may not know of every customer is not told of their names: the bench would tell who else is a customer.
    """
    text, customer_id, now = form.cleaned_data["text"], form.cleaned_data["customer"], timezone.now()
    found = leak_index.refresh().scan(text, customer_id)
    if not everything:
        found = [each for each in found if each.detection_type is not DetectionType.TENANT]
    rules: LeakRules = read_leak_rules(customer_id, now=now)
    ruled = rules.ruled(text, found, at=now)
    verdict = max((each.action for each in ruled), key=lambda action: action.rank, default=Action.ALLOWED)
    return {
        "scanned": True,
        "pieces": list(pieces(text, ruled)),
        "found": list(enumerate(ruled[:_SHOWN_FINDINGS], 1)),
        "more": max(0, len(ruled) - _SHOWN_FINDINGS),
        "verdict": verdict,
    }


def pieces(text: str, ruled: list[Ruled]) -> Iterator[Piece]:
    """Yield the text in pieces, each finding one of its own; of two that overlap the first takes what both hold."""
    position = 0
    for number, each in enumerate(ruled, 1):
        start, end = max(position, each.finding.start), each.finding.end
        if start >= end:
            continue
        if start > position:
            yield Piece(text=text[position:start])
        yield Piece(text=text[start:end], ruled=each, number=number)
        position = end
    if position < len(text):
        yield Piece(text=text[position:])
