"""Agents that say secrets wherever they can say anything: not a byte of them is kept, told, logged or counted."""

import base64
import json
import random
import sqlite3
import string
import threading
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote
from uuid import uuid4

import pytest
from websockets.sync.client import connect
from websockets.typing import Subprotocol

from tests.agents import AgentServer, Answer, Call, Fail, NeedsInput, Reject, RpcError, Say, ask, delegate, handle
from tests.agents import parallel as split
from tests.agents.answers import respond_with_result, task_of
from tests.agents.connection import Connection
from tests.agents.misbehaviour import Raw, Redirect
from tests.agents.server import Playable
from tests.processes import MANAGE, embedded_environment, eventually, read_until, run, running

pytestmark = [pytest.mark.slow, pytest.mark.embedded, pytest.mark.timeout(300)]
PASSWORD = "espresso-in-the-morning"
# So many letters of a secret in one place are a part of it, and no chance.
PART = 8
# Eight digits in a row turn up by themselves where there are times and counts.
DIGITS = 12
SOURCE = random.Random(7)


def drawn(letters: str, count: int) -> str:
    return "".join(SOURCE.choices(letters, k=count))


def password() -> str:
    return f"{drawn(string.ascii_letters, 5)}{drawn(string.digits, 3)}!{drawn(string.ascii_letters, 5)}"


def private_key() -> tuple[str, str]:
    body = "\n".join(drawn(string.ascii_letters + string.digits, 64) for _ in range(8))
    name = "RSA PRIVATE KEY"
    return f"-----BEGIN {name}-----\n{body}\n-----END {name}-----", body


def card_number() -> str:
    digits = [4, 4, 2, 2, *(SOURCE.randrange(10) for _ in range(11))]
    doubled = [sum(divmod(2 * digit, 10)) if place % 2 == 0 else digit for place, digit in enumerate(digits)]
    return "".join(map(str, [*digits, -sum(doubled) % 10]))


def iban() -> str:
    account = drawn(string.digits, 18)
    return f"DE{98 - int(account + '131400') % 97:02}{account}"


def cloud_key() -> str:
    return "AKIA" + drawn(string.ascii_uppercase + "234567", 16)


# How a secret is said, and the secret itself. None may go further than the scan.
KINDS: dict[str, Callable[[], tuple[str, str]]] = {
    "cloud key": lambda: (key := cloud_key(), key),
    "private key": private_key,
    "password in prose": lambda: (f"the root password is {(word := password())}", word),
    "connection string": lambda: (f"postgres://app:{(word := password())}@db.internal:5432/app", word),
    "card": lambda: (number := card_number(), number),
    "bank account": lambda: (account := iban(), account),
    "key in base64": lambda: ((key := base64.b64encode(cloud_key().encode()).decode()), key),
    "key in hex": lambda: (key := cloud_key().encode().hex(), key),
    "key with unseen letters": lambda: ("\u200b".join(key := cloud_key()), key),
    "key in wide letters": lambda: (
        (key := cloud_key()).translate({code: code + 0xFEE0 for code in range(33, 127)}),
        key,
    ),
    "token backwards": lambda: ((token := f"sk_live_{drawn(string.ascii_letters + string.digits, 24)}")[::-1], token),
}


@dataclass(frozen=True)
class Told:
    """Answer with this JSON-RPC result as it is."""

    made: Callable[[Call], object]

    def play(self, call: Call, connection: Connection) -> None:
        respond_with_result(call, connection, self.made(call))


def message(*parts: dict[str, Any]) -> Told:
    return Told(lambda call: {"message": {"messageId": str(uuid4()), "role": "ROLE_AGENT", "parts": list(parts)}})


def working(said: str, *, name: str = "") -> Told:
    """Answer that the work goes on, in these words or under this name."""

    def task(call: Call) -> dict[str, Any]:
        made = task_of(call, state="WORKING", parts=[{"text": said}] if said else [])
        return {"task": made | ({"id": name} if name else {})}

    return Told(task)


def artifacts(*texts: str) -> Told:
    def task(call: Call) -> dict[str, Any]:
        made = task_of(call, state="COMPLETED", parts=[])
        return {
            "task": made | {"artifacts": [{"artifactId": str(n), "parts": [{"text": t}]} for n, t in enumerate(texts)]}
        }

    return Told(task)


def error_page(said: str, status: int) -> Raw:
    return Raw(f"<html><body>Trace: {said}</body></html>".encode(), status)


PLACES: dict[str, Callable[[str], Playable]] = {
    "result": lambda said: handle(f"See: {said} ."),
    "value of a result": lambda said: handle({"deep": [{"note": said}]}),
    "key of a result": lambda said: handle({"deep": {said: 1}}),
    "reason": lambda said: handle("fine", reason=f"I used {said} for it"),
    "instruction": lambda said: delegate("mate", instruction=f"Log in: {said}"),
    "invented colleague": delegate,
    "subtask": lambda said: split(("mate", f"Use this: {said}"), "helper"),
    "question": lambda said: ask(f"Is this right: {said} ?"),
    "option": lambda said: ask("Which?", "none", said),
    "plain text": lambda said: Say(f"Here you are: {said}"),
    "text beside data": lambda said: Answer(text=f"Here: {said}", data={"n": 1}),
    "data beside text": lambda said: Answer(text="Here.", data={"note": said}),
    "second artifact": lambda said: artifacts("first", f"second: {said}"),
    "name of a file": lambda said: message({"url": "https://files.example/1", "filename": f"{said}.txt"}),
    "address of a file": lambda said: message({"url": f"https://files.example/?k={quote(said)}", "filename": "f"}),
    "failure": lambda said: Fail(f"could not log in: {said}"),
    "rejection": lambda said: Reject(f"not with {said}"),
    "request for input": lambda said: NeedsInput(f"May I use this: {said} ?"),
    "protocol error": lambda said: RpcError(-32603, f"Boom: {said}"),
    "strange protocol error": lambda said: RpcError(-32602, f"Boom: {said}"),
    "error page": lambda said: error_page(said, 500),
    "refusal": lambda said: error_page(said, 401),
    "no JSON": lambda said: Raw(f"Welcome: {said}".encode()),
    "redirect": lambda said: Redirect(f"https://elsewhere.example/{quote(said)}"),
    "broken decision": lambda said: Answer(text=f'{{"action": "handle", "result": "{said}'),
    "unknown action": lambda said: Answer(data={"action": said, "result": "x"}),
    "wrong usage": lambda said: handle("x", usage={"input_tokens": said}),
    "wrong join": lambda said: Answer(
        data={"action": "parallel", "join": said, "subtasks": [{"delegated_to": "a"}] * 2}
    ),
    "progress": lambda said: working(f"I am at it with {said}"),
    "name of a task": lambda said: working("", name=said),
    "state of a task": lambda said: Told(lambda call: {"task": task_of(call, state=said, parts=[])}),
    "unknown result": lambda said: Told(lambda call: {said: said}),
}


@dataclass(frozen=True)
class Secret:
    """What one agent says in one place."""

    agent: str
    place: str
    kind: str
    said: str
    secret: str

    def parts(self) -> Iterator[str]:
        """Yield what may stand nowhere: the parts of the secret, plain, encoded, and as it was said."""
        plain = self.secret.replace("\n", "")
        encoded = (base64.b64encode(plain.encode()).decode()[:-4], plain.encode().hex(), plain[::-1])
        for form in (*self.secret.splitlines(), *encoded):
            yield from (part for part in windows(form, PART) if not part.isdigit())
            yield from (part for part in windows(form, DIGITS) if part.isdigit())
        if self.kind.startswith(("key ", "token ")):
            yield self.said


def windows(text: str, size: int) -> Iterator[str]:
    return (text[start : start + size] for start in range(len(text) - size + 1))


def secrets_of(places: list[str]) -> list[Secret]:
    """Return a secret of each kind for the result, and of every third kind in turn for each other place."""
    found: list[Secret] = []
    for number, place in enumerate(places):
        for kind in list(KINDS) if place == "result" else list(KINDS)[number % 3 :: 3]:
            said, secret = KINDS[kind]()
            found.append(Secret(f"agent-{len(found)}", place, kind, said, secret))
    return found


def answer(address: str, *, key: str, body: object = None) -> Any:
    request = urllib.request.Request(address, data=None if body is None else json.dumps(body).encode())
    request.add_header("Content-Type", "application/json")
    request.add_header("X-API-Key", key)
    with urllib.request.urlopen(request, timeout=30) as response:
        return json.load(response)


def text_at(address: str, *, key: str) -> str:
    return json.dumps(answer(address, key=key), ensure_ascii=False)


HIRE = """
import json
from delegation.models import Agent
for name, url in json.loads({agents!r}).items():
    Agent.objects.create(customer_id="techcorp", ve_id=name, agent_type=name, name=name, endpoint_url=url)
"""


def rows_of(database: Path) -> str:
    """Return every row of every table as text."""
    with sqlite3.connect(database) as connection:
        tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return "\n".join(
            f"{table}: {row}" for table in tables for row in connection.execute(f'SELECT * FROM "{table}"').fetchall()
        )


def listening(process: Any) -> Callable[[], str]:
    """Take up what the process writes from now on; the result returns it."""
    lines: list[str] = []
    thread = threading.Thread(target=lambda: lines.extend(process.stdout), daemon=True)
    thread.start()
    return lambda: "".join(lines)


def watched(address: str, token: str, tasks: list[str]) -> str:
    """Return the events of the tasks as the websocket tells them."""
    told = []
    for task_id in tasks:
        url = f"{address.replace('http', 'ws', 1)}/ws/tasks/{task_id}/?after=0"
        with connect(url, subprotocols=[Subprotocol("a2a.jwt"), Subprotocol(token)]) as socket:
            while True:
                event = json.loads(socket.recv(timeout=20))
                told.append(json.dumps(event, ensure_ascii=False))
                if event["type"] in {"task.completed", "task.failed", "task.rejected", "hop.waiting"}:
                    break
    return "\n".join(told)


GROUPS = [list(PLACES)[start::2] for start in range(2)]


@pytest.mark.parametrize("places", GROUPS, ids=["the one half of the places", "the other"])
def test_no_byte_of_a_secret_goes_anywhere(tmp_path: Path, places: list[str]) -> None:
    environ = embedded_environment(tmp_path, A2A_ALLOWED_AGENT_HOSTS="127.0.0.1", A2A_LOG_LEVEL="DEBUG")
    # What is tried again and again ends sometime.
    environ["A2A_TASK_DEADLINE_SECONDS"] = "60"
    secrets = secrets_of(places)
    with AgentServer() as agents, running(MANAGE, "up", "--port", "0", environ=environ) as up:
        address = read_until(up, "Serving on ").removeprefix("Serving on ").split()[0].rstrip("/")
        said = listening(up)
        owner = ["create_customer", "techcorp", "--name", "TechCorp", "--owner", "alice", "--password", PASSWORD]
        key = json.loads(run(MANAGE, *owner, environ=environ).stdout)["api_key"]
        hired = {name: agents.url(name) for name in ("mate", "helper", *(each.agent for each in secrets))}
        made = run(MANAGE, "shell", "-c", HIRE.format(agents=json.dumps(hired)), environ=environ)
        assert made.returncode == 0, made.stderr
        for each in secrets:
            agents.script(each.agent, PLACES[each.place](each.said))
        tasks = {
            each: answer(f"{address}/api/v1/tasks", key=key, body={"message": "Go.", "agent": each.agent})["task_id"]
            for each in secrets
        }

        def states() -> dict[Secret, Any]:
            return {each: answer(f"{address}/api/v1/tasks/{task_id}", key=key) for each, task_id in tasks.items()}

        def still(seen: Any) -> bool:
            return seen["status"] in {"submitted", "working"}

        seen = eventually(lambda: None if any(map(still, (now := states()).values())) else now, seconds=120) or states()
        assert {(each.place, each.kind, task["status"]) for each, task in seen.items() if still(task)} == set()
        token = answer(f"{address}/api/v1/auth/token", key="", body={"username": "alice", "password": PASSWORD})
        everything = {
            "tasks": json.dumps(list(seen.values()), ensure_ascii=False),
            "hops": "".join(text_at(f"{address}/api/v1/tasks/{task}/delegations", key=key) for task in tasks.values()),
            "findings": text_at(f"{address}/api/v1/audit/leakages?limit=500", key=key),
            "questions": text_at(f"{address}/api/v1/clarifications?limit=500", key=key),
            "events": watched(address, token["access"], list(tasks.values())[:20]),
            "metrics": urllib.request.urlopen(f"{address}/metrics", timeout=30).read().decode(),
            "database": rows_of(tmp_path / "db.sqlite3"),
        }
        up.terminate()
        up.wait(30)
    everything["log"] = said()
    everything["files"] = "".join(
        path.read_bytes().decode("latin-1") for path in (tmp_path / "metrics").glob("*") if path.is_file()
    )

    found = {
        f"{each.kind} in {each.place} stands in the {where}"
        for where, text in everything.items()
        for each in secrets
        if any(part in text for part in each.parts())
    }
    assert found == set()
    # The test would notice: each was found, and is on record.
    # A name of over 512 characters is refused unread.
    read = [each for each in secrets if (each.place, each.kind) != ("name of a task", "private key")]
    unrecorded = {(each.place, each.kind) for each in read if tasks[each] not in everything["findings"]}
    assert unrecorded == set()
