"""The TLS settings for an agent that wants to see a client certificate."""

import ssl
from pathlib import Path

from security.identity.agent_credentials import MutualTls
from security.identity.errors import AgentCredentialUnusable


def client_tls(credential: MutualTls, *, folder: Path) -> ssl.SSLContext:
    """Return settings that show the certificate and check the agent's own. Reads files: not for the event loop.

    Raises:
        AgentCredentialUnusable: a path leads out of ``folder``, or a file is missing, unreadable or no PEM.
    """
    try:
        authority = str(_within(folder, credential.authority_file)) if credential.authority_file else None
        context = ssl.create_default_context(cafile=authority)
        context.load_cert_chain(
            _within(folder, credential.certificate_file),
            _within(folder, credential.key_file),
            # Without this an encrypted key would ask for its passphrase at the process's terminal.
            password=_no_passphrase,
        )
    except (OSError, ValueError) as error:
        raise AgentCredentialUnusable(internal=f"client certificate {credential.certificate_file}: {error}") from error
    return context


def files_state(credential: MutualTls, *, folder: Path) -> tuple[tuple[int, int, int], ...]:
    """Return what changes when one of the files is replaced. Reads the disk: not for the event loop.

    Raises:
        AgentCredentialUnusable: as ``client_tls``.
    """
    names = [name for name in (credential.certificate_file, credential.key_file, credential.authority_file) if name]
    try:
        found = [_within(folder, name).stat() for name in names]
    except (OSError, ValueError) as error:
        raise AgentCredentialUnusable(internal=f"client certificate {credential.certificate_file}: {error}") from error
    return tuple((each.st_ino, each.st_size, each.st_mtime_ns) for each in found)


def _no_passphrase() -> bytes:
    raise ValueError("the key is encrypted")


def _within(folder: Path, name: str) -> Path:
    root = folder.resolve()
    path = (root / name).resolve()
    if not path.is_relative_to(root):
        # The same error as for a missing file, so that nobody learns which files there are elsewhere.
        raise FileNotFoundError(f"no file {name}")
    return path
