"""How much one customer, agent or pair may do instead of the default."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from unfold.decorators import display

from audit.screens import CustomerFilter, ScopedAdmin
from delegation.services.limits import limits_changed
from security.models import RateLimit


@admin.register(RateLimit)
class RateLimitAdmin(ScopedAdmin):
    """Limits are the platform's to set; a customer's people may see theirs."""

    needs = "agent_view"
    list_display = ["customer", "limit_type", "agent", "target", "allowed", "window"]
    list_display_links = ["customer", "limit_type"]
    list_filter = ["limit_type", CustomerFilter]
    list_select_related = ["customer"]
    search_fields = ["=customer__id", "customer__name", "agent", "target"]
    fields = ["customer", "limit_type", ("agent", "target"), ("allowed", "window_seconds")]

    @display(description="in")
    def window(self, row: RateLimit) -> str:
        if row.window_seconds:
            return f"{row.window_seconds} s"
        return "a day" if row.limit_type == RateLimit.Type.CUSTOMER_TASKS else "an hour"

    def save_model(self, request: HttpRequest, obj: RateLimit, form: Any, change: bool) -> None:  # noqa: FBT001
        super().save_model(request, obj, form, change)
        limits_changed(customer_id=obj.customer_id, now=timezone.now())

    def delete_model(self, request: HttpRequest, obj: RateLimit) -> None:
        super().delete_model(request, obj)
        limits_changed(customer_id=obj.customer_id, now=timezone.now())

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[RateLimit]) -> None:
        customer_ids = set(queryset.values_list("customer_id", flat=True))
        super().delete_queryset(request, queryset)
        for customer_id in customer_ids:
            limits_changed(customer_id=customer_id, now=timezone.now())
