"""What auditors read: the delegation log and the authorisation log of their customer."""

from django.db.models import QuerySet
from django.utils import timezone

from audit.models import AuthorizationLog, DelegationLog
from security.principal import Principal
from security.roles import Permission
from security.testimony import on_record, record_admission


@on_record()
def decisions_visible(principal: Principal) -> QuerySet[DelegationLog]:
    """Return the customer's rows of the delegation log. Raises AuthFailed."""
    principal.require(Permission.AUDIT_VIEW)
    record_admission(principal, what="reads the delegation log", at=timezone.now())
    return DelegationLog.objects.of_customer(principal.customer_id)


@on_record()
def rulings_visible(principal: Principal) -> QuerySet[AuthorizationLog]:
    """Return the customer's rows of the authorisation log. Raises AuthFailed."""
    principal.require(Permission.AUDIT_VIEW)
    record_admission(principal, what="reads the authorisation log", at=timezone.now())
    return AuthorizationLog.objects.of_customer(principal.customer_id)
