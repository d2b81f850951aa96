"""What waits for a person: the approval of a delegation, the answer to an agent's question."""

import uuid6
from django.conf import settings
from django.db import models
from django.db.models import F, Q

from audit.scope import TenantQuerySet
from delegation.models.tasks import Hop, Task
from delegation.states import QuestionStatus, Seniority
from security.models import Role


class ApprovalRules(models.Model):
    """When a customer's delegations wait for people (beside those to flagged agents), who decides, and by when."""

    customer = models.OneToOneField(
        "security.Customer", on_delete=models.CASCADE, primary_key=True, related_name="approval_rules"
    )
    confidence_below = models.FloatField(
        null=True, blank=True, help_text="Decisions less sure than this (0 to 1), or that name no confidence."
    )
    seniority_from = models.CharField(
        max_length=16, choices=Seniority, default="", blank=True, help_text="Delegations to this rank and above."
    )
    first_use = models.BooleanField(default=False, help_text="The first time one agent delegates to another.")
    quorum = models.PositiveSmallIntegerField(default=1, help_text="How many people must approve.")
    expires_after_seconds = models.PositiveIntegerField(null=True, blank=True, help_text="Empty: the platform's time.")
    escalates_after_seconds = models.PositiveIntegerField(
        null=True, blank=True, help_text="When nobody has decided by then, only the role below may."
    )
    escalates_to = models.CharField(max_length=16, choices=Role, default=Role.OWNER)

    class Meta:
        verbose_name_plural = "approval rules"
        constraints = [
            models.CheckConstraint(name="quorum_is_a_person_or_more", condition=Q(quorum__gte=1)),
            models.CheckConstraint(
                name="confidence_is_a_share",
                condition=Q(confidence_below__isnull=True) | Q(confidence_below__gte=0, confidence_below__lte=1),
            ),
        ]

    def __str__(self) -> str:
        return f"Approval rules of {self.customer_id}"


class Approval(models.Model):
    """Asks people whether a delegation may happen. It is bound to the waiting hop, which holds exactly that call."""

    id = models.UUIDField(primary_key=True, default=uuid6.uuid7, editable=False)
    task = models.ForeignKey(Task, on_delete=models.PROTECT, related_name="approvals")
    hop = models.OneToOneField(Hop, on_delete=models.PROTECT, related_name="approval", help_text="The waiting call.")
    customer = models.ForeignKey("security.Customer", on_delete=models.PROTECT, related_name="+", db_index=False)
    status = models.CharField(max_length=10, choices=QuestionStatus, default=QuestionStatus.OPEN)
    agent_from = models.CharField(max_length=64)
    agent_to = models.CharField(max_length=64)
    reason = models.TextField(default="")
    confidence = models.FloatField(null=True)
    instruction = models.TextField()
    path = models.JSONField(default=list)
    rule = models.CharField(max_length=200, default="", help_text="Why a person has to decide.")
    decider = models.CharField(
        max_length=16, choices=Role, default="", blank=True, help_text="After escalation only this role decides."
    )
    escalates_to = models.CharField(max_length=16, choices=Role, default="", blank=True)
    escalates_at = models.DateTimeField(null=True, blank=True)
    call_digest = models.CharField(max_length=64, help_text="SHA-256 of the call that is approved.")
    required = models.PositiveSmallIntegerField(default=1)
    granted = models.PositiveSmallIntegerField(default=0)
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    resolved_at = models.DateTimeField(null=True, blank=True)

    objects = TenantQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["customer", "id"], name="approval_by_customer"),
            models.Index(fields=["expires_at"], name="approval_open", condition=Q(status=QuestionStatus.OPEN)),
        ]
        constraints = [
            models.CheckConstraint(
                name="approval_quorum", condition=~Q(status="approved") | Q(granted__gte=F("required"))
            )
        ]

    def __str__(self) -> str:
        return f"{self.agent_from} → {self.agent_to} ({self.status})"


class ApprovalVote(models.Model):
    """One person's word on one approval; a second word of the same person does not count."""

    approval = models.ForeignKey(Approval, on_delete=models.PROTECT, related_name="votes")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    approved = models.BooleanField()
    comment = models.TextField(default="", blank=True)
    created_at = models.DateTimeField()

    class Meta:
        ordering = ["id"]
        constraints = [models.UniqueConstraint(fields=["approval", "user"], name="one_vote_per_person")]

    def __str__(self) -> str:
        return f"{self.user}: {'yes' if self.approved else 'no'}"


class Clarification(models.Model):
    """An agent's question to the person. The hop that asked waits for the answer."""

    id = models.UUIDField(primary_key=True, default=uuid6.uuid7, editable=False)
    task = models.ForeignKey(Task, on_delete=models.PROTECT, related_name="clarifications")
    hop = models.OneToOneField(Hop, on_delete=models.PROTECT, related_name="clarification")
    customer = models.ForeignKey("security.Customer", on_delete=models.PROTECT, related_name="+", db_index=False)
    agent_type = models.CharField(max_length=64)
    question = models.TextField()
    options = models.JSONField(default=list)
    status = models.CharField(max_length=10, choices=QuestionStatus, default=QuestionStatus.OPEN)
    answer = models.TextField(default="", blank=True)
    answered_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+", db_index=False
    )
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    resolved_at = models.DateTimeField(null=True, blank=True)

    objects = TenantQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["customer", "id"], name="clarification_by_customer"),
            models.Index(fields=["expires_at"], name="clarification_open", condition=Q(status=QuestionStatus.OPEN)),
        ]

    def __str__(self) -> str:
        return f"{self.agent_type}: {self.question[:60]} ({self.status})"
