"""What a connection is, it is for one transaction: nothing of it is left for whoever has the connection next."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

import pytest
from django.db import DatabaseError, IntegrityError, NotSupportedError, connection, transaction
from django.http import HttpRequest, StreamingHttpResponse
from django.test import RequestFactory
from django.utils import timezone

from delegation.models import Task
from security.models import Customer
from security.rows import customer_rows, narrow_rows, no_rows, owner_rows, platform_rows
from security.rows.doors import RowsMiddleware
from tests.delegation.rows import employ
from tests.security.rows.conftest import Estate, asked

pytestmark = pytest.mark.skipif(connection.vendor != "postgresql", reason="row-level security is PostgreSQL's")
WHO = "SELECT current_user, coalesce(current_setting('a2a.customers', true), '')"
OF_TECHCORP, OF_ACMECORP = ("a2a_app", "techcorp"), ("a2a_app", "acmecorp")


def login() -> tuple[str, str]:
    """Return what the connection is by itself."""
    raw = connection.connection.cursor()
    with owner_rows():
        row: tuple[str, str] = raw.execute(WHO).fetchone()
    return row


def customers() -> set[str]:
    return set(Customer.objects.values_list("id", flat=True))


def employ_twice() -> None:
    for _ in range(2):
        employ("copywriter")


@pytest.fixture
def committed(transactional_db: None, people: Any) -> Iterator[None]:
    """Have both customers there for every connection; afterwards leave none that a test has twisted."""
    yield
    connection.connection.close()
    connection.close()


def test_nothing_is_left_after_a_statement(committed: None) -> None:
    with customer_rows("techcorp"):
        assert asked(WHO) == [OF_TECHCORP]
    assert login() == (asked("SELECT session_user")[0][0], "")


def test_nothing_is_left_after_a_transaction_however_it_ends(committed: None) -> None:
    with customer_rows("techcorp"):
        with transaction.atomic():
            assert asked(WHO) == [OF_TECHCORP]
        assert login()[1] == ""
        with pytest.raises(IntegrityError), transaction.atomic():
            employ_twice()
        assert login()[1] == ""
        with pytest.raises(DatabaseError):
            asked("SELECT 1 / 0")
        assert login() == (asked("SELECT session_user")[0][0], "")
        assert customers() == {"techcorp"}


def test_a_change_of_rows_within_a_transaction_is_one_there_and_back(committed: None) -> None:
    with customer_rows("techcorp"), transaction.atomic():
        assert customers() == {"techcorp"}
        with platform_rows():
            assert customers() == {"techcorp", "acmecorp"}
            with customer_rows("acmecorp"):
                assert asked(WHO) == [OF_ACMECORP]
        assert asked(WHO) == [OF_TECHCORP]
        with no_rows():
            assert customers() == set()
        with owner_rows():
            assert asked("SELECT current_user = session_user") == [(True,)]
        assert customers() == {"techcorp"}


def test_a_rollback_to_a_savepoint_leads_back_to_no_other_rows(committed: None) -> None:
    with platform_rows(), transaction.atomic():
        assert customers() == {"techcorp", "acmecorp"}
        with customer_rows("techcorp"):
            with pytest.raises(IntegrityError), transaction.atomic():
                employ_twice()
            # The rollback has undone TechCorp's role: the connection is the platform's, and this must not be.
            assert customers() == {"techcorp"}
        assert customers() == {"techcorp", "acmecorp"}


def test_a_failed_statement_in_a_savepoint_leaves_the_rows_as_they_are(committed: None) -> None:
    with customer_rows("acmecorp"), transaction.atomic():
        for _ in range(2):
            with pytest.raises(DatabaseError), transaction.atomic(), platform_rows():
                asked("SELECT 1 / 0")
            assert asked(WHO) == [OF_ACMECORP]


@pytest.mark.parametrize(
    "twist",
    [
        "SET ROLE a2a_platform",
        "SET a2a.customers = 'acmecorp'",
        "SET a2a.customers = 'acmecorp,techcorp'",
        "RESET ROLE",
        "RESET ALL",
    ],
)
def test_what_somebody_leaves_behind_is_nothing_to_the_next(twist: str, committed: None) -> None:
    with platform_rows():
        asked(twist)
    with customer_rows("techcorp"):
        assert customers() == {"techcorp"}
        with transaction.atomic():
            assert customers() == {"techcorp"}
    with no_rows():
        assert customers() == set()


def test_another_thread_begins_with_nothing(committed: None) -> None:
    with platform_rows(), ThreadPoolExecutor(1) as threads:
        assert threads.submit(in_thread, customers).result() == set()


def test_rows_are_streamed_within_a_transaction_and_read_at_once_without(ours: Estate, theirs: Estate) -> None:
    with customer_rows("techcorp"), transaction.atomic():
        assert {task.customer_id for task in Task.objects.iterator(chunk_size=1)} == {"techcorp"}


def test_an_answer_sent_bit_by_bit_is_made_with_the_rows_of_its_request(committed: None) -> None:
    def view(_: HttpRequest) -> StreamingHttpResponse:
        narrow_rows("acmecorp")
        return StreamingHttpResponse(one.id for one in Customer.objects.all())

    with no_rows():
        response = RowsMiddleware(view)(RequestFactory().get("/api/v1/audit/export"))
        assert customers() == set()
        assert b"".join(response) == b"acmecorp"
        assert customers() == set()


def test_streaming_without_a_transaction(committed: None) -> None:
    with customer_rows("acmecorp"):
        assert [one.id for one in Customer.objects.iterator(chunk_size=1)] == ["acmecorp"]


def test_many_statements_of_one_text(committed: None) -> None:
    with customer_rows("techcorp"), connection.cursor() as cursor:
        insert = "INSERT INTO security_canary (id, customer_id, token, planted) VALUES (gen_random_uuid(), %s, %s, 'x')"
        cursor.executemany(insert, [("techcorp", str(uuid4())) for _ in range(3)])
        assert asked("SELECT count(*) FROM security_canary") == [(3,)]
        with pytest.raises(DatabaseError):
            cursor.executemany(insert, [("techcorp", str(uuid4())), ("acmecorp", str(uuid4()))])
        assert asked("SELECT count(*) FROM security_canary") == [(3,)]
        with pytest.raises(NotSupportedError):
            connection.connection.cursor().copy("COPY security_canary TO STDOUT")


def in_thread(function: Callable[[], Any]) -> Any:
    """Run it and give the thread's connection back to the pool."""
    try:
        return function()
    finally:
        connection.close()


class Hammering:
    """Each look takes a connection from the pool, works for one customer on it, and gives it back."""

    def __init__(self, task_ids: dict[str, list[Any]]) -> None:
        self.task_ids = task_ids
        self.gate = threading.Barrier(32)
        self.backends: set[int] = set()

    def __call__(self, number: int) -> int:
        self.gate.wait()
        names = sorted(self.task_ids)
        for turn in range(40):
            own = names[(number + turn) % len(names)]
            with customer_rows(own):
                in_thread((self.plainly, self.in_a_transaction, self.with_an_error)[(number + turn) % 3](own))
        return number

    def plainly(self, own: str) -> Callable[[], None]:
        def look() -> None:
            self.check(own)
            self.backends.add(asked("SELECT pg_backend_pid()")[0][0])

        return look

    def in_a_transaction(self, own: str) -> Callable[[], None]:
        def look() -> None:
            with transaction.atomic():
                self.check(own)
                with no_rows(), transaction.atomic():
                    assert Task.objects.update(message="seen") == 0
                self.check(own)

        return look

    def with_an_error(self, own: str) -> Callable[[], None]:
        def look() -> None:
            for failing in ("SELECT 1 / 0", "SELECT 1 FROM django_session"):
                with pytest.raises(DatabaseError), transaction.atomic():
                    self.check_and_ask(own, failing)
            # It ends in the middle of a transaction: the pool must not hand that on.
            connection.set_autocommit(False)
            self.check(own)

        return look

    def check_and_ask(self, own: str, statement: str) -> None:
        self.check(own)
        asked(statement)

    def check(self, own: str) -> None:
        assert asked("SELECT DISTINCT customer_id FROM delegation_task") == [(own,)]
        assert Task.objects.count() == len(self.task_ids[own])
        strangers = [one for name, ids in self.task_ids.items() if name != own for one in ids]
        assert asked("SELECT count(*) FROM delegation_task WHERE id = ANY (%s)", strangers) == [(0,)]


@pytest.mark.slow
def test_thirty_two_threads_share_the_pool_and_each_sees_its_own(committed: None) -> None:
    task_ids: dict[str, list[Any]] = {}
    for size, name in enumerate(("techcorp", "acmecorp", "third", "fourth", "fifth"), 3):
        Customer.objects.get_or_create(id=name, defaults={"name": name})
        task_ids[name] = [_task(name).id for _ in range(size)]
    hammering = Hammering(task_ids)

    with ThreadPoolExecutor(32) as threads:
        assert sorted(threads.map(hammering, range(32))) == list(range(32))
    assert 1 < len(hammering.backends) <= 32


def _task(customer_id: str) -> Task:
    now = timezone.now()
    same = {"agent_type": "x", "message": "x", "trace_id": "0" * 32, "created_at": now, "deadline_at": now}
    return Task.objects.create(customer_id=customer_id, **same)
