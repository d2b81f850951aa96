"""A customer's virtual employees."""

import uuid6
from django.core.validators import MinValueValidator, RegexValidator
from django.db import models
from django.db.models.functions import Now

from audit.scope import TenantQuerySet
from delegation.states import Seniority
from security.models import InFlight

AGENT_TYPE = r"\A[a-z0-9]+(?:[-_][a-z0-9]+)*\Z"
agent_type_is_a_slug = RegexValidator(AGENT_TYPE, "Lower-case letters, digits, single dashes and underscores only.")


class Agent(models.Model):
    """One virtual employee (VE): its trade, its rank, and the address where it is called over A2A."""

    id = models.UUIDField(primary_key=True, default=uuid6.uuid7, editable=False)
    customer = models.ForeignKey("security.Customer", on_delete=models.PROTECT, related_name="agents")
    ve_id = models.CharField("VE id", max_length=64, help_text="The employee number: unique within the customer.")
    agent_type = models.CharField(max_length=64, validators=[agent_type_is_a_slug], help_text="e.g. copywriter")
    name = models.CharField(max_length=200)
    description = models.TextField(default="", blank=True)
    seniority = models.CharField(max_length=16, choices=Seniority, default=Seniority.SPECIALIST)
    skills = models.JSONField(default=list, blank=True, help_text="A list of words.")
    endpoint_url = models.CharField(max_length=500, help_text="The agent's A2A address; its card is found beneath it.")
    credential_kind = models.CharField(max_length=16, default="", blank=True, editable=False)
    sealed_credential = models.TextField(
        default="", blank=True, editable=False, help_text="Opens for this agent alone."
    )
    credential_set_at = models.DateTimeField(null=True, blank=True, editable=False)
    card = models.JSONField(null=True, blank=True, editable=False, help_text="The agent card as last fetched.")
    card_fetched_at = models.DateTimeField(null=True, blank=True, editable=False)
    is_root = models.BooleanField(default=False, help_text="Receives the tasks that name no agent.")
    requires_approval = models.BooleanField(default=False, help_text="A person must approve what is delegated to it.")
    restricted = models.BooleanField(
        default=False, help_text="Only owners, and people with a grant for it, may have it work for them."
    )
    enabled = models.BooleanField(default=True, help_text="Off: no call of it begins any more.")
    in_flight = models.CharField("when switched off", max_length=6, choices=InFlight, default=InFlight.FINISH)
    disabled_reason = models.TextField("why it is switched off", default="", blank=True)
    timeout_seconds = models.PositiveIntegerField(null=True, blank=True, help_text="Empty: the platform's limit.")
    max_concurrency = models.PositiveIntegerField(
        null=True,
        blank=True,
        validators=[MinValueValidator(1)],
        help_text="How many of its calls one worker process has under way at once. Empty: the platform's limit.",
    )
    calls_per_hour = models.PositiveIntegerField(
        null=True, blank=True, help_text="The customer's own limit below the platform's. Empty: the platform's."
    )
    expected_tokens = models.PositiveIntegerField(
        null=True, blank=True, help_text="What a call takes of a budget beforehand. Empty: what its calls took of late."
    )
    expected_cost_usd = models.DecimalField(
        null=True, blank=True, max_digits=12, decimal_places=6, validators=[MinValueValidator(0)]
    )
    circuit_open_until = models.DateTimeField(
        null=True, blank=True, editable=False, help_text="It did not answer, and is left alone until then."
    )
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    objects = TenantQuerySet.as_manager()

    class Meta:
        ordering = ["customer_id", "agent_type"]
        indexes = [models.Index(fields=["in_flight"], name="agent_disabled", condition=models.Q(enabled=False))]
        permissions = [
            ("invoke_agent", "May have the agent work for them"),
            ("approve_agent", "May approve what is delegated to the agent"),
        ]
        constraints = [
            models.UniqueConstraint(fields=["customer", "agent_type"], name="one_agent_per_type"),
            models.UniqueConstraint(fields=["customer", "ve_id"], name="one_agent_per_ve_id"),
            models.UniqueConstraint(
                fields=["customer"], condition=models.Q(is_root=True), name="one_root_agent_per_customer"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.agent_type})"
