"""What an agent wants to see from its callers: its owner's credential for it, kept sealed and never shown again."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from enum import StrEnum
from typing import Any, Final
from urllib.parse import urlsplit

from security.errors import ValidationFailed
from security.identity.call_tokens import TOKEN_HEADER
from security.identity.errors import SealBroken
from security.identity.sealing import SecretBox
from security.identity.secret import Secret

_HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}", re.ASCII)
_HEADER_VALUE = re.compile(r"[\x21-\x7e](?:[\x20-\x7e]{0,8190}[\x21-\x7e])?", re.ASCII)
_TOKEN = re.compile(r"[\x21-\x7e]{1,8192}", re.ASCII)
_PRINTABLE = re.compile(r"[\x20-\x7e]*", re.ASCII)

# What the gateway itself says of a call, and what frames it: a credential in one of these could forge either.
_GATEWAYS_OWN: Final = frozenset(
    """accept accept-encoding connection content-encoding content-length content-type expect host keep-alive
    traceparent tracestate transfer-encoding te trailer upgrade x-customer-id""".split()
) | {TOKEN_HEADER}
_GATEWAYS_PREFIXES = ("a2a-", "x-a2a-")


class ClientAuthentication(StrEnum):
    """How an OAuth client shows its secret (RFC 6749, 2.3.1)."""

    BASIC = "basic"
    BODY = "body"


@dataclass(frozen=True, slots=True, kw_only=True)
class BearerToken:
    """`Authorization: Bearer <token>`. Raises ValidationFailed where the token cannot stand in a header."""

    token: Secret

    def __post_init__(self) -> None:
        _check(_TOKEN, self.token.reveal(), "The token must be printable ASCII without spaces.")


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKey:
    """A header of the agent's choice. Raises ValidationFailed where the gateway needs the header, or it is none."""

    header: str
    value: Secret

    def __post_init__(self) -> None:
        _check(_HEADER_NAME, self.header, "The header's name is not valid.")
        name = self.header.lower()
        if name in _GATEWAYS_OWN or name.startswith(_GATEWAYS_PREFIXES):
            raise ValidationFailed(detail=f"The header {name} is the gateway's own.")
        _check(_HEADER_VALUE, self.value.reveal(), "The header's value must be printable ASCII.")


@dataclass(frozen=True, slots=True, kw_only=True)
class BasicLogin:
    """`Authorization: Basic` (RFC 7617). Raises ValidationFailed where the name holds a colon, or a part is no text."""

    username: str
    password: Secret

    def __post_init__(self) -> None:
        if not self.username or ":" in self.username:
            raise ValidationFailed(detail="The user name is required, and may not hold a colon.")
        both = self.username + self.password.reveal()
        _check(_PRINTABLE, both, "The user name and the password must be printable ASCII.")


@dataclass(frozen=True, slots=True, kw_only=True)
class OAuthClient:
    """OAuth client credentials (RFC 6749, 4.4); ``audience`` is sent where the authorisation server wants one.

    Raises ValidationFailed where a part is missing. Where the token address may lie is the address policy's to say.
    """

    token_url: str
    client_id: str
    client_secret: Secret
    scope: str = ""
    audience: str = ""
    client_authentication: ClientAuthentication = ClientAuthentication.BASIC

    def __post_init__(self) -> None:
        if not self.token_url or not self.client_id or not self.client_secret.reveal():
            raise ValidationFailed(detail="The token address, the client id and the client secret are required.")
        texts = self.client_id + self.client_secret.reveal() + self.scope + self.audience
        _check(_PRINTABLE, texts, "The client's id, secret, scope and audience must be printable ASCII.")


@dataclass(frozen=True, slots=True, kw_only=True)
class MutualTls:
    """A client certificate and its key (PEM), as paths beneath the folder that the operator mounts for the customer.

    ``authority_file`` names the certificates that the agent's own is checked against; empty: the system's.
    Raises ValidationFailed where one of the two is not named.
    """

    certificate_file: str
    key_file: str
    authority_file: str = ""

    def __post_init__(self) -> None:
        if not self.certificate_file or not self.key_file:
            raise ValidationFailed(detail="The certificate and its key are both required.")
        if "\0" in self.certificate_file + self.key_file + self.authority_file:
            raise ValidationFailed(detail="A path may not hold NUL.")


AgentCredential = BearerToken | ApiKey | BasicLogin | OAuthClient | MutualTls


@dataclass(frozen=True, slots=True)
class BrokenCredential:
    """What is left of a credential that cannot be opened. ``problem`` is for the log."""

    problem: str


KINDS: Final[Mapping[str, type[AgentCredential]]] = {
    "bearer": BearerToken,
    "api_key": ApiKey,
    "basic": BasicLogin,
    "oauth_client": OAuthClient,
    "mutual_tls": MutualTls,
}


def read_credential(given: Mapping[str, object]) -> AgentCredential:
    """Return the credential for ``{"kind": "bearer", "token": ...}`` and the like: kind, then the class's own fields.

    Raises:
        ValidationFailed: the kind or a field is unknown, missing or unsafe; the message holds no value.
    """
    credential_class: Any = KINDS.get(str(given.get("kind")))
    if credential_class is None:
        raise ValidationFailed(detail=f"The kind of credential must be one of {', '.join(KINDS)}.")
    # Each field's type is made of a text: a Secret, an enumeration, the text itself.
    makers: dict[str, Any] = {field.name: field.type for field in fields(credential_class)}
    values = {name: value for name, value in given.items() if name != "kind"}
    for name, value in values.items():
        if name not in makers or not isinstance(value, str):
            raise ValidationFailed(detail=f"{name[:64]!r} is not a text field of this kind of credential.")
    try:
        credential: AgentCredential = credential_class(**{name: makers[name](text) for name, text in values.items()})
    except (TypeError, ValueError) as error:
        raise ValidationFailed(detail="A field of the credential is missing or not valid.") from error
    return credential


def kind_of(credential: AgentCredential) -> str:
    """Return the word for the credential's kind, as ``read_credential`` takes it."""
    return next(name for name, kind_class in KINDS.items() if isinstance(credential, kind_class))


def sealed_credential(credential: AgentCredential, *, box: SecretBox, customer_id: str, agent_id: str) -> str:
    """Return the credential as one encrypted text, which opens for this agent of this customer alone."""
    kind = kind_of(credential)
    content = {field.name: _plain(getattr(credential, field.name)) for field in fields(credential)}
    return box.seal(json.dumps({"kind": kind, **content}), purpose=_purpose(customer_id, agent_id))


def opened_credential(sealed: str, *, box: SecretBox, customer_id: str, agent_id: str) -> AgentCredential:
    """Return the credential that was sealed for this agent.

    Raises:
        SealBroken: the text was altered, belongs to another agent, or is no credential.
    """
    plain = box.unseal(sealed, purpose=_purpose(customer_id, agent_id))
    try:
        return read_credential(json.loads(plain))
    except (ValueError, ValidationFailed):
        # The cause is left out: it may quote the plain text.
        raise SealBroken(internal=f"the credential of {customer_id}/{agent_id} cannot be read") from None


def masked(credential: AgentCredential) -> str:
    """Return a line by which an owner recognises the credential, and nobody can use it: ``bearer ••••abcd``."""
    match credential:
        case BearerToken():
            return f"bearer {credential.token}"
        case ApiKey():
            return f"{credential.header} {credential.value}"
        case BasicLogin():
            return f"basic {credential.username} {credential.password}"
        case OAuthClient():
            host = urlsplit(credential.token_url).hostname or "?"
            return f"OAuth client {credential.client_id} at {host} {credential.client_secret}"
        case MutualTls():
            return f"client certificate {credential.certificate_file}"


def _plain(value: str | Secret) -> str:
    return value.reveal() if isinstance(value, Secret) else value


def _purpose(customer_id: str, agent_id: str) -> str:
    return f"agent-credential/{customer_id}/{agent_id}"


def _check(pattern: re.Pattern[str], text: str, problem: str) -> None:
    if not pattern.fullmatch(text):
        raise ValidationFailed(detail=problem)
