"""What can go wrong with the counting itself; a limit that is reached is no error but an ``Admission``."""

from security.errors import PlatformError


class LimiterUnavailable(PlatformError):
    """The counters cannot be reached: refuse new tasks, let running ones go on uncounted."""

    code = "SERVICE_UNAVAILABLE"
    message = "The service is not ready. Please try again shortly."
    status = 503
    retryable = True
    # The pause after which the circuit lets one call through to see.
    retry_after_seconds = 1.0
