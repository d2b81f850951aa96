"""The customer's virtual employees."""

from dataclasses import asdict
from typing import ClassVar
from uuid import UUID

from django.utils import timezone
from rest_framework.request import Request
from rest_framework.response import Response

from delegation.api import samples
from delegation.api.filters import PAGES
from delegation.api.inputs import AgentInput, validated
from delegation.api.outputs import AgentCheckOutput, AgentOutput, page_schema
from delegation.api.pagination import page_of
from delegation.api.schema import documented
from delegation.api.shapes import agent_shape
from delegation.api.views.door import Door, principal_of
from delegation.errors import Conflict
from delegation.services import agents
from security.errors import NotFound, ValidationFailed
from security.roles import Permission


class Agents(Door):
    needs: ClassVar = {"GET": Permission.AGENT_VIEW, "POST": Permission.AGENT_EDIT}

    @documented(
        summary="List agents",
        operation_id="agents_list",
        response=page_schema(AgentOutput),
        sample=samples.page(samples.AGENT),
        parameters=PAGES,
        errors=(ValidationFailed,),
        tag="agents",
    )
    def get(self, request: Request) -> Response:
        """Return the customer's virtual employees, the newest first."""
        return Response(page_of(agents.agents_visible(principal_of(request)), request, agent_shape))

    @documented(
        summary="Employ an agent",
        operation_id="agents_create",
        request=AgentInput,
        request_sample=samples.AGENT_REQUEST,
        response=AgentOutput,
        sample=samples.AGENT,
        status=201,
        errors=(ValidationFailed, Conflict),
        tag="agents",
    )
    def post(self, request: Request) -> Response:
        """Add a virtual employee, to be called at its A2A address."""
        fields = validated(AgentInput, request.data)
        agent = agents.agent_create(principal=principal_of(request), fields=fields, now=timezone.now())
        return Response(agent_shape(agent), status=201)


class AgentDetail(Door):
    needs: ClassVar = {"GET": Permission.AGENT_VIEW, "PATCH": Permission.AGENT_EDIT}

    @documented(
        summary="Read an agent",
        operation_id="agents_read",
        response=AgentOutput,
        sample=samples.AGENT,
        errors=(NotFound,),
        tag="agents",
    )
    def get(self, request: Request, agent_id: UUID) -> Response:
        """Return one virtual employee."""
        agent = agents.agents_visible(principal_of(request)).filter(pk=agent_id).first()
        if agent is None:
            raise NotFound(internal=f"agent {agent_id}")
        return Response(agent_shape(agent))

    @documented(
        summary="Change an agent",
        operation_id="agents_update",
        request=AgentInput(partial=True),
        request_sample=samples.AGENT_CHANGE,
        response=AgentOutput,
        sample=samples.AGENT | samples.AGENT_CHANGE,
        errors=(NotFound, ValidationFailed, Conflict),
        tag="agents",
    )
    def patch(self, request: Request, agent_id: UUID) -> Response:
        """Change the fields that are sent, and no others."""
        fields = validated(AgentInput, request.data, partial=True)
        agent = agents.agent_update(
            principal=principal_of(request), agent_id=agent_id, fields=fields, now=timezone.now()
        )
        return Response(agent_shape(agent))


class AgentCheck(Door):
    needs: ClassVar = {"POST": Permission.AGENT_EDIT}

    @documented(
        summary="Check an agent now",
        operation_id="agents_check",
        response=AgentCheckOutput,
        sample=samples.AGENT_CHECK,
        errors=(NotFound,),
        tag="agents",
    )
    def post(self, request: Request, agent_id: UUID) -> Response:
        """Fetch the agent's card just now and say what came of it."""
        check = agents.agent_check(principal=principal_of(request), agent_id=agent_id, now=timezone.now())
        return Response(asdict(check))
