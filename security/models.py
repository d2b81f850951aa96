"""Who is who: customers (tenants), the people who belong to them, and the keys their programs use."""

from django.conf import settings
from django.db import models
from django.db.models.functions import Now


class Customer(models.Model):
    """A tenant. Its id is the slug that every credential, header, log row and metric carries."""

    id = models.SlugField(primary_key=True, max_length=64)
    name = models.CharField(max_length=200)
    aliases = models.JSONField(default=list, blank=True, help_text="Other names that people use for this customer.")
    domains = models.JSONField(default=list, blank=True, help_text="Internet domains that belong to this customer.")
    identifiers = models.JSONField(default=list, blank=True, help_text="Account numbers and the like, unique to it.")
    is_active = models.BooleanField(default=True)
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return self.name


class Role(models.TextChoices):
    OWNER = "owner"
    OPERATOR = "operator"
    APPROVER = "approver"
    AUDITOR = "auditor"
    VIEWER = "viewer"


class Membership(models.Model):
    """What a person may do at one customer."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="memberships")
    customer = models.ForeignKey(Customer, on_delete=models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=16, choices=Role, default=Role.VIEWER)
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        ordering = ["customer_id", "user_id"]
        constraints = [models.UniqueConstraint(fields=["user", "customer"], name="one_membership_per_customer")]

    def __str__(self) -> str:
        return f"{self.user} at {self.customer_id} ({self.role})"


class ApiKey(models.Model):
    """A key that a customer's program shows instead of a token. Only its hash is kept."""

    customer = models.ForeignKey(Customer, on_delete=models.CASCADE, related_name="api_keys")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="api_keys")
    name = models.CharField(max_length=100)
    prefix = models.CharField(max_length=16, help_text="The first characters, to recognise the key by.")
    digest = models.CharField(max_length=64, unique=True, editable=False)
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    expires_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["customer_id", "name"]

    def __str__(self) -> str:
        return f"{self.prefix}… ({self.name})"


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
