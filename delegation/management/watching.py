"""What the commands about tasks share: in whose name they act, and how they follow a task in the database."""

import time
from uuid import UUID

from django.core.management.base import CommandError
from rich.console import Console

from delegation.models import Task
from delegation.services.tasks import events_after
from delegation.terminal import TaskDisplay
from security.models import Membership, Role
from security.principal import Principal
from security.services import principal_of_user

LOOK_SECONDS = 0.2


def owner_of(customer_id: str) -> Principal:
    """Return the customer's owner, in whose name whoever has the server's shell acts. Raises CommandError."""
    membership = (
        Membership.objects.select_related("user")
        .filter(customer_id=customer_id, role=Role.OWNER, user__is_active=True, customer__is_active=True)
        .order_by("id")
        .first()
    )
    if membership is None:
        raise CommandError(f"there is no active customer {customer_id!r} with an owner; create_customer makes one")
    return principal_of_user(membership.user, customer_id)


def watch(*, principal: Principal, task: Task) -> bool:
    """Show the task until it ends. Returns whether it was completed."""
    last = 0
    with TaskDisplay(Console(highlight=False), f"{task.customer_id}: {task.message[:80]}") as display:
        while not display.tree.ended:
            events = events_after(principal=principal, task_id=task.pk, after=last)
            for event in events:
                display.show({"seq": event.seq, "type": event.type, "data": event.data})
                last = event.seq
            if not events:
                time.sleep(LOOK_SECONDS)
    return display.tree.status == "completed"


def watch_until_told(*, principal: Principal, task: Task) -> bool:
    """Watch the task; Ctrl-C ends the watching and says so, with exit code 130. The task goes on."""
    try:
        return watch(principal=principal, task=task)
    except KeyboardInterrupt as error:
        raise CommandError(f"the task goes on; see it again: manage.py watch_task {task.pk}", returncode=130) from error


def task_of(text: str) -> Task:
    """Return the task with that id. Raises CommandError."""
    try:
        return Task.objects.get(pk=UUID(text))
    except (ValueError, Task.DoesNotExist) as error:
        raise CommandError(f"there is no task {text}") from error
