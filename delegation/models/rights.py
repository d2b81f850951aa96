"""What departs from the rules of rank and role: grants of single agents to people, and rules for single pairs."""

import uuid6
from django.conf import settings
from django.db import models
from django.db.models.functions import Now
from guardian.models import UserObjectPermissionBase

from audit.scope import TenantQuerySet
from delegation.models.agents import Agent


class AgentGrant(UserObjectPermissionBase):
    """A person may invoke this agent, or approve what is delegated to it. The rows are django-guardian's own.

    ``guardian.shortcuts.assign_perm("invoke_agent", user, agent)`` writes here: guardian prefers a table with a direct
    foreign key to its generic one.
    """

    id = models.UUIDField(primary_key=True, default=uuid6.uuid7, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="agent_grants")
    content_object = models.ForeignKey(
        Agent, on_delete=models.CASCADE, related_name="grants", db_column="agent_id", verbose_name="agent"
    )
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta(UserObjectPermissionBase.Meta):
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"{self.user}: {self.permission.codename} {self.content_object.agent_type}"


class DelegationRule(models.Model):
    """An exception for one pair of agents. It beats the rule of rank; of two, the one that denies counts."""

    class Effect(models.TextChoices):
        ALLOW = "allow"
        DENY = "deny"

    id = models.UUIDField(primary_key=True, default=uuid6.uuid7, editable=False)
    customer = models.ForeignKey("security.Customer", on_delete=models.PROTECT, related_name="delegation_rules")
    agent_from = models.ForeignKey(Agent, on_delete=models.CASCADE, related_name="rules_from")
    agent_to = models.ForeignKey(Agent, on_delete=models.CASCADE, related_name="rules_to")
    effect = models.CharField(max_length=5, choices=Effect)
    reason = models.CharField(max_length=100, help_text="Why; it goes on record with each delegation it decides.")
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, editable=False, related_name="+"
    )
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    objects = TenantQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["agent_from", "agent_to", "effect"], name="one_rule_per_pair_and_effect"),
            models.CheckConstraint(name="rule_is_for_a_pair", condition=~models.Q(agent_from=models.F("agent_to"))),
        ]

    def __str__(self) -> str:
        return f"{self.effect} {self.agent_from.agent_type} → {self.agent_to.agent_type}"
