"""What customers decide and declare for the leak detector."""

import secrets

import uuid6
from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models.functions import Now

from audit.scope import TenantQuerySet
from security.leak_choices import check_actions, check_kinds

CANARY_PREFIX = "cnry-"


def new_canary() -> str:
    """Return a token that stands nowhere else in the world; its form tells whoever meets it what it is."""
    return CANARY_PREFIX + secrets.token_hex(10)


class LeakPolicy(models.Model):
    """What a customer wants done about findings; what it does not choose follows the platform's defaults."""

    customer = models.OneToOneField(
        "security.Customer", on_delete=models.CASCADE, primary_key=True, related_name="leak_policy"
    )
    actions = models.JSONField(
        default=dict, blank=True, validators=[check_actions], help_text="Action by type and severity of a finding."
    )
    kinds = models.JSONField(
        default=dict, blank=True, validators=[check_kinds], help_text='Action by rule, before all else: {"email": ...}.'
    )
    updated_at = models.DateTimeField(auto_now=True)

    objects = TenantQuerySet.as_manager()

    class Meta:
        ordering = ["customer_id"]
        verbose_name_plural = "leak policies"

    def __str__(self) -> str:
        return f"leak policy of {self.customer_id}"


class Canary(models.Model):
    """A token planted among a customer's data: wherever it turns up for another customer, data has crossed over."""

    id = models.UUIDField(primary_key=True, default=uuid6.uuid7, editable=False)
    customer = models.ForeignKey("security.Customer", on_delete=models.CASCADE, related_name="canaries")
    token = models.CharField(max_length=64, unique=True, default=new_canary, editable=False)
    planted = models.CharField(max_length=200, help_text="Where it was put: a document, a table, an agent's memory.")
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+", editable=False
    )
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    objects = TenantQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        verbose_name_plural = "canaries"

    def __str__(self) -> str:
        return f"{self.token} ({self.planted})"


class RegisteredValue(models.Model):
    """Something that no other customer's agent may say. Only a keyed digest of it is kept, and it is never shown."""

    id = models.UUIDField(primary_key=True, default=uuid6.uuid7, editable=False)
    customer = models.ForeignKey("security.Customer", on_delete=models.CASCADE, related_name="registered_values")
    label = models.CharField(max_length=200, help_text="What it is, without saying it: the name of a project.")
    digest = models.CharField(max_length=64, editable=False)
    key_id = models.CharField(max_length=8, editable=False, help_text="Which key made the digest.")
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+", editable=False
    )
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    objects = TenantQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        constraints = [models.UniqueConstraint(fields=["customer", "digest"], name="one_registered_value_per_digest")]

    def __str__(self) -> str:
        return self.label


class AllowedFinding(models.Model):
    """What an auditor has found to be no leak at a customer, until it expires: one value, or all that a rule finds.

    It is ended, never deleted or changed: a finding that it let pass names it.
    """

    id = models.UUIDField(primary_key=True, default=uuid6.uuid7, editable=False)
    customer = models.ForeignKey("security.Customer", on_delete=models.CASCADE, related_name="allowed_findings")
    kind = models.CharField(max_length=100, blank=True, help_text="The rule; empty: whatever rule finds the value.")
    fingerprint = models.CharField(max_length=32, blank=True, editable=False, help_text="Empty: all the rule finds.")
    reason = models.CharField(max_length=500)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", editable=False)
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    expires_at = models.DateTimeField()

    objects = TenantQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        indexes = [models.Index(fields=["customer", "expires_at"], name="allowed_by_customer")]
        constraints = [
            models.CheckConstraint(name="allowed_says_what", condition=~models.Q(kind="", fingerprint="")),
        ]

    def __str__(self) -> str:
        return f"{self.kind or 'any rule'}: {'one value' if self.fingerprint else 'all it finds'}"

    def clean(self) -> None:
        """Refuse an entry that says nothing."""
        if not self.kind and not self.fingerprint:
            raise ValidationError("Name a rule or a value.")
