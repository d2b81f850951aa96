"""Real A2A agents on loopback whose every answer, good or bad, is written down beforehand by the test.

    with AgentServer() as server:
        server.script("copywriter", [Status(503), handle("a text")])
        ...                                             # the platform calls server.url("copywriter")
        assert [call.message_id for call in server.calls("copywriter")]

Each HTTP call of an agent takes the next step of its script; the last step is repeated for ever. A callable in the
place of a script (or of a step) is given the call and returns the step. An agent without a script handles what it gets.
"""

from tests.agents.answers import Answer, Call, Fail, NeedsInput, Reject, Say, ask, delegate, handle, parallel
from tests.agents.late import Hold, Slow, Working
from tests.agents.misbehaviour import (
    Drop,
    DropMidBody,
    Hang,
    Html,
    Huge,
    Nested,
    Raw,
    Redirect,
    Refuse,
    RpcError,
    Status,
    Trickle,
)
from tests.agents.server import AgentServer

__all__ = [
    "AgentServer",
    "Answer",
    "Call",
    "Drop",
    "DropMidBody",
    "Fail",
    "Hang",
    "Hold",
    "Html",
    "Huge",
    "NeedsInput",
    "Nested",
    "Raw",
    "Redirect",
    "Refuse",
    "Reject",
    "RpcError",
    "Say",
    "Slow",
    "Status",
    "Trickle",
    "Working",
    "ask",
    "delegate",
    "handle",
    "parallel",
]
