"""An agent's own credential: set by its owner, kept sealed for this agent, opened only to be shown to it."""

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from django.conf import settings

from delegation.gateway.http_pool import target_of
from delegation.models import Agent
from delegation.services.addresses import address_policy
from security.errors import ValidationFailed
from security.identity import (
    AgentCredential,
    AgentCredentialUnusable,
    BrokenCredential,
    MutualTls,
    OAuthClient,
    SealBroken,
    client_tls,
    kind_of,
    opened_credential,
    read_credential,
    sealed_credential,
)
from security.signing import secret_box


def certificates_folder() -> Path | None:
    """Return the folder that holds a folder of client certificates for each customer; None where there is none."""
    return Path(settings.A2A_CLIENT_CERTIFICATES_DIR) if settings.A2A_CLIENT_CERTIFICATES_DIR else None


def credential_of(agent: Agent) -> AgentCredential | BrokenCredential | None:
    """Return the agent's credential, opened. One that cannot be opened is no error before it is to be shown."""
    if not agent.sealed_credential:
        return None
    try:
        return opened_credential(
            agent.sealed_credential, box=secret_box(), customer_id=agent.customer_id, agent_id=str(agent.id)
        )
    except SealBroken as error:
        return BrokenCredential(error.internal_message)


def credential_set(agent: Agent, given: object, *, now: datetime) -> None:
    """Put the credential ({kind, ...}; None removes it) on the agent, which is still to be saved.

    Raises:
        ValidationFailed: it cannot be used for this agent; the message holds nothing of it.
        AddressRefused: its authorisation server may not be called.
    """
    if given is None:
        agent.credential_kind, agent.sealed_credential, agent.credential_set_at = "", "", None
        return
    credential = checked_credential(given, agent=agent)
    agent.credential_kind = kind_of(credential)
    agent.sealed_credential = sealed_credential(
        credential, box=secret_box(), customer_id=agent.customer_id, agent_id=str(agent.id)
    )
    agent.credential_set_at = now


def checked_credential(given: object, *, agent: Agent) -> AgentCredential:
    """Read a credential for the agent and try what can be tried before it is used. Raises as ``credential_set``."""
    if not isinstance(given, Mapping):
        raise ValidationFailed(detail="credential: must be an object with its kind, or null.")
    try:
        credential = read_credential(given)
    except ValidationFailed as error:
        raise ValidationFailed(detail=f"credential: {error.user_message}") from error
    if isinstance(credential, OAuthClient):
        address_policy().check_url(credential.token_url)
    if isinstance(credential, MutualTls):
        _check_certificate(credential, agent)
    return credential


def check_credential_stays(agent: Agent, *, before: str, after: str) -> None:
    """Refuse to take the agent's credential along to another server: whoever moves an agent would be shown it there.

    Raises:
        ValidationFailed: the agent has a credential, and its address was at another server before.
    """
    if agent.credential_kind and target_of(after).origin != target_of(before).origin:
        told = "The endpoint_url leads to another server: send the agent's credential again with it, or null for none."
        raise ValidationFailed(detail=told)


def credential_reseal(agent: Agent) -> bool:
    """Seal the agent's credential by the newest secret; False where it was so already.

    Raises:
        SealBroken: none of our secrets opens it.
    """
    box, sealed = secret_box(), agent.sealed_credential
    if not sealed or box.is_current(sealed):
        return False
    owner = {"customer_id": agent.customer_id, "agent_id": str(agent.id)}
    anew = sealed_credential(opened_credential(sealed, box=box, **owner), box=box, **owner)
    # Somebody may set another at this very moment: that one stays.
    return Agent.objects.filter(id=agent.id, sealed_credential=sealed).update(sealed_credential=anew) == 1


def _check_certificate(credential: MutualTls, agent: Agent) -> None:
    if not agent.endpoint_url.lower().startswith("https:"):
        raise ValidationFailed(detail="credential: a client certificate needs an endpoint_url that begins with https.")
    folder = certificates_folder()
    if folder is None:
        raise ValidationFailed(detail="credential: this installation keeps no client certificates.")
    try:
        client_tls(credential, folder=folder / agent.customer_id)
    except AgentCredentialUnusable as error:
        told = "credential: the certificate or its key cannot be read in the customer's folder."
        raise ValidationFailed(detail=told, internal=error.internal_message) from error
