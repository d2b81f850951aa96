"""What every admin screen shares: rows of the person's own customers, texts and JSON that can be read, no writing."""

import json
from collections.abc import Callable
from typing import Any

from django.apps import apps
from django.contrib import admin
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.admin import ModelAdmin, TabularInline
from unfold.paginator import InfinitePaginator

# A list of more customers than this is no filter to choose from; the search finds a customer by its id.
CUSTOMERS_TO_CHOOSE_FROM = 50
CUSTOMER_FILTER_PARAMETER = "customer"


def of_own_customers(rows: QuerySet[Any], request: HttpRequest, path: str) -> QuerySet[Any]:
    """Return the rows of customers that the person belongs to; a superuser, who runs the platform, sees all."""
    if request.user.is_superuser:
        return rows
    memberships = request.user.memberships.filter(customer__is_active=True)  # type: ignore[union-attr]
    return rows.filter(**{f"{path}__in": memberships.values("customer_id")})


def is_list(request: HttpRequest) -> bool:
    """Return whether the request is for a list, which needs no long texts."""
    match = request.resolver_match
    return match is not None and (match.url_name or "").endswith("_changelist")


def _text_block(text: str) -> SafeString | str:
    return format_html('<pre class="screen-text">{}</pre>', text) if text else ""


def pretty(field: str, description: str = "") -> Callable[[ModelAdmin, Model], SafeString | str]:
    """Return a display of the field: text with its line breaks, anything else as indented JSON."""

    @admin.display(description=description or field.replace("_", " "))
    def shown(_: ModelAdmin, row: Model) -> SafeString | str:
        value = getattr(row, field)
        if value in (None, "", [], {}):
            return ""
        return _text_block(value if isinstance(value, str) else json.dumps(value, indent=2, ensure_ascii=False))

    return shown


def moment(field: str, description: str = "") -> Callable[[ModelAdmin, Model], SafeString | str]:
    """Return a display of a point in time (UTC) that stays on one line."""

    @admin.display(description=description or field.removesuffix("_at"), ordering=field)
    def shown(_: ModelAdmin, row: Model) -> SafeString | str:
        at = getattr(row, field)
        return format_html('<span class="screen-line">{}</span>', f"{at:%d %b %Y %H:%M:%S}") if at else ""

    return shown


def short_link(address: str, row_id: object) -> SafeString:
    """Return a link that shows the end of an id: time-ordered ids differ there."""
    return format_html('<a class="screen-line" href="{}" title="{}">…{}</a>', address, row_id, str(row_id)[-8:])


class CustomerFilter(admin.SimpleListFilter):
    """The customers that the person may see, where there is a choice."""

    title = "customer"
    parameter_name = CUSTOMER_FILTER_PARAMETER

    def lookups(self, request: HttpRequest, model_admin: ModelAdmin) -> list[tuple[str, str]]:  # noqa: ARG002
        customers = of_own_customers(apps.get_model("security", "Customer").objects.all(), request, "id")
        choices = list(customers.order_by("name").values_list("id", "name")[: CUSTOMERS_TO_CHOOSE_FROM + 1])
        return choices if 1 < len(choices) <= CUSTOMERS_TO_CHOOSE_FROM else []

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:  # noqa: ARG002
        return queryset.filter(customer_id=self.value()) if self.value() else queryset


class ScopedAdmin(ModelAdmin):
    """A screen of rows that belong to customers."""

    customer_path = "customer_id"
    list_per_page = 50
    # Counting a million rows to number the pages would take longer than reading the page.
    paginator = InfinitePaginator
    show_full_result_count = False
    list_filter_sheet = False

    class Media:
        css = {"all": ["screens/admin.css"]}

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return of_own_customers(super().get_queryset(request), request, self.customer_path)


class ReadOnly:
    """Refuses to add, change or delete, whatever permissions the person has, also by POST."""

    def has_add_permission(self, request: HttpRequest, obj: object = None) -> bool:  # noqa: ARG002
        return False

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:  # noqa: ARG002
        return False

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:  # noqa: ARG002
        return False


class ReadOnlyAdmin(ReadOnly, ScopedAdmin):
    pass


class ReadOnlyInline(ReadOnly, TabularInline):
    extra = 0
    show_change_link = True
