"""What happened to a task, numbered 1, 2, 3 ... without a gap."""

from django.db import models

from audit.scope import TenantQuerySet
from delegation.models.tasks import Task


class TaskEvent(models.Model):
    """One thing that happened; what the websocket and the events endpoint tell."""

    task = models.ForeignKey(Task, on_delete=models.PROTECT, related_name="events", db_index=False)
    customer = models.ForeignKey("security.Customer", on_delete=models.PROTECT, related_name="+", db_index=False)
    seq = models.PositiveIntegerField()
    type = models.CharField(max_length=32)
    at = models.DateTimeField()
    data = models.JSONField(default=dict)

    objects = TenantQuerySet.as_manager()

    class Meta:
        ordering = ["task_id", "seq"]
        # The customer adds nothing to it but silence: another's task is no duplicate, it is not there (migration 0014).
        constraints = [models.UniqueConstraint(fields=["task", "seq", "customer"], name="one_event_per_number")]

    def __str__(self) -> str:
        return f"{self.seq} {self.type}"
