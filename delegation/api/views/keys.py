"""A customer's API keys: made, listed and revoked by its owners."""

from typing import ClassVar
from uuid import UUID

from django.utils import timezone
from rest_framework.request import Request
from rest_framework.response import Response

from delegation.api import samples
from delegation.api.filters import PAGES
from delegation.api.inputs import KeyInput, validated
from delegation.api.outputs import KeyOutput, NewKeyOutput, page_schema
from delegation.api.pagination import page_of
from delegation.api.schema import documented
from delegation.api.shapes import key_shape
from delegation.api.views.door import Door, principal_of
from security.errors import NotFound, ValidationFailed
from security.keys import key_create, key_revoke, keys_visible
from security.roles import Permission


class Keys(Door):
    needs: ClassVar = {"GET": Permission.PEOPLE_VIEW, "POST": Permission.KEY_EDIT}

    @documented(
        summary="List API keys",
        operation_id="keys_list",
        response=page_schema(KeyOutput),
        sample=samples.page(samples.KEY),
        parameters=PAGES,
        errors=(ValidationFailed,),
        tag="rights",
    )
    def get(self, request: Request) -> Response:
        """Return the customer's keys, those that have ended too, without the keys themselves."""
        return Response(page_of(keys_visible(principal_of(request)), request, key_shape, order="-key_id"))

    @documented(
        summary="Make an API key",
        operation_id="keys_create",
        request=KeyInput,
        request_sample=samples.KEY_REQUEST,
        response=NewKeyOutput,
        sample=samples.NEW_KEY,
        status=201,
        errors=(ValidationFailed,),
        tag="rights",
    )
    def post(self, request: Request) -> Response:
        """Make a key that speaks for you, with no more rights than you have. It is shown this once."""
        sent = validated(KeyInput, request.data)
        new = key_create(
            principal=principal_of(request),
            name=sent["name"],
            scopes=sent.get("scopes"),
            expires_at=sent.get("expires_at"),
            now=timezone.now(),
        )
        shape = {**key_shape(new.row), "api_key": new.raw}
        return Response(shape, status=201, headers={"Cache-Control": "no-store"})


class KeyRevoke(Door):
    needs: ClassVar = {"POST": Permission.KEY_EDIT}

    @documented(
        summary="Revoke an API key",
        operation_id="keys_revoke",
        response=KeyOutput,
        sample=samples.REVOKED_KEY,
        errors=(NotFound,),
        tag="rights",
    )
    def post(self, request: Request, key_id: UUID) -> Response:
        """End the key: no process takes it any more from this answer on."""
        return Response(key_shape(key_revoke(principal=principal_of(request), key_id=key_id, now=timezone.now())))
