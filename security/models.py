"""Who is who: customers (tenants), the people who belong to them, and the keys their programs use."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any, Self

import uuid6
from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from security.leak_models import AllowedFinding, Canary, LeakPolicy, RegisteredValue  # noqa: F401 - Django looks here
from security.limits import LimitType
from security.roles import Role

__all__ = [
    "LONGEST_WINDOW_SECONDS",
    "MOST_ALLOWED",
    "ApiKey",
    "Customer",
    "InFlight",
    "Login",
    "Membership",
    "PlatformAuditor",
    "RateLimit",
    "Role",
    "SigningKey",
    "WhenLimited",
]

LONGEST_WINDOW_SECONDS = 31 * 86_400
# More than this is no limit: each unit takes about 120 bytes of Redis while its window lasts.
MOST_ALLOWED = 10_000_000


class WhenLimited(models.TextChoices):
    """What becomes of a task whose agents have used up a limit on its way."""

    FAIL = "fail", "fail with RATE_LIMIT_EXCEEDED"
    WAIT = "wait", "wait until the limit admits it"


class InFlight(models.TextChoices):
    """What becomes of calls that are under way when an agent or a customer is switched off."""

    FINISH = "finish", "let calls in flight finish"
    CANCEL = "cancel", "cancel calls in flight"


class Customer(models.Model):
    """A tenant. Its id is the slug that every credential, header, log row and metric carries."""

    id = models.SlugField(primary_key=True, max_length=64)
    name = models.CharField(max_length=200)
    aliases = models.JSONField(default=list, blank=True, help_text="Other names that people use for this customer.")
    domains = models.JSONField(default=list, blank=True, help_text="Internet domains that belong to this customer.")
    identifiers = models.JSONField(default=list, blank=True, help_text="Account numbers and the like, unique to it.")
    is_active = models.BooleanField(
        default=True, help_text="Off: nothing new begins for it, and its credentials are refused."
    )
    in_flight = models.CharField(
        "when switched off",
        max_length=6,
        choices=InFlight,
        default=InFlight.FINISH,
        help_text="Finish: calls under way end, and nothing follows them. Cancel: its tasks are cancelled.",
    )
    disabled_reason = models.TextField("why it is switched off", default="", blank=True)
    when_limited = models.CharField(
        max_length=4,
        choices=WhenLimited,
        default=WhenLimited.FAIL,
        help_text="What a task does when its agents have used up their calls or delegations of the hour.",
    )
    task_tokens = models.PositiveBigIntegerField(
        "tokens per task", null=True, blank=True, help_text="What one task may use; empty: no limit."
    )
    task_cost_usd = models.DecimalField(
        "USD per task", null=True, blank=True, max_digits=12, decimal_places=6, validators=[MinValueValidator(0)]
    )
    month_tokens = models.PositiveBigIntegerField(
        "tokens per month", null=True, blank=True, help_text="What all tasks may use in a calendar month (UTC)."
    )
    month_cost_usd = models.DecimalField(
        "USD per month", null=True, blank=True, max_digits=12, decimal_places=6, validators=[MinValueValidator(0)]
    )
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        ordering = ["id"]
        indexes = [models.Index(fields=["in_flight"], name="customer_disabled", condition=Q(is_active=False))]

    def __str__(self) -> str:
        return self.name


class RateLimit(models.Model):
    """How much one customer may do instead of the default. The row that names agents most closely counts."""

    class Type(models.TextChoices):
        CUSTOMER_TASKS = LimitType.CUSTOMER_TASKS.value, "tasks"
        AGENT_CALLS = LimitType.AGENT_CALLS.value, "calls of an agent"
        DELEGATION_PAIR = LimitType.DELEGATION_PAIR.value, "delegations of a pair"

    customer = models.ForeignKey(Customer, on_delete=models.CASCADE, related_name="rate_limits")
    limit_type = models.CharField(max_length=16, choices=Type)
    agent = models.CharField(
        max_length=64, default="", blank=True, help_text="An agent type; of a pair the one that delegates. Empty: all."
    )
    target = models.CharField(max_length=64, default="", blank=True, help_text="Whom it delegates to. Empty: all.")
    allowed = models.PositiveIntegerField(
        validators=[MaxValueValidator(MOST_ALLOWED)], help_text="How many in the window; 0 allows none."
    )
    window_seconds = models.PositiveIntegerField(
        null=True,
        blank=True,
        validators=[MinValueValidator(1), MaxValueValidator(LONGEST_WINDOW_SECONDS)],
        help_text="In any so many seconds. Empty: a day for tasks, else an hour.",
    )

    class Meta:
        ordering = ["customer_id", "limit_type", "agent", "target"]
        constraints = [
            models.UniqueConstraint(fields=["customer", "limit_type", "agent", "target"], name="one_rate_limit_each"),
            models.CheckConstraint(
                name="rate_limit_has_a_window", condition=Q(window_seconds=None) | Q(window_seconds__gte=1)
            ),
            models.CheckConstraint(
                name="rate_limit_names_what_it_counts",
                condition=Q(limit_type="delegation_pair") & (Q(target="") | ~Q(agent=""))
                | Q(limit_type="agent_calls", target="")
                | Q(limit_type="customer_tasks", agent="", target=""),
                violation_error_message="Tasks name no agent, calls name one at most; a target needs its agent.",
            ),
        ]

    def __str__(self) -> str:
        named = " to ".join(filter(None, (self.agent, self.target)))
        return f"{self.customer_id}: {self.allowed} {self.get_limit_type_display()}{named and f' ({named})'}"


class MembershipQuerySet(models.QuerySet[Any]):
    def active(self) -> Self:
        """Return memberships that count: neither the person nor the customer is disabled."""
        return self.filter(user__is_active=True, customer__is_active=True)

    def in_roles(self, roles: Iterable[str]) -> Self:
        return self.filter(role__in=list(roles))


class Membership(models.Model):
    """What a person may do at one customer."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="memberships")
    customer = models.ForeignKey(Customer, on_delete=models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=16, choices=Role, default=Role.VIEWER)
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    objects = MembershipQuerySet.as_manager()

    class Meta:
        ordering = ["customer_id", "user_id"]
        constraints = [models.UniqueConstraint(fields=["user", "customer"], name="one_membership_per_customer")]

    def __str__(self) -> str:
        return f"{self.user} at {self.customer_id} ({self.role})"


class PlatformAuditor(models.Model):
    """A person of the platform who may read at every customer as its auditors do, and change nothing."""

    user = models.OneToOneField(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="platform_auditor")
    reason = models.CharField(max_length=200, help_text="Why, and on whose word.")
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        ordering = ["user_id"]

    def __str__(self) -> str:
        return str(self.user)


class ApiKeyQuerySet(models.QuerySet[Any]):
    def of_customer(self, customer_id: str) -> Self:
        return self.filter(customer_id=customer_id)

    def valid(self, now: datetime) -> Self:
        """Return the keys that still open the door."""
        return self.filter(Q(expires_at=None) | Q(expires_at__gt=now), revoked_at=None)


class ApiKey(models.Model):
    """A key that a customer's program shows instead of a token. Only its hash is kept."""

    key_id = models.UUIDField(default=uuid6.uuid7, unique=True, editable=False)
    customer = models.ForeignKey(Customer, on_delete=models.CASCADE, related_name="api_keys")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="api_keys")
    name = models.CharField(max_length=100)
    prefix = models.CharField(max_length=16, help_text="The first characters, to recognise the key by.")
    digest = models.CharField(max_length=64, unique=True, editable=False)
    scopes = models.JSONField(
        null=True, blank=True, help_text="What of its person's rights the key has; empty: all that the role allows."
    )
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    last_used_at = models.DateTimeField(null=True, blank=True, editable=False, help_text="To the minute.")
    expires_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    objects = ApiKeyQuerySet.as_manager()

    class Meta:
        ordering = ["customer_id", "name"]

    def __str__(self) -> str:
        return f"{self.prefix}… ({self.name})"


class Login(models.Model):
    """A person's login by name and password: one row for the whole chain of refresh tokens that came of it.

    Only the newest of them is good. Whoever shows an earlier one has stolen it, or was stolen from: the login ends.
    """

    id = models.UUIDField(primary_key=True, default=uuid6.uuid7, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="logins")
    customer = models.ForeignKey(Customer, on_delete=models.CASCADE, related_name="+", db_index=False)
    token_digest = models.CharField(max_length=64, editable=False, help_text="SHA-256 of the good token's id.")
    password_mark = models.CharField(max_length=64, editable=False, help_text="Changes with the person's password.")
    created_at = models.DateTimeField()
    refreshed_at = models.DateTimeField()
    expires_at = models.DateTimeField(db_index=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    ended_by = models.CharField(max_length=100, default="", blank=True)

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"{self.user} at {self.customer_id} since {self.created_at:%Y-%m-%d %H:%M}"


class SigningKey(models.Model):
    """A key that the gateway signs agent calls with. Whether it is next, active or retired follows from the times."""

    kid = models.CharField("key id", max_length=64, primary_key=True, help_text="Its thumbprint (RFC 7638).")
    public_key = models.CharField(max_length=64, help_text="Ed25519, 32 bytes in base64url.")
    sealed_private_key = models.TextField(editable=False, help_text="Encrypted by A2A_ENCRYPTION_KEYS.")
    created_at = models.DateTimeField(editable=False)
    active_from = models.DateTimeField()

    class Meta:
        ordering = ["-active_from", "-kid"]

    def __str__(self) -> str:
        return f"{self.kid[:8]}…"
