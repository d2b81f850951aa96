"""The worker processes that hold claims."""

from django.db import models


class Worker(models.Model):
    """A live worker process. On PostgreSQL it also holds an advisory lock, which the server frees when it dies."""

    id = models.UUIDField(primary_key=True, editable=False)
    name = models.CharField(max_length=200, help_text="host:pid")
    lock_key = models.BigIntegerField(unique=True)
    started_at = models.DateTimeField()
    seen_at = models.DateTimeField()

    class Meta:
        ordering = ["-seen_at"]

    def __str__(self) -> str:
        return self.name
