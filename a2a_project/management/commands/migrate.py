"""`manage.py migrate`: Django's, as the login that owns the tables."""

from typing import Any

from django.core.management.commands import migrate

from security.rows import owner_rows


class Command(migrate.Command):
    @owner_rows()
    def handle(self, *args: Any, **options: Any) -> None:
        super().handle(*args, **options)
