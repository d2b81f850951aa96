"""The credential that every peer's door asks for: one token, compared in constant time."""

import hmac
import os

TOKEN = os.environ.get("BENCH_TOKEN", "")


def is_known(authorization: str) -> bool:
    """Tell whether the header carries the token."""
    return hmac.compare_digest(authorization.encode(), f"Bearer {TOKEN}".encode())
