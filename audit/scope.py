"""The one way in which rows are narrowed to what a customer may see."""

from typing import Any, Self

from django.db import models


class TenantQuerySet(models.QuerySet[Any]):
    """Rows of one customer; every read on behalf of a person goes through it."""

    def of_customer(self, customer_id: str) -> Self:
        """Return only what belongs to the customer (its id is the one in the credential)."""
        return self.filter(customer_id=customer_id)
