"""A task, and the hops it travels: the truth that workers claim, advance and settle."""

import uuid6
from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q

from audit.scope import TenantQuerySet
from delegation.states import Action, HopStatus, Priority, TaskStatus


class Task(models.Model):
    """What a person asked for. Its row is also the lock under which everything of the task changes."""

    id = models.UUIDField(primary_key=True, default=uuid6.uuid7, editable=False)
    customer = models.ForeignKey("security.Customer", on_delete=models.PROTECT, related_name="tasks", db_index=False)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="tasks", db_index=False
    )
    agent_type = models.CharField(max_length=64, help_text="Whom the task was given to.")
    message = models.TextField()
    metadata = models.JSONField(default=dict, blank=True)
    priority = models.CharField(max_length=8, choices=Priority, default=Priority.NORMAL)
    status = models.CharField(max_length=16, choices=TaskStatus, default=TaskStatus.SUBMITTED)
    result = models.JSONField(null=True, blank=True, help_text="Text or JSON, as the last agent gave it.")
    error_code = models.CharField(max_length=32, default="", blank=True)
    error_message = models.TextField(default="", blank=True, help_text="The message that a user may see.")

    last_seq = models.PositiveIntegerField(default=0, help_text="The number of the newest event.")
    hop_count = models.PositiveIntegerField(default=0)
    hop_budget = models.PositiveIntegerField(default=100)
    depth_reached = models.PositiveSmallIntegerField(default=0)
    open_questions = models.PositiveIntegerField(default=0)
    input_tokens = models.PositiveBigIntegerField(default=0)
    output_tokens = models.PositiveBigIntegerField(default=0)
    cost_usd = models.DecimalField(max_digits=14, decimal_places=6, default=0)

    idempotency_key = models.CharField(max_length=255, null=True, editable=False)
    request_digest = models.CharField(max_length=64, default="", editable=False)
    trace_id = models.CharField(max_length=32, editable=False)

    created_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True, blank=True)
    completed_at = models.DateTimeField(null=True, blank=True)
    deadline_at = models.DateTimeField()

    objects = TenantQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        indexes = [
            models.Index(
                fields=["deadline_at"],
                name="task_deadline",
                condition=Q(status__in=["submitted", "working", "input_required"]),
            ),
        ]
        constraints = [
            # What refers to a task names its customer too (migration 0014).
            models.UniqueConstraint(fields=["customer", "id"], name="task_by_customer"),
            models.UniqueConstraint(
                fields=["customer", "idempotency_key"],
                name="one_task_per_idempotency_key",
                condition=Q(idempotency_key__isnull=False),
            ),
            models.CheckConstraint(
                name="completed_task_has_result", condition=~Q(status="completed") | Q(result__isnull=False)
            ),
            models.CheckConstraint(name="failed_task_has_error", condition=~Q(status="failed") | ~Q(error_code="")),
        ]

    def __str__(self) -> str:
        return f"{self.message[:60]} ({self.status})"


class Hop(models.Model):
    """One invocation of one agent, and the decision it came to.

    ``parent`` is who delegated here. ``join`` is the split (a hop that decided ``parallel``) that waits for the outcome
    of this branch; ``branch`` is the subtask's place in it. ``resumes`` is the earlier invocation that this one goes on
    from, with the children's results or a person's answer; ``attempt`` counts them.
    """

    id = models.UUIDField(primary_key=True, default=uuid6.uuid7, editable=False)
    task = models.ForeignKey(Task, on_delete=models.PROTECT, related_name="hops", db_index=False)
    customer = models.ForeignKey("security.Customer", on_delete=models.PROTECT, related_name="+", db_index=False)
    parent = models.ForeignKey("self", on_delete=models.PROTECT, null=True, related_name="children", db_index=False)
    join = models.ForeignKey("self", on_delete=models.PROTECT, null=True, related_name="branches", db_index=False)
    branch = models.PositiveSmallIntegerField(null=True)
    resumes = models.ForeignKey("self", on_delete=models.PROTECT, null=True, related_name="+", db_index=False)
    depth = models.PositiveSmallIntegerField()
    attempt = models.PositiveSmallIntegerField(default=1)
    agent_type = models.CharField(max_length=64)
    agent_ve_id = models.CharField(max_length=64)
    path = models.JSONField(default=list, help_text="Agent types from the root to this one.")
    instruction = models.TextField()

    status = models.CharField(max_length=12, choices=HopStatus, default=HopStatus.PENDING)
    action = models.CharField(max_length=20, choices=Action, null=True, blank=True)
    delegated_to = models.TextField(default="", blank=True)
    confidence = models.FloatField(null=True, blank=True, validators=[MinValueValidator(0), MaxValueValidator(1)])
    reason = models.TextField(default="", blank=True)
    result = models.JSONField(null=True, blank=True)
    error_code = models.CharField(max_length=32, default="", blank=True)
    error_message = models.TextField(default="", blank=True)
    input_tokens = models.PositiveBigIntegerField(default=0)
    output_tokens = models.PositiveBigIntegerField(default=0)
    cost_usd = models.DecimalField(max_digits=14, decimal_places=6, default=0)
    findings = models.PositiveSmallIntegerField(default=0, help_text="What the leak detector found in the answer.")

    owner = models.UUIDField(null=True, blank=True, help_text="The worker that has claimed it.")
    claim = models.PositiveIntegerField(default=0, help_text="Grows with each claim: an old claim never writes.")
    priority = models.PositiveSmallIntegerField(default=1)
    pending_branches = models.PositiveSmallIntegerField(default=0, help_text="A split's branches not yet ended.")
    wanted_branches = models.PositiveSmallIntegerField(
        null=True, blank=True, help_text="How many branches must still succeed for the split to go on; empty: all end."
    )
    remote_task_id = models.CharField(max_length=255, default="", blank=True, help_text="The agent's own task id.")
    polls = models.PositiveIntegerField(default=0, help_text="How often an agent that answers late was asked.")
    tries = models.PositiveSmallIntegerField(default=0, help_text="How often in a row the agent could not be reached.")
    due_at = models.DateTimeField(
        null=True,
        blank=True,
        help_text="When a waiting hop is looked at again; of one that is over: its agent is to be told so.",
    )
    created_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True, blank=True)
    completed_at = models.DateTimeField(null=True, blank=True)

    objects = TenantQuerySet.as_manager()

    class Meta:
        ordering = ["id"]
        indexes = [
            models.Index(
                fields=["customer", "agent_type", "-priority", "id"],
                name="hop_to_claim",
                condition=Q(status=HopStatus.PENDING),
            ),
            models.Index(fields=["owner"], name="hop_claimed", condition=Q(status=HopStatus.RUNNING)),
            # No waiting hop has an owner: it is said so that only the question for all that is due can use this index,
            # and the one for an agent's uses the next, however few are due when the plan is made.
            models.Index(
                fields=["due_at"],
                name="hop_due",
                condition=Q(status=HopStatus.WAITING, due_at__isnull=False, owner__isnull=True),
            ),
            models.Index(
                fields=["customer", "agent_type", "due_at"],
                name="hop_due_in_turn",
                condition=Q(status=HopStatus.WAITING, due_at__isnull=False),
            ),
            models.Index(
                fields=["due_at"],
                name="hop_to_withdraw",
                condition=Q(status__in=[HopStatus.CANCELED, HopStatus.FAILED], due_at__isnull=False),
            ),
            models.Index(fields=["join"], name="hop_of_split", condition=Q(join__isnull=False)),
            models.Index(
                fields=["join"],
                name="hop_open_in_split",
                condition=Q(join__isnull=False, status__in=["pending", "running", "waiting"]),
            ),
            models.Index(
                fields=["resumes"],
                name="hop_held_back",
                condition=Q(resumes__isnull=False, status=HopStatus.WAITING, claim=0),
            ),
        ]
        constraints = [
            # What refers to a hop names its task too (migration 0014).
            models.UniqueConstraint(fields=["task", "id"], name="hop_of_task"),
            models.UniqueConstraint(
                fields=["resumes", "task"], name="resumed_once", condition=Q(resumes__isnull=False)
            ),
            models.CheckConstraint(name="hop_failed_has_error", condition=~Q(status="failed") | ~Q(error_code="")),
            models.CheckConstraint(
                name="hop_handled_has_result",
                condition=~Q(status="completed", action="handle") | Q(result__isnull=False),
            ),
            models.CheckConstraint(
                name="hop_owned_while_running",
                condition=Q(status="running", owner__isnull=False) | (~Q(status="running") & Q(owner__isnull=True)),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.agent_type} at depth {self.depth} ({self.status})"
