"""The event loop's own connection: many callers, one message at a time, and nothing left of what went wrong."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from django.db import DataError, IntegrityError, OperationalError, connection

from security.models import Customer
from security.rows import customer_rows, no_rows, platform_rows
from security.rows.postgres.on_loop import LoopConnection
from security.rows.postgres.prepared import Call

pytestmark = [
    pytest.mark.skipif(connection.vendor != "postgresql", reason="row-level security is PostgreSQL's"),
    pytest.mark.django_db(transaction=True),
]
CUSTOMERS = Call("customers", "SELECT id FROM security_customer ORDER BY id", [], [])
SLEEP = Call("sleep", "SELECT pg_sleep(60)", [], [])
NAP = Call("nap", "SELECT pg_sleep(0.5)", [], [])
BACKEND = Call("backend", "SELECT pg_backend_pid() AS pid", [], [])


def halved(number: object) -> Call:
    return Call("halved", "SELECT 10 / $1 AS half", ["integer"], [number])


def echoed(text: str) -> Call:
    return Call("echoed", "SELECT $1 AS said", ["text"], [text])


def on_loop(story: Callable[[LoopConnection], Awaitable[Any]]) -> Any:
    async def told() -> Any:
        link = LoopConnection()
        try:
            async with asyncio.timeout(20):
                return await story(link)
        finally:
            link.close()

    with platform_rows():
        return asyncio.run(told())


def server() -> "psycopg.Connection[Any]":
    return psycopg.connect(**connection.get_connection_params() | {"cursor_factory": psycopg.Cursor}, autocommit=True)


async def backend_of(link: LoopConnection) -> int:
    ((row,),) = await link.run(BACKEND)
    return int(row["pid"])


def test_each_call_gets_its_own_rows_however_many_ask_at_once() -> None:
    async def story(link: LoopConnection) -> list[list[list[dict[str, Any]]]]:
        return await asyncio.gather(*(link.run(echoed(f"{n}a"), echoed(f"{n}b")) for n in range(50)))

    assert on_loop(story) == [[[{"said": f"{n}a"}], [{"said": f"{n}b"}]] for n in range(50)]


def test_each_sees_the_rows_that_are_current_where_it_asks(people: Any) -> None:
    async def story(link: LoopConnection) -> list[set[str]]:
        async def seen(of: Any) -> set[str]:
            with of:
                (rows,) = await link.run(CUSTOMERS)
            return {row["id"] for row in rows}

        return list(await asyncio.gather(seen(customer_rows("techcorp")), seen(no_rows()), seen(platform_rows())))

    assert on_loop(story) == [{"techcorp"}, set(), {"techcorp", "acmecorp"}]


@pytest.mark.parametrize(
    "text", ["", "it's", "a \\ and \\\\", "%s %(x)s $1", "é 漢 🎉", "'; DROP TABLE security_customer; --"]
)
def test_a_value_arrives_as_it_is(text: str) -> None:
    assert on_loop(lambda link: link.run(echoed(text))) == [[{"said": text}]]


def test_a_message_of_many_megabytes_arrives_while_the_loop_goes_on() -> None:
    text = "0123456789" * 3_000_000

    async def story(link: LoopConnection) -> tuple[bool, int]:
        asked = asyncio.create_task(link.run(echoed(text)))
        turns = 0
        while not asked.done():
            await asyncio.sleep(0)
            turns += 1
        ((row,),) = await asked
        return row["said"] == text, turns

    arrived, turns = on_loop(story)
    assert arrived
    assert turns > 3


def test_what_is_refused_takes_the_whole_message_with_it_and_nothing_else() -> None:
    new = Call("new", "INSERT INTO security_customer (id) VALUES ($1)", ["text"], ["half-made"])

    async def story(link: LoopConnection) -> list[list[dict[str, Any]]]:
        with pytest.raises(DataError, match="division by zero"):
            await link.run(halved(5), halved(0))
        with pytest.raises(DataError, match="invalid input syntax"):
            await link.run(halved("five"))
        with pytest.raises(IntegrityError):
            await link.run(halved(5), new)
        assert link.is_open
        return await link.run(halved(5))

    assert on_loop(story) == [[{"half": 2}]]
    assert not Customer.objects.filter(id="half-made").exists()


def test_a_connection_that_the_server_ends_while_it_is_idle_is_opened_anew() -> None:
    async def story(link: LoopConnection) -> tuple[int, int]:
        before = await backend_of(link)
        with server() as other:
            other.execute("SELECT pg_terminate_backend(%s)", [before])
        while link.is_open:  # noqa: ASYNC110 - it tells nobody
            await asyncio.sleep(0.01)
        return before, await backend_of(link)

    before, after = on_loop(story)
    assert before != after


def test_a_connection_that_the_server_ends_under_a_call_is_told_from_a_refusal() -> None:
    async def story(link: LoopConnection) -> bool:
        pid = await backend_of(link)
        asleep = asyncio.create_task(link.run(SLEEP))
        with server() as other:
            while not other.execute(  # noqa: ASYNC110 - only the server knows
                "SELECT 1 FROM pg_stat_activity WHERE pid = %s AND wait_event = 'PgSleep'", [pid]
            ).fetchone():
                await asyncio.sleep(0.01)
            other.execute("SELECT pg_terminate_backend(%s)", [pid])
        with pytest.raises(OperationalError):
            await asleep
        was_open = link.is_open
        assert await backend_of(link) != pid
        return was_open

    assert on_loop(story) is False


def test_whoever_stops_waiting_leaves_nobody_his_answer() -> None:
    async def story(link: LoopConnection) -> list[list[dict[str, Any]]]:
        await backend_of(link)
        asleep = asyncio.create_task(link.run(NAP))
        after = asyncio.create_task(link.run(echoed("mine")))
        await asyncio.sleep(0.05)
        asleep.cancel()
        return await after

    assert on_loop(story) == [[{"said": "mine"}]]


def test_a_server_that_is_away_is_an_operational_error_and_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    async def story(link: LoopConnection) -> list[list[dict[str, Any]]]:
        monkeypatch.setitem(connection.settings_dict, "PORT", "1")
        with pytest.raises(OperationalError):
            await link.run(halved(5))
        assert not link.is_open
        monkeypatch.undo()
        return await link.run(halved(5))

    assert on_loop(story) == [[{"half": 2}]]


def test_a_statement_is_prepared_once_for_a_connection() -> None:
    known = Call("known", "SELECT count(*) AS n FROM pg_prepared_statements WHERE name LIKE 'echoed%'", [], [])

    async def story(link: LoopConnection) -> list[list[dict[str, Any]]]:
        for _ in range(3):
            await link.run(echoed(str(uuid4())))
        return await link.run(known)

    assert on_loop(story) == [[{"n": 1}]]
