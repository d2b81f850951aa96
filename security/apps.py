from typing import Any

from django.apps import AppConfig
from django.contrib.auth.signals import user_logged_in
from django.db import connections
from django.db.models.signals import post_migrate

from security.rows import platform_rows


class SecurityConfig(AppConfig):
    name = "security"
    verbose_name = "Customers and access"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        user_logged_in.disconnect(dispatch_uid="update_last_login")
        user_logged_in.connect(_note_login, dispatch_uid="update_last_login")
        post_migrate.connect(_keep_account, sender=self)


def _note_login(sender: Any, user: Any, **_: Any) -> None:
    """Do what Django does at each login; an account belongs to no customer."""
    from django.contrib.auth.models import update_last_login  # noqa: PLC0415 - as below

    with platform_rows():
        update_last_login(sender, user)


def _keep_account(using: str, **_: Any) -> None:
    """Put back the triggers that a migration may have cost a table."""
    from security import tenant_changes  # noqa: PLC0415 - the apps are not ready when this file is read
    from security.rows import installing  # noqa: PLC0415 - as above

    db = connections[using]
    if "security_registeredvalue" in db.introspection.table_names():
        tenant_changes.install(db)
    if db.vendor == "postgresql":
        installing.install(db)
