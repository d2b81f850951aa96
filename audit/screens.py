"""What every admin screen shares: rows of the person's own customers, texts and JSON that can be read, no writing."""

import json
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from typing import Any, ClassVar, Protocol

from django.apps import apps
from django.contrib import admin
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.admin import ModelAdmin, TabularInline
from unfold.paginator import InfinitePaginator

# A list of more customers than this is no filter to choose from; the search finds a customer by its id.
CUSTOMERS_TO_CHOOSE_FROM = 50
CUSTOMER_FILTER_PARAMETER = "customer"
KEPT_TO_COMPARE = frozenset({"password", "digest", "token_digest", "password_mark", "sealed_credential"})


class Access(Protocol):
    """What the floor above knows: whom the roles let see or change what. Given to ``ScopedAdmin.access`` there."""

    def customers_that_let(self, user: Any, permission: str) -> Iterable[str] | None:
        """Return the ids of the customers where the person has the permission; None: at all of them."""

    def is_of_platform(self, user: Any) -> bool:
        """Return whether the person runs the platform."""

    def note_refusal(self, user: Any, what: str) -> None:
        """Put on record that the person was refused."""

    def own_record(self) -> AbstractContextManager[None]:
        """Open the screens' own record, which belongs to no customer, while the block runs."""


def of_customers(rows: QuerySet[Any], customers: Iterable[str] | None, path: str) -> QuerySet[Any]:
    """Return the rows of these customers; None: all."""
    return rows if customers is None else rows.filter(**{f"{path}__in": list(customers)})


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

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        customers = model_admin.customers_shown(apps.get_model("security", "Customer").objects.all(), request)
        choices = list(customers.order_by("name").values_list("id", "name")[: CUSTOMERS_TO_CHOOSE_FROM + 1])
        return choices if 1 < len(choices) <= CUSTOMERS_TO_CHOOSE_FROM else []

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:  # noqa: ARG002
        return queryset.filter(customer_id=self.value()) if self.value() else queryset


class ScopedAdmin(ModelAdmin):
    """A screen of rows that belong to customers: open to whose role there allows it, and to who runs the platform.

    ``needs`` is the permission (of the role matrix) to see a row, ``edits`` the one to add, change and delete it; None
    is for those who run the platform alone.
    """

    access: ClassVar[Access]
    needs: ClassVar[str | None] = None
    edits: ClassVar[str | None] = None
    customer_path = "customer_id"
    list_per_page = 50
    # Counting a million rows to number the pages would take longer than reading the page.
    paginator = InfinitePaginator
    show_full_result_count = False
    list_filter_sheet = False

    class Media:
        css = {"all": ["screens/admin.css"]}

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        rows: QuerySet[Any] = super().get_queryset(request)
        if not rows.query.order_by:
            # A list has its own; what a form offers page by page has none, and a model's survives no counts.
            rows = rows.order_by(*(self.model._meta.ordering or ["-pk"]))
        return of_customers(rows, self._customers(request, self.needs), self.customer_path)

    def customers_shown(self, customers: QuerySet[Any], request: HttpRequest) -> QuerySet[Any]:
        """Return those of the customers whose rows the person may see here."""
        return of_customers(customers, self._customers(request, self.needs), "id")

    def customers_edited(self, rows: QuerySet[Any], request: HttpRequest, path: str) -> QuerySet[Any]:
        """Return those of the rows that are of customers where the person may edit here."""
        return of_customers(rows, self._customers(request, self.edits), path)

    def lookup_allowed(self, lookup: str, value: Any, request: HttpRequest) -> bool:
        """Refuse to search by what is kept sealed or hashed: letter by letter it could be found out."""
        if KEPT_TO_COMPARE & {*lookup.split("__")}:
            return False
        return bool(super().lookup_allowed(lookup, value, request))

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self._lets(request, self.needs, None)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self._lets(request, self.needs, obj)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return self._lets(request, self.edits, None)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self._lets(request, self.edits, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self._lets(request, self.edits, obj)

    def log_addition(self, *args: Any) -> Any:
        with self.access.own_record():
            return super().log_addition(*args)

    def log_change(self, *args: Any) -> Any:
        with self.access.own_record():
            return super().log_change(*args)

    def log_deletions(self, *args: Any) -> Any:
        with self.access.own_record():
            return super().log_deletions(*args)

    def history_view(self, *args: Any, **kwargs: Any) -> Any:
        with self.access.own_record():
            response = super().history_view(*args, **kwargs)
            return response.render() if hasattr(response, "render") else response

    def formfield_for_foreignkey(self, field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """Offer only customers, and rows of customers, where the person may edit."""
        path = _PATHS.get(field.remote_field.model._meta.label)
        if path is not None:
            kwargs["queryset"] = self.customers_edited(field.remote_field.model._default_manager.all(), request, path)
        return super().formfield_for_foreignkey(field, request, **kwargs)

    def _get_obj_does_not_exist_redirect(self, request: HttpRequest, opts: Any, object_id: str) -> HttpResponse:
        self.access.note_refusal(request.user, f"asked for {opts.model_name} {object_id}")
        response: HttpResponse = super()._get_obj_does_not_exist_redirect(request, opts, object_id)
        return response

    def customer_of(self, row: Any) -> str | None:
        """Return the customer that the row belongs to."""
        for name in self.customer_path.split("__"):
            row = getattr(row, name)
        return None if row is None else str(row)

    def _lets(self, request: HttpRequest, permission: str | None, row: Any) -> bool:
        customers = self._customers(request, permission)
        if customers is None:
            return True
        return bool(customers) if row is None else self.customer_of(row) in customers

    def _customers(self, request: HttpRequest, permission: str | None) -> frozenset[str] | None:
        """Return where the person has the permission, asked once a request; None: everywhere."""
        if not request.user.is_active or not request.user.is_staff:
            return frozenset()
        if self.access.is_of_platform(request.user):
            return None
        if permission is None:
            return frozenset()
        asked: dict[str, frozenset[str] | None] = request.__dict__.setdefault("_customers_by_permission", {})
        if permission not in asked:
            found = self.access.customers_that_let(request.user, permission)
            asked[permission] = None if found is None else frozenset(found)
        return asked[permission]


# Models that forms choose from, with the path to their customer.
_PATHS = {"security.Customer": "id", "delegation.Agent": "customer_id"}


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
    """Rows beneath the row they belong to: whoever may open that may see them."""

    extra = 0
    show_change_link = True

    def has_view_permission(self, request: HttpRequest, obj: object = None) -> bool:  # noqa: ARG002
        return True
