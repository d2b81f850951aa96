"""Rules for pairs of agents, and grants of single agents to people."""

from typing import ClassVar
from uuid import UUID

from django.utils import timezone
from rest_framework.request import Request
from rest_framework.response import Response

from delegation.api import samples
from delegation.api.filters import PAGES
from delegation.api.inputs import GrantInput, RuleInput, validated
from delegation.api.outputs import DeletedOutput, GrantOutput, RuleOutput, page_schema
from delegation.api.pagination import page_of
from delegation.api.schema import documented
from delegation.api.shapes import grant_shape, rule_shape
from delegation.api.views.door import Door, principal_of
from delegation.errors import Conflict
from delegation.services import rights
from security.errors import NotFound, ValidationFailed
from security.roles import Permission


class Rules(Door):
    needs: ClassVar = {"GET": Permission.AGENT_VIEW, "POST": Permission.RULE_EDIT}

    @documented(
        summary="List delegation rules",
        operation_id="rules_list",
        response=page_schema(RuleOutput),
        sample=samples.page(samples.RULE),
        parameters=PAGES,
        errors=(ValidationFailed,),
        tag="rights",
    )
    def get(self, request: Request) -> Response:
        """Return the exceptions to the rule of rank, the newest first."""
        return Response(page_of(rights.rules_visible(principal_of(request)), request, rule_shape))

    @documented(
        summary="Add a delegation rule",
        operation_id="rules_create",
        request=RuleInput,
        request_sample=samples.RULE_REQUEST,
        response=RuleOutput,
        sample=samples.RULE,
        status=201,
        errors=(ValidationFailed, Conflict),
        tag="rights",
    )
    def post(self, request: Request) -> Response:
        """Allow or deny one agent to delegate to another. Of two rules for a pair the one that denies counts."""
        sent = validated(RuleInput, request.data)
        rule = rights.rule_create(principal=principal_of(request), **sent, now=timezone.now())
        return Response(rule_shape(rule), status=201)


class RuleDetail(Door):
    needs: ClassVar = {"DELETE": Permission.RULE_EDIT}

    @documented(
        summary="Take a delegation rule back",
        operation_id="rules_delete",
        response=DeletedOutput,
        sample=samples.DELETED,
        errors=(NotFound,),
        tag="rights",
    )
    def delete(self, request: Request, rule_id: UUID) -> Response:
        """Delete the rule; the rule of rank counts again for the pair."""
        rights.rule_delete(principal=principal_of(request), rule_id=rule_id)
        return Response({"deleted": True})


class Grants(Door):
    needs: ClassVar = {"GET": Permission.PEOPLE_VIEW, "POST": Permission.RULE_EDIT}

    @documented(
        summary="List grants",
        operation_id="grants_list",
        response=page_schema(GrantOutput),
        sample=samples.page(samples.GRANT),
        parameters=PAGES,
        errors=(ValidationFailed,),
        tag="rights",
    )
    def get(self, request: Request) -> Response:
        """Return who may have which agent work for them, or approve what is delegated to it, by a grant."""
        return Response(page_of(rights.grants_visible(principal_of(request)), request, grant_shape))

    @documented(
        summary="Grant an agent to a member",
        operation_id="grants_create",
        request=GrantInput,
        request_sample=samples.GRANT_REQUEST,
        response=GrantOutput,
        sample=samples.GRANT,
        status=201,
        errors=(ValidationFailed,),
        tag="rights",
    )
    def post(self, request: Request) -> Response:
        """Let a member, whatever the role, invoke the agent or approve what is delegated to it."""
        sent = validated(GrantInput, request.data)
        return Response(grant_shape(rights.grant_create(principal=principal_of(request), **sent)), status=201)


class GrantDetail(Door):
    needs: ClassVar = {"DELETE": Permission.RULE_EDIT}

    @documented(
        summary="Take a grant back",
        operation_id="grants_delete",
        response=DeletedOutput,
        sample=samples.DELETED,
        errors=(NotFound,),
        tag="rights",
    )
    def delete(self, request: Request, grant_id: UUID) -> Response:
        """Delete the grant; the role alone counts again."""
        rights.grant_delete(principal=principal_of(request), grant_id=grant_id)
        return Response({"deleted": True})
