"""The three logs. Written in the transaction of what they testify to, then never changed.

Ids and names are copied in, so that a row still tells its story when what it speaks of is gone.
"""

import uuid6
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from audit.scope import TenantQuerySet

PREVIEW_LENGTH = 500


class DelegationLog(models.Model):
    """One decision of one agent, or its failure to reach one."""

    class Status(models.TextChoices):
        PENDING = "pending"
        IN_PROGRESS = "in_progress"
        COMPLETED = "completed"
        FAILED = "failed"

    class Action(models.TextChoices):
        HANDLE = "handle"
        DELEGATE = "delegate"
        PARALLEL = "parallel"
        ASK_CLARIFICATION = "ask_clarification"

    id = models.UUIDField(primary_key=True, default=uuid6.uuid7, editable=False)
    task = models.ForeignKey("delegation.Task", on_delete=models.PROTECT, related_name="+")
    customer = models.ForeignKey("security.Customer", on_delete=models.PROTECT, related_name="+", db_index=False)
    hop_id = models.UUIDField()
    delegation_depth = models.PositiveSmallIntegerField()
    agent_type = models.CharField(max_length=64)
    agent_ve_id = models.CharField(max_length=64)
    decision_action = models.CharField(max_length=20, choices=Action, null=True, help_text="Empty: no decision came.")
    delegated_to_type = models.TextField(default="", help_text="Several, where the task was split, with commas.")
    confidence_score = models.FloatField(null=True, validators=[MinValueValidator(0), MaxValueValidator(1)])
    decision_reason = models.TextField(default="")
    execution_time_seconds = models.FloatField(null=True)
    status = models.CharField(max_length=12, choices=Status)
    result_summary = models.TextField(default="")
    error_message = models.TextField(default="")
    created_at = models.DateTimeField()
    completed_at = models.DateTimeField(null=True)

    objects = TenantQuerySet.as_manager()

    class Meta:
        db_table = "agent_delegation_logs"
        ordering = ["-id"]
        # By name, not by the fields' db_index, which of text makes a second one each for questions that nobody asks.
        indexes = [
            models.Index(fields=["customer", "id"], name="delegation_log_customer"),
            models.Index(fields=["agent_type"], name="delegation_log_agent"),
            models.Index(fields=["created_at"], name="delegation_log_created_at"),
            # Nearly all decisions are completed: the index holds the others, which are the ones looked for.
            models.Index(fields=["status"], name="delegation_log_status", condition=~Q(status="completed")),
        ]

    def __str__(self) -> str:
        return f"{self.agent_type}: {self.decision_action or self.error_message}"


class AuthorizationLog(models.Model):
    """One yes or no, with the rule that decided it."""

    class Action(models.TextChoices):
        INVOKE = "invoke"
        DELEGATE_TO = "delegate_to"
        ACCESS_CONTEXT = "access_context"

    id = models.UUIDField(primary_key=True, default=uuid6.uuid7, editable=False)
    customer_id = models.CharField(max_length=64)
    task_id = models.UUIDField(null=True)
    agent_ve_id = models.CharField(max_length=64)
    target_agent_type = models.CharField(max_length=64)
    action = models.CharField(max_length=16, choices=Action)
    authorized = models.BooleanField()
    authorization_reason = models.CharField(max_length=200, default="")
    denied_reason = models.TextField(default="")
    request_headers = models.JSONField(default=dict, help_text="Secrets masked.")
    created_at = models.DateTimeField()

    objects = TenantQuerySet.as_manager()

    class Meta:
        db_table = "agent_authorization_logs"
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["customer_id", "id"], name="authorization_log_customer"),
            models.Index(fields=["agent_ve_id"], name="authorization_log_agent"),
            models.Index(fields=["created_at"], name="authorization_log_created_at"),
            models.Index(fields=["authorized"], name="authorization_log_denied", condition=Q(authorized=False)),
        ]

    def __str__(self) -> str:
        verdict = "may" if self.authorized else "may not"
        return f"{self.agent_ve_id} {verdict} {self.action} {self.target_agent_type}"


class LeakageLog(models.Model):
    """One finding in what an agent said, masked, with what was done about it."""

    class Severity(models.TextChoices):
        INFO = "info"
        WARNING = "warning"
        HIGH = "high"
        CRITICAL = "critical"

    class ActionTaken(models.TextChoices):
        BLOCKED = "blocked"
        REDACTED = "redacted"
        FLAGGED = "flagged"
        ALLOWED = "allowed"

    id = models.UUIDField(primary_key=True, default=uuid6.uuid7, editable=False)
    task_id = models.UUIDField(db_index=True)
    customer_id = models.CharField(max_length=64, db_index=True)
    hop_id = models.UUIDField(null=True)
    agent_type = models.CharField(max_length=64)
    agent_ve_id = models.CharField(max_length=64)
    severity = models.CharField(max_length=8, choices=Severity, db_index=True)
    detection_type = models.CharField(max_length=32)
    detected_content_preview = models.CharField(max_length=PREVIEW_LENGTH)
    confidence = models.FloatField()
    action_taken = models.CharField(max_length=8, choices=ActionTaken, db_index=True)
    redacted_response = models.TextField(default="")
    metadata = models.JSONField(default=dict)
    created_at = models.DateTimeField(db_index=True)

    objects = TenantQuerySet.as_manager()

    class Meta:
        db_table = "leakage_detection_logs"
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"{self.severity} {self.detection_type} by {self.agent_type}: {self.action_taken}"


class LeakFeedback(models.Model):
    """An auditor's word on one finding: the last one counts. The finding's own row is never changed."""

    class Verdict(models.TextChoices):
        CONFIRMED = "confirmed"
        FALSE_ALARM = "false_alarm"

    finding = models.OneToOneField(LeakageLog, on_delete=models.PROTECT, primary_key=True, related_name="feedback")
    customer_id = models.CharField(max_length=64, db_index=True)
    kind = models.CharField(max_length=100, help_text="The rule that found it.")
    verdict = models.CharField(max_length=12, choices=Verdict)
    note = models.CharField(max_length=2000, default="", blank=True)
    by_id = models.BigIntegerField()
    by = models.CharField(max_length=150)
    at = models.DateTimeField()
    first_at = models.DateTimeField(db_default=Now(), editable=False)

    objects = TenantQuerySet.as_manager()

    class Meta:
        ordering = ["-at"]
        indexes = [models.Index(fields=["kind", "verdict"], name="leak_feedback_by_rule")]
        verbose_name_plural = "leak feedback"

    def __str__(self) -> str:
        return f"{self.kind}: {self.get_verdict_display()}"
