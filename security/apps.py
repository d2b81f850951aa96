from typing import Any

from django.apps import AppConfig
from django.db import connections
from django.db.models.signals import post_migrate


class SecurityConfig(AppConfig):
    name = "security"
    verbose_name = "Customers and access"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        post_migrate.connect(_keep_account, sender=self)


def _keep_account(using: str, **_: Any) -> None:
    """Put back the triggers that a migration may have cost a table."""
    from security import tenant_changes  # noqa: PLC0415 - the apps are not ready when this file is read

    db = connections[using]
    if "security_registeredvalue" in db.introspection.table_names():
        tenant_changes.install(db)
