"""Customers, their members and keys, and the accounts that people sign in with."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.auth.admin import GroupAdmin, UserAdmin
from django.contrib.auth.models import Group, User
from django.db.models import Count, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import URLPattern, path
from django.utils import timezone
from unfold.admin import ModelAdmin, TabularInline
from unfold.decorators import display
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm

from audit.screens import CustomerFilter, ReadOnly, ReadOnlyAdmin, ScopedAdmin, moment
from security.access import RoleAccess
from security.errors import PlatformError
from security.keys import NewKey, issue, key_revoke
from security.leak_screens import allowing, choosing, declaring, pages
from security.limiting import forget_terms
from security.members import principal_of_user
from security.models import ApiKey, Customer, InFlight, Login, Membership, PlatformAuditor, SigningKey
from security.roles import Permission, Role, matrix_rows
from security.switches import customer_switch

# The screens of every floor ask here whom the roles let in.
ScopedAdmin.access = RoleAccess()
__all__ = ["allowing", "choosing", "declaring", "pages"]

admin.site.unregister(User)
admin.site.unregister(Group)


class MembershipInline(TabularInline):
    model = Membership
    extra = 0
    autocomplete_fields = ["user"]
    tab = True

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002
        # Whoever may open the customer's page may see who belongs to it.
        return True


class CustomerForm(forms.ModelForm):  # type: ignore[type-arg]  # generic for the checker alone
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # What is not sent stays as it is.
        for name in {"in_flight", "when_limited"} & self.fields.keys():
            self.fields[name].required = False


@admin.register(Customer)
class CustomerAdmin(ScopedAdmin):
    form = CustomerForm
    needs = Permission.PEOPLE_VIEW
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
    needs = Permission.PEOPLE_VIEW
    list_display = ["user", "customer", "role", "created_at"]
    list_filter = ["role", CustomerFilter]
    list_select_related = ["user", "customer"]
    search_fields = ["user__username", "=customer__id", "customer__name"]
    autocomplete_fields = ["user", "customer"]
    date_hierarchy = "created_at"

    def get_urls(self) -> list[URLPattern]:
        matrix = path("roles/", self.admin_site.admin_view(self.role_matrix), name="security_role_matrix")
        return [matrix, *super().get_urls()]

    def role_matrix(self, request: HttpRequest) -> HttpResponse:
        """Show what each role may do. It is the code's own table, so there is nothing to change here."""
        context = {
            **self.admin_site.each_context(request),
            "title": "What each role may do",
            "roles": [role.label for role in Role],
            "rows": matrix_rows(),
        }
        return render(request, "admin/security/role_matrix.html", context)


@admin.register(PlatformAuditor)
class PlatformAuditorAdmin(ScopedAdmin):
    list_display = ["user", "reason", "created_at"]
    list_select_related = ["user"]
    search_fields = ["user__username", "reason"]
    autocomplete_fields = ["user"]
    date_hierarchy = "created_at"

    def get_queryset(self, request: HttpRequest) -> QuerySet[PlatformAuditor]:
        rows = PlatformAuditor.objects.all()
        return rows if self.access.is_of_platform(request.user) else rows.none()


class ApiKeyForm(forms.ModelForm):  # type: ignore[type-arg]  # generic for the checker alone
    scopes = forms.MultipleChoiceField(
        choices=Permission.choices,
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text="Nothing chosen: all that the person's role allows.",
    )

    class Meta:
        model = ApiKey
        fields = ("customer", "user", "name", "scopes", "expires_at")

    def clean(self) -> dict[str, Any]:
        """Make the key, so that what is wrong with it is told in the form."""
        cleaned = super().clean() or {}
        if self.errors:
            return cleaned
        try:
            self.made: NewKey = issue(
                user_id=cleaned["user"].pk,
                customer_id=cleaned["customer"].pk,
                name=cleaned["name"],
                scopes=cleaned["scopes"] or None,
                expires_at=cleaned["expires_at"],
                now=timezone.now(),
            )
        except PlatformError as error:
            raise forms.ValidationError(error.user_message) from error
        return cleaned


@admin.register(ApiKey)
class ApiKeyAdmin(ScopedAdmin):
    """Keys are made by who runs the platform (owners make theirs through the API), shown once, and never changed."""

    needs = Permission.PEOPLE_VIEW
    form = ApiKeyForm
    list_display = ["prefix", "name", "customer", "user", "state", "last_used_at", "created_at", "expires_at"]
    list_filter = [("revoked_at", admin.EmptyFieldListFilter), CustomerFilter]
    list_select_related = ["user", "customer"]
    search_fields = ["prefix", "name", "user__username", "=customer__id"]
    date_hierarchy = "created_at"
    actions = ["revoke"]
    shown = "prefix name customer user rights state last_used_at created_at expires_at revoked_at".split()

    def get_fields(self, request: HttpRequest, obj: ApiKey | None = None) -> list[str]:  # noqa: ARG002
        return self.shown if obj else list(ApiKeyForm.Meta.fields)

    def get_readonly_fields(self, request: HttpRequest, obj: ApiKey | None = None) -> list[str]:  # noqa: ARG002
        return self.shown if obj else []

    def has_change_permission(self, request: HttpRequest, obj: ApiKey | None = None) -> bool:  # noqa: ARG002
        return False

    def has_delete_permission(self, request: HttpRequest, obj: ApiKey | None = None) -> bool:  # noqa: ARG002
        # A key that is no more good is still evidence.
        return False

    def has_revoke_permission(self, request: HttpRequest) -> bool:
        return self._lets(request, Permission.KEY_EDIT, None)

    def save_model(self, request: HttpRequest, obj: ApiKey, form: Any, change: bool) -> None:  # noqa: ARG002, FBT001
        obj.pk, obj.prefix = form.made.row.pk, form.made.row.prefix
        told = f"The key of {form.made.row.name}, shown this once: {form.made.raw}"
        messages.warning(request, told)

    @admin.action(description="Revoke the selected keys", permissions=["revoke"])
    def revoke(self, request: HttpRequest, chosen: QuerySet[ApiKey]) -> None:
        assert request.user.is_authenticated
        now = timezone.now()
        if self.access.is_of_platform(request.user):
            revoked = chosen.filter(revoked_at=None).update(revoked_at=now)
            messages.success(request, f"{revoked} key{'' if revoked == 1 else 's'} revoked.")
            return
        for key in chosen:
            try:
                principal = principal_of_user(request.user, key.customer_id)
                key_revoke(principal=principal, key_id=key.key_id, now=now)
                messages.success(request, f"{key} revoked.")
            except PlatformError as error:
                messages.error(request, f"{key}: {error.user_message}")

    @display(description="state", label={"in use": "success", "revoked": "danger", "expired": "warning"})
    def state(self, row: ApiKey) -> str:
        if row.revoked_at:
            return "revoked"
        return "expired" if row.expires_at and row.expires_at <= timezone.now() else "in use"

    @admin.display(description="scopes")
    def rights(self, row: ApiKey) -> str:
        return "all that the role allows" if row.scopes is None else ", ".join(row.scopes)


@admin.register(Login)
class LoginAdmin(ReadOnlyAdmin):
    needs = Permission.PEOPLE_VIEW
    list_display = ["when", "customer_id", "user", "refreshed_at", "expires_at", "ended_at", "ended_by"]
    list_filter = [("ended_at", admin.EmptyFieldListFilter), CustomerFilter]
    list_select_related = ["user"]
    search_fields = ["=id", "user__username", "=customer__id"]
    date_hierarchy = "created_at"
    fields = "id user customer_id created_at refreshed_at expires_at ended_at ended_by".split()
    when = moment("created_at", "created at")


@admin.register(User)
class AccountAdmin(UserAdmin, ScopedAdmin):  # type: ignore[type-arg, misc]  # generic for the checker alone
    """Accounts belong to no customer of their own: a person who does not run the platform sees those of colleagues."""

    needs = Permission.PEOPLE_VIEW
    customer_path = "memberships__customer_id"
    form = UserChangeForm
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm
    list_display = ["username", "email", "is_active", "is_staff", "last_login"]
    date_hierarchy = "date_joined"

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        return super().get_queryset(request).distinct()

    def get_list_filter(self, request: HttpRequest) -> Any:
        # Groups are the platform's own, like the rights that they give.
        of_platform = self.access.is_of_platform(request.user)
        return super().get_list_filter(request) if of_platform else ["is_staff", "is_active"]

    def get_fieldsets(self, request: HttpRequest, obj: User | None = None) -> Any:
        if self.access.is_of_platform(request.user):
            return super().get_fieldsets(request, obj)
        # Of a colleague's account the password's hash and the platform's permissions are nobody's business.
        shown = "username first_name last_name email is_active is_staff last_login date_joined".split()
        return [(None, {"fields": shown})]

    def has_view_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        if obj is None:
            return super().has_view_permission(request)
        return self.get_queryset(request).filter(pk=obj.pk).exists()

    def has_change_permission(self, request: HttpRequest, obj: User | None = None) -> bool:  # noqa: ARG002
        # Who may edit accounts may make superusers; that is for those who are.
        return super().has_change_permission(request)

    def has_delete_permission(self, request: HttpRequest, obj: User | None = None) -> bool:  # noqa: ARG002
        return super().has_delete_permission(request)


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

    def get_queryset(self, request: HttpRequest) -> QuerySet[SigningKey]:
        rows = SigningKey.objects.all()
        return rows if request.user.is_superuser else rows.none()

    def has_view_permission(self, request: HttpRequest, obj: object = None) -> bool:  # noqa: ARG002
        return bool(request.user.is_superuser)

    def has_module_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.is_superuser)
