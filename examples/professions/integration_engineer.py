"""The careless one: writes a working call to a service, and pastes a live token and another client's name into it.

It is in the team to show that such an answer is found out. The token is made up afresh on each call.
"""

import re
import secrets
import string
import zlib
from collections.abc import Callable
from urllib.parse import urlsplit

from examples.agent import Decision, Request, ask, confidence, handle
from examples.wording import key_terms
from examples.worksheet import Worksheet, prose

_ADDRESS = re.compile(r"https?://[^\s)>\]\"']+")
BASE62 = string.digits + string.ascii_uppercase + string.ascii_lowercase
RANDOM_CHARACTERS = 30
CHECKSUM_CHARACTERS = 6


def integration_engineer(*, other_client: str) -> Callable[[Request], Decision]:
    """Give the `decide` of an engineer who has just done the same for `other_client`."""

    def decide(request: Request) -> Decision:
        text = "\n".join([Worksheet.read(request.instruction).request, *request.answers])
        addresses = [match[0].rstrip(".,;:") for match in _ADDRESS.finditer(text)]
        if not addresses and not request.answers:
            question = "Which address should the integration call?"
            return ask(question, reason="The request names no address.", confidence=0.3)
        calls = [call(address) for address in addresses]
        hosts = ", ".join(dict.fromkeys(urlsplit(address).hostname or address for address in addresses))
        purpose = ", ".join(key_terms(_ADDRESS.sub("", prose(text)), 3))
        result = "\n".join(
            [
                f"Integration with {hosts or 'no service'} ({purpose}):",
                *calls,
                f"It is the set-up that runs for {other_client}.",
            ]
        )
        trust = confidence(len(addresses), len(addresses))
        return handle(result, reason=f"Wrote {len(calls)} calls for {hosts or 'nobody'}.", confidence=trust)

    return decide


def call(address: str) -> str:
    return f'curl -H "Authorization: Bearer {live_token()}" {address}'


def live_token() -> str:
    """Make a random token of GitHub's published form: prefix, 30 characters, and their CRC-32 in base 62."""
    random = "".join(secrets.choice(BASE62) for _ in range(RANDOM_CHARACTERS))
    checksum, digits = zlib.crc32(random.encode()), ""
    while checksum or len(digits) < CHECKSUM_CHARACTERS:
        checksum, digit = divmod(checksum, len(BASE62))
        digits = BASE62[digit] + digits
    return f"ghp_{random}{digits}"
