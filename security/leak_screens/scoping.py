"""For whom the pages that are no model's are: asked of the screens of the models that they are about."""

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from audit.models import LeakageLog
from audit.screens import ScopedAdmin
from security.leak_models import AllowedFinding
from security.models import Customer
from security.rows import platform_rows


def _screen(model: type[LeakageLog | AllowedFinding]) -> ScopedAdmin:
    screen = admin.site.get_model_admin(model)
    assert isinstance(screen, ScopedAdmin)
    return screen


def sees_findings(request: HttpRequest) -> bool:
    """Tell whether the person may see findings of any customer."""
    return _screen(LeakageLog).has_view_permission(request)


def judges_findings(request: HttpRequest) -> bool:
    """Tell whether the person may judge findings of any customer."""
    return _screen(AllowedFinding).has_add_permission(request)


def findings_to_judge(request: HttpRequest) -> QuerySet[LeakageLog]:
    """Return the findings of customers where the person may judge."""
    return _screen(AllowedFinding).customers_edited(LeakageLog.objects.all(), request, "customer_id")


def own_customers(request: HttpRequest) -> QuerySet[Customer]:
    """Return the customers whose findings the person may see."""
    return _screen(LeakageLog).customers_shown(Customer.objects.order_by("id"), request)


@platform_rows()
def sees_every_customer(request: HttpRequest) -> bool:
    """Tell whether there is no customer that the person may know nothing of."""
    return not Customer.objects.exclude(id__in=own_customers(request).order_by().values("id")).exists()
