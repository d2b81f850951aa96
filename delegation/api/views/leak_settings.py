"""What a customer chooses and declares for the leak detector."""

from datetime import timedelta
from typing import ClassVar
from uuid import UUID

from django.utils import timezone
from rest_framework.request import Request
from rest_framework.response import Response

from delegation.api import samples
from delegation.api.filters import PAGES
from delegation.api.inputs import validated
from delegation.api.leak_shapes import (
    AllowanceInput,
    AllowanceOutput,
    CanaryInput,
    CanaryOutput,
    PolicyInput,
    PolicyOutput,
    RegistrationOutput,
    ValueOutput,
    ValuesInput,
    allowance_shape,
    canary_shape,
    policy_shape,
    value_shape,
)
from delegation.api.outputs import page_schema
from delegation.api.pagination import page_of
from delegation.api.schema import documented
from delegation.api.views.door import Door, principal_of
from delegation.services.storable import check_storable
from security import leak_services
from security.errors import NotFound, ValidationFailed
from security.leak_choices import in_force
from security.leak_models import AllowedFinding, Canary, LeakPolicy, RegisteredValue
from security.roles import Permission

DAY = timedelta(days=1)


class PolicyDetail(Door):
    needs: ClassVar = {"GET": Permission.AUDIT_VIEW, "PATCH": Permission.LEAK_EDIT}

    @documented(
        summary="Read what is done about findings",
        operation_id="leak_policy_read",
        response=PolicyOutput,
        sample=samples.LEAK_POLICY,
        tag="leaks",
    )
    def get(self, request: Request) -> Response:
        """Return what the customer chose, and what is done in each case."""
        principal = principal_of(request)
        return Response(_policy(LeakPolicy.objects.of_customer(principal.customer_id).first()))

    @documented(
        summary="Choose what is done about findings",
        operation_id="leak_policy_update",
        request=PolicyInput(partial=True),
        request_sample=samples.LEAK_POLICY_REQUEST,
        response=PolicyOutput,
        sample=samples.LEAK_POLICY,
        errors=(ValidationFailed,),
        tag="leaks",
    )
    def patch(self, request: Request) -> Response:
        """Replace the choices that are sent. Critical credentials and other customers' data are blocked in any case."""
        principal = principal_of(request)
        sent = validated(PolicyInput, request.data, partial=True)
        before = LeakPolicy.objects.of_customer(principal.customer_id).first() or LeakPolicy()
        chosen = {name: sent.get(name, getattr(before, name)) for name in ("actions", "kinds")}
        check_storable("kinds", chosen["kinds"])
        return Response(_policy(leak_services.policy_choose(customer_id=principal.customer_id, **chosen)))


class Canaries(Door):
    needs: ClassVar = {"GET": Permission.LEAK_EDIT, "POST": Permission.LEAK_EDIT}

    @documented(
        summary="List canary tokens",
        operation_id="leak_canaries_list",
        response=page_schema(CanaryOutput),
        sample=samples.page(samples.CANARY),
        parameters=PAGES,
        errors=(ValidationFailed,),
        tag="leaks",
    )
    def get(self, request: Request) -> Response:
        """Return the tokens that are planted among the customer's data."""
        principal = principal_of(request)
        return Response(page_of(Canary.objects.of_customer(principal.customer_id), request, canary_shape))

    @documented(
        summary="Draw a canary token",
        operation_id="leak_canaries_create",
        request=CanaryInput,
        request_sample={"planted": "the price list"},
        response=CanaryOutput,
        sample=samples.CANARY,
        status=201,
        errors=(ValidationFailed,),
        tag="leaks",
    )
    def post(self, request: Request) -> Response:
        """Return a token to put among your data: another customer's agent that says it is blocked."""
        principal = principal_of(request)
        planted = validated(CanaryInput, request.data)["planted"]
        check_storable("planted", planted)
        canary = leak_services.canary_plant(
            customer_id=principal.customer_id, planted=planted, user_id=principal.user_id
        )
        canary.refresh_from_db()
        return Response(canary_shape(canary), status=201)


class CanaryDetail(Door):
    needs: ClassVar = {"DELETE": Permission.LEAK_EDIT}

    @documented(
        summary="Remove a canary token",
        operation_id="leak_canaries_delete",
        response=CanaryOutput,
        sample=samples.CANARY,
        errors=(NotFound,),
        tag="leaks",
    )
    def delete(self, request: Request, canary_id: UUID) -> Response:
        """Stop looking for the token."""
        principal = principal_of(request)
        gone = leak_services.canary_remove(customer_id=principal.customer_id, canary_id=canary_id)
        return Response(canary_shape(gone))


class Values(Door):
    needs: ClassVar = {"GET": Permission.LEAK_EDIT, "POST": Permission.LEAK_EDIT}

    @documented(
        summary="List registered values",
        operation_id="leak_values_list",
        response=page_schema(ValueOutput),
        sample=samples.page(samples.VALUE),
        parameters=PAGES,
        errors=(ValidationFailed,),
        tag="leaks",
    )
    def get(self, request: Request) -> Response:
        """Return what was registered, by its label: the values themselves are not kept."""
        principal = principal_of(request)
        return Response(page_of(RegisteredValue.objects.of_customer(principal.customer_id), request, value_shape))

    @documented(
        summary="Register values as your own",
        operation_id="leak_values_create",
        request=ValuesInput,
        request_sample=samples.VALUES_REQUEST,
        response=RegistrationOutput,
        sample={"added": 2, "known": 0},
        status=201,
        errors=(ValidationFailed,),
        tag="leaks",
    )
    def post(self, request: Request) -> Response:
        """Have answers of other customers' agents that hold these blocked. Only keyed digests are kept."""
        principal = principal_of(request)
        sent = validated(ValuesInput, request.data)
        check_storable("label", sent["label"])
        done = leak_services.values_register(
            customer_id=principal.customer_id, values=sent["values"], label=sent["label"], user_id=principal.user_id
        )
        return Response({"added": done.added, "known": done.known}, status=201)


class ValueDetail(Door):
    needs: ClassVar = {"DELETE": Permission.LEAK_EDIT}

    @documented(
        summary="Forget a registered value",
        operation_id="leak_values_delete",
        response=ValueOutput,
        sample=samples.VALUE,
        errors=(NotFound,),
        tag="leaks",
    )
    def delete(self, request: Request, value_id: UUID) -> Response:
        """Stop looking for the value."""
        principal = principal_of(request)
        gone = leak_services.value_forget(customer_id=principal.customer_id, value_id=value_id)
        return Response(value_shape(gone))


class Allowances(Door):
    needs: ClassVar = {"GET": Permission.AUDIT_VIEW, "POST": Permission.LEAK_JUDGE}

    @documented(
        summary="List what is let pass",
        operation_id="leak_allowances_list",
        response=page_schema(AllowanceOutput),
        sample=samples.page(samples.ALLOWANCE),
        parameters=PAGES,
        errors=(ValidationFailed,),
        tag="leaks",
    )
    def get(self, request: Request) -> Response:
        """Return the allow-list, what has expired included."""
        principal = principal_of(request)
        rows = AllowedFinding.objects.of_customer(principal.customer_id).select_related("owner")
        return Response(page_of(rows, request, allowance_shape))

    @documented(
        summary="Let a value, or what a rule finds, pass for a while",
        operation_id="leak_allowances_create",
        request=AllowanceInput,
        request_sample=samples.ALLOWANCE_REQUEST,
        response=AllowanceOutput,
        sample=samples.ALLOWANCE,
        status=201,
        errors=(ValidationFailed,),
        tag="leaks",
    )
    def post(self, request: Request) -> Response:
        """Allow what was found to be no leak. Another customer's data is never allowed."""
        principal = principal_of(request)
        sent = validated(AllowanceInput, request.data)
        check_storable("allowance", sent)
        now = timezone.now()
        entry = leak_services.finding_allow(
            customer_id=principal.customer_id,
            kind=sent.get("kind", ""),
            value=sent.get("value", ""),
            fingerprint=sent.get("fingerprint", ""),
            reason=sent["reason"],
            owner_id=principal.user_id,
            expires_at=now + sent["days"] * DAY,
            now=now,
        )
        return Response(allowance_shape(entry), status=201)


class AllowanceEnd(Door):
    needs: ClassVar = {"POST": Permission.LEAK_JUDGE}

    @documented(
        summary="End an allowance",
        operation_id="leak_allowances_end",
        response=AllowanceOutput,
        sample=samples.ALLOWANCE,
        errors=(NotFound,),
        tag="leaks",
    )
    def post(self, request: Request, allowance_id: UUID) -> Response:
        """Let it pass no longer. The entry stays, for the findings that name it."""
        principal = principal_of(request)
        ended = leak_services.allowed_end(customer_id=principal.customer_id, entry_id=allowance_id, now=timezone.now())
        return Response(allowance_shape(ended))


def _policy(row: LeakPolicy | None) -> dict[str, object]:
    return policy_shape(row, in_force(row.actions if row else {}))
