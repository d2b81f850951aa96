"""Which groups are watched."""

from uuid import uuid4

from delegation.live.watched import watch, watched


def test_who_watches_one_task_is_heard_of_and_nobody_else() -> None:
    own, other = (f"task.{uuid4()}" for _ in range(2))
    customers = [f"customer.{uuid4()}" for _ in range(2)]
    assert watched([own, other, *customers]) == []

    watch(own)
    assert watched([own, other, *customers]) == [own]

    watch(customers[1])
    assert sorted(watched([own, other, *customers])) == sorted([own, customers[1]])
