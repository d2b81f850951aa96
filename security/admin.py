"""Customers, their members and keys, and the accounts that people sign in with."""

from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin, UserAdmin
from django.contrib.auth.models import Group, User
from django.db.models import Count, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from unfold.admin import ModelAdmin, TabularInline
from unfold.decorators import display
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm

from audit.screens import CustomerFilter, ReadOnly, ReadOnlyAdmin, ScopedAdmin, of_own_customers
from security.limiting import forget_terms
from security.models import ApiKey, Customer, InFlight, Membership, SigningKey
from security.switches import customer_switch

admin.site.unregister(User)
admin.site.unregister(Group)


class MembershipInline(TabularInline):
    model = Membership
    extra = 0
    autocomplete_fields = ["user"]
    tab = True


class CustomerForm(forms.ModelForm):  # type: ignore[type-arg]  # generic for the checker alone
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # What is not sent stays as it is.
        for name in {"in_flight", "when_limited"} & self.fields.keys():
            self.fields[name].required = False


@admin.register(Customer)
class CustomerAdmin(ScopedAdmin):
    form = CustomerForm
    customer_path = "id"
    list_display = ["name", "id", "is_active", "people", "agents", "created_at"]
    list_filter = ["is_active"]
    search_fields = ["id", "name"]
    date_hierarchy = "created_at"
    inlines = [MembershipInline]
    fieldsets = [
        (None, {"fields": ["id", "name", "aliases", "domains", "identifiers", "created_at"]}),
        ("Switch", {"fields": ["is_active", "in_flight", "disabled_reason"]}),
        ("Limits", {"fields": ["when_limited"]}),
        ("Budgets", {"fields": [("task_tokens", "task_cost_usd"), ("month_tokens", "month_cost_usd")]}),
    ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Customer]:
        customers: QuerySet[Customer] = super().get_queryset(request)
        return customers.annotate(n_people=Count("memberships", distinct=True), n_agents=Count("agents", distinct=True))

    def get_readonly_fields(self, request: HttpRequest, obj: Customer | None = None) -> list[str]:  # noqa: ARG002
        # Every credential, log row and metric carries the id: it is chosen once.
        return ["id", "created_at"] if obj else ["created_at"]

    def save_model(self, request: HttpRequest, obj: Customer, form: Any, change: bool) -> None:  # noqa: FBT001
        if obj.is_active:
            obj.disabled_reason = ""
        super().save_model(request, obj, form, change)
        forget_terms()
        if change and {"is_active", "in_flight"} & {*form.changed_data}:
            customer_switch(
                customer_id=obj.id,
                active=obj.is_active,
                in_flight=InFlight(obj.in_flight),
                reason=obj.disabled_reason,
                by=f"{request.user.get_username()} (admin)",
                now=timezone.now(),
            )

    @display(description="people", ordering="n_people")
    def people(self, row: Customer) -> int:
        return row.n_people  # type: ignore[attr-defined,no-any-return]

    @display(description="agents", ordering="n_agents")
    def agents(self, row: Customer) -> int:
        return row.n_agents  # type: ignore[attr-defined,no-any-return]


@admin.register(Membership)
class MembershipAdmin(ScopedAdmin):
    list_display = ["user", "customer", "role", "created_at"]
    list_filter = ["role", CustomerFilter]
    list_select_related = ["user", "customer"]
    search_fields = ["user__username", "=customer__id", "customer__name"]
    autocomplete_fields = ["user", "customer"]
    date_hierarchy = "created_at"


@admin.register(ApiKey)
class ApiKeyAdmin(ReadOnlyAdmin):
    list_display = ["prefix", "name", "customer", "user", "state", "created_at", "expires_at", "revoked_at"]
    list_filter = [("revoked_at", admin.EmptyFieldListFilter), CustomerFilter]
    list_select_related = ["user", "customer"]
    search_fields = ["prefix", "name", "user__username", "=customer__id"]
    date_hierarchy = "created_at"
    fields = ["prefix", "name", "customer", "user", "created_at", "expires_at", "revoked_at"]

    @display(description="state", label={"in use": "success", "revoked": "danger"})
    def state(self, row: ApiKey) -> str:
        return "revoked" if row.revoked_at else "in use"


@admin.register(User)
class AccountAdmin(UserAdmin, ModelAdmin):  # type: ignore[type-arg]  # generic for the checker alone
    """Accounts belong to no customer of their own: a person who is no superuser sees those of colleagues."""

    form = UserChangeForm
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm
    list_display = ["username", "email", "is_active", "is_staff", "is_superuser", "last_login"]
    date_hierarchy = "date_joined"

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        return of_own_customers(super().get_queryset(request), request, "memberships__customer").distinct()

    def has_change_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        # Who may edit accounts may make superusers; that is for those who are.
        return bool(request.user.is_superuser) and super().has_change_permission(request, obj)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.is_superuser)

    def has_delete_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        return bool(request.user.is_superuser) and super().has_delete_permission(request, obj)


@admin.register(Group)
class AccountGroupAdmin(GroupAdmin, ModelAdmin):
    pass


@admin.register(SigningKey)
class SigningKeyAdmin(ReadOnly, ModelAdmin):
    """Keys belong to the installation, so only those who run it see them."""

    list_display = ["kid", "created_at", "active_from"]
    date_hierarchy = "active_from"
    search_fields = ["kid"]
    fields = ["kid", "public_key", "created_at", "active_from"]

    def has_view_permission(self, request: HttpRequest, obj: object = None) -> bool:  # noqa: ARG002
        return bool(request.user.is_superuser)

    def has_module_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.is_superuser)
