"""The delegation log and the authorisation log, for auditors."""

from typing import ClassVar

from rest_framework.request import Request
from rest_framework.response import Response

from delegation.api import samples
from delegation.api.filters import DECISION_FILTERS, PAGES, RULING_FILTERS, narrowed_decisions, narrowed_rulings
from delegation.api.log_shapes import DecisionOutput, RulingOutput, decision_shape, ruling_shape
from delegation.api.outputs import page_schema
from delegation.api.pagination import page_of
from delegation.api.schema import documented
from delegation.api.views.door import Door, principal_of
from delegation.services import logs
from security.errors import ValidationFailed
from security.roles import Permission


class Decisions(Door):
    needs: ClassVar = {"GET": Permission.AUDIT_VIEW}

    @documented(
        summary="List decisions, newest first",
        operation_id="audit_delegations_list",
        response=page_schema(DecisionOutput),
        sample=samples.page(samples.DECISION),
        parameters=(*DECISION_FILTERS, *PAGES),
        errors=(ValidationFailed,),
        tag="audit",
    )
    def get(self, request: Request) -> Response:
        """Return the delegation log: what each agent decided, or why it came to no decision."""
        rows = narrowed_decisions(logs.decisions_visible(principal_of(request)), request)
        return Response(page_of(rows, request, decision_shape))


class Rulings(Door):
    needs: ClassVar = {"GET": Permission.AUDIT_VIEW}

    @documented(
        summary="List authorisations and refusals, newest first",
        operation_id="audit_authorizations_list",
        response=page_schema(RulingOutput),
        sample=samples.page(samples.RULING),
        parameters=(*RULING_FILTERS, *PAGES),
        errors=(ValidationFailed,),
        tag="audit",
    )
    def get(self, request: Request) -> Response:
        """Return the authorisation log: each yes and no, with the rule that decided it and the masked headers."""
        rows = narrowed_rulings(logs.rulings_visible(principal_of(request)), request)
        return Response(page_of(rows, request, ruling_shape))
