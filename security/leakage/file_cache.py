"""Files that can be thrown away: written whole or not at all, and checked when read."""

from __future__ import annotations

import contextlib
import hashlib
import os
import tempfile
from pathlib import Path

_DIGEST_BYTES = 32


def default_cache_dir() -> Path:
    """Return A2A_CACHE_DIR, else our folder in the user's cache directory."""
    named = os.environ.get("A2A_CACHE_DIR")
    if named:
        return Path(named)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "a2a-platform"


def load_cached(path: Path) -> bytes | None:
    """Return the stored bytes, or None where the file is absent, unreadable or damaged."""
    try:
        content = path.read_bytes()
    except OSError:
        return None
    digest, stored = content[:_DIGEST_BYTES], content[_DIGEST_BYTES:]
    return stored if hashlib.sha256(stored).digest() == digest else None


def store_cached(path: Path, stored: bytes) -> None:
    """Write `stored` with its checksum; a read-only or full disk only costs the next start some time.

    The rename makes two processes that start at once leave one whole file.
    """
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=path.name)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(hashlib.sha256(stored).digest() + stored)
            Path(temporary).replace(path)
        except OSError:
            Path(temporary).unlink(missing_ok=True)
