"""What the gateway shows of itself at an agent's door: our signed token, and the credential that its owner set."""

import asyncio
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

from delegation.gateway.http_pool import Apart, HttpPool, target_of
from delegation.gateway.transient import Transient
from security.identity import (
    TOKEN_HEADER,
    AgentCredential,
    AgentCredentialUnusable,
    BrokenCredential,
    CallIdentity,
    ClientTokens,
    MutualTls,
    OAuthClient,
    Secret,
    TokenEndpointUnavailable,
    client_tls,
    credential_headers,
)
from security.identity.client_tls import files_state
from security.outbound import AddressPolicy

# How soon a certificate that was replaced on the disk is taken up.
_TLS_SECONDS = 60.0


class Signer(Protocol):
    def sign(self, call: CallIdentity, *, body: bytes, now: datetime) -> str: ...


class Visitor(Protocol):
    """Who calls which agent. The credential is shown to the origin of ``url`` alone, wherever the card leads."""

    @property
    def url(self) -> str: ...
    @property
    def customer_id(self) -> str: ...
    @property
    def identity(self) -> CallIdentity | None: ...
    @property
    def credential(self) -> AgentCredential | BrokenCredential | None: ...


@dataclass(frozen=True, slots=True)
class Shown:
    """The headers to add to one sending, and whose connections it may use (None: everybody's)."""

    headers: Mapping[str, str]
    apart: Apart | None = None


NOTHING = Shown({})


@dataclass(frozen=True, slots=True)
class _Loaded:
    looked_at: float
    state: object
    context: ssl.SSLContext


class Access:
    """Prepares each sending, for one asyncio loop. ``certificates``: the folder of the customers' folders."""

    def __init__(
        self, *, pool: HttpPool, policy: AddressPolicy, signer: Signer | None, certificates: Path | None
    ) -> None:
        self._signer = signer
        self._certificates = certificates
        self._tokens = ClientTokens(http=pool, policy=policy)
        self._contexts: dict[tuple[str, MutualTls], _Loaded] = {}
        self._loading = asyncio.Lock()

    async def close(self) -> None:
        """Give up the token requests that are under way."""
        await self._tokens.close()

    def signed(self, visitor: Visitor, body: bytes) -> dict[str, str]:
        """Return the header with the token for exactly this body; none where nobody signs."""
        if self._signer is None or visitor.identity is None:
            return {}
        return {TOKEN_HEADER: self._signer.sign(visitor.identity, body=body, now=datetime.now(UTC))}

    async def credential(self, visitor: Visitor, url: str) -> Shown:
        """Return what shows the agent's own credential to ``url``.

        Raises:
            AgentCredentialUnusable: it cannot be opened, or fetched, or shown at this address.
            Transient: the authorisation server cannot be asked just now.
            AddressRefused: the authorisation server's address may not be called.
        """
        credential = visitor.credential
        if credential is None:
            return NOTHING
        if isinstance(credential, BrokenCredential):
            raise AgentCredentialUnusable(internal=credential.problem)
        here = target_of(url).origin
        if here != target_of(visitor.url).origin:
            raise AgentCredentialUnusable(internal=f"the card of {visitor.url} leads elsewhere, to {url}")
        if isinstance(credential, MutualTls):
            if not here.secure:
                raise AgentCredentialUnusable(internal=f"a client certificate cannot be shown to {url}: not https")
            return Shown({}, Apart(visitor.customer_id, await self._tls(visitor.customer_id, credential)))
        try:
            headers = await credential_headers(credential, tokens=self._tokens, customer_id=visitor.customer_id)
        except TokenEndpointUnavailable as error:
            raise Transient(internal=error.internal_message) from error
        return Shown(headers, Apart(visitor.customer_id))

    def renewable(self, visitor: Visitor, shown: Shown) -> bool:
        """Drop the access token that the agent refused; False where the credential is not one that is fetched."""
        credential = visitor.credential
        if not isinstance(credential, OAuthClient):
            return False
        refused = shown.headers["authorization"].removeprefix("Bearer ")
        self._tokens.forget(credential, customer_id=visitor.customer_id, token=Secret(refused))
        return True

    async def _tls(self, customer_id: str, credential: MutualTls) -> ssl.SSLContext:
        key = customer_id, credential
        loaded = self._contexts.get(key)
        if loaded is not None and time.monotonic() - loaded.looked_at < _TLS_SECONDS:
            return loaded.context
        async with self._loading:
            known = self._contexts.get(key)
            if known is loaded or known is None:
                known = self._contexts[key] = await asyncio.to_thread(self._load, customer_id, credential, known)
            return known.context

    def _load(self, customer_id: str, credential: MutualTls, known: _Loaded | None) -> _Loaded:
        """Read the files, unless they are as they were: connections under the same settings can be used again."""
        if self._certificates is None:
            raise AgentCredentialUnusable(internal="A2A_CLIENT_CERTIFICATES_DIR is not set")
        folder = self._certificates / customer_id
        state = files_state(credential, folder=folder)
        context = known.context if known and known.state == state else client_tls(credential, folder=folder)
        return _Loaded(time.monotonic(), state, context)
