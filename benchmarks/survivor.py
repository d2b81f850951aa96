"""Ours to be killed: `submit N` gives N tasks to a customer, `work` becomes the worker processes."""

import os
import sys

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "a2a_project.settings")


def submit(tasks: int) -> None:
    """Make the tables and the team, then submit the tasks as any door does."""
    import django  # noqa: PLC0415 - the workers load it themselves

    django.setup()

    from django.utils import timezone  # noqa: PLC0415 - what follows needs the apps

    from benchmarks.team import TEMPO_CUSTOMER, employers  # noqa: PLC0415
    from delegation.services.tasks import task_submit  # noqa: PLC0415
    from security.rows import customer_rows  # noqa: PLC0415

    principal = employers(os.environ["AGENTS_URL"])[TEMPO_CUSTOMER].principal
    with customer_rows(TEMPO_CUSTOMER):
        for number in range(tasks):
            task_submit(principal=principal, message=f"Write the report of region {number}.", now=timezone.now())


if __name__ == "__main__":
    if sys.argv[1] == "submit":
        submit(int(sys.argv[2]))
    else:
        os.execv(sys.executable, [sys.executable, "manage.py", "rundramatiq"])
