"""Who the gateway is to agents, and how agents' own credentials are kept. Importable without Django.

The database stays outside: whoever stores keys or credentials hands them in as frozen data or as a `KeyStore`.
"""

from security.identity.agent_credentials import (
    AgentCredential,
    ApiKey,
    BasicLogin,
    BearerToken,
    BrokenCredential,
    ClientAuthentication,
    MutualTls,
    OAuthClient,
    kind_of,
    masked,
    opened_credential,
    read_credential,
    sealed_credential,
)
from security.identity.call_tokens import TOKEN_HEADER, TOKEN_TYPE, CallIdentity, CallSigner
from security.identity.callback_tokens import Callback, CallbackTokens
from security.identity.client_tls import client_tls
from security.identity.errors import AgentCredentialUnusable, SealBroken, TokenEndpointUnavailable
from security.identity.keys import GatewayKey, KeyRing, KeyState, RotationSchedule
from security.identity.oauth import ClientTokens, HttpAnswer, HttpSender, credential_headers
from security.identity.rotation import KeyStore, keep_rotated, revoke, rotate
from security.identity.sealing import SecretBox
from security.identity.secret import Secret

__all__ = [
    "TOKEN_HEADER",
    "TOKEN_TYPE",
    "AgentCredential",
    "AgentCredentialUnusable",
    "ApiKey",
    "BasicLogin",
    "BearerToken",
    "BrokenCredential",
    "CallIdentity",
    "CallSigner",
    "Callback",
    "CallbackTokens",
    "ClientAuthentication",
    "ClientTokens",
    "GatewayKey",
    "HttpAnswer",
    "HttpSender",
    "KeyRing",
    "KeyState",
    "KeyStore",
    "MutualTls",
    "OAuthClient",
    "RotationSchedule",
    "SealBroken",
    "Secret",
    "SecretBox",
    "TokenEndpointUnavailable",
    "client_tls",
    "credential_headers",
    "keep_rotated",
    "kind_of",
    "masked",
    "opened_credential",
    "read_credential",
    "revoke",
    "rotate",
    "sealed_credential",
]
