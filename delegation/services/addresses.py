"""Where agents, their authorisation servers and our own notifications may live."""

from django.conf import settings

from security.outbound import AddressPolicy


def address_policy() -> AddressPolicy:
    """Return the rules for addresses that we may call."""
    return AddressPolicy(allowed_hosts=tuple(settings.A2A_ALLOWED_AGENT_HOSTS))
