"""The root of the error tree, and the refusals of this floor.

    PlatformError
    ├── AuthFailed              who you are, or what you may do
    ├── NotFound                absent and forbidden look the same
    ├── ValidationFailed        what you sent cannot be understood
    │   └── AddressRefused      an address that agents may not live on
    ├── CustomerDisabled        the whole customer is switched off
    ├── RateLimitExceeded       too much, too soon
    ├── BudgetExceeded          no tokens or no money left
    └── LeakageDetected         an answer that must not travel on

A class owns its code, its HTTP status, the message a client may read and whether trying again can help (cause and
remedy stand in docs/errors.md); ``internal`` is for the log alone.
"""

from typing import ClassVar


class PlatformError(Exception):
    """Raise a refusal or failure of the catalogue.

    ``internal`` says what happened, for the log; ``detail`` may replace the standard user message where the caller
    knows something that is both safe and more useful (which field was wrong, say).
    """

    code: ClassVar[str] = "INTERNAL_ERROR"
    message: ClassVar[str] = "An unexpected error occurred. Please try again later."
    status: ClassVar[int] = 500
    retryable: ClassVar[bool] = False

    def __init__(self, *, internal: str = "", detail: str = "") -> None:
        self.internal_message = internal or detail or self.code
        self.detail = detail
        # Whether the authorisation log has a row of this refusal.
        self.on_record = False
        super().__init__(self.internal_message)

    @property
    def user_message(self) -> str:
        """Return the text that a client may see."""
        return self.detail or self.message


class AuthFailed(PlatformError):
    code = "AUTH_FAILED"
    message = "You don't have permission to access this agent."
    status = 403


class NotAuthenticated(AuthFailed):
    """The same refusal where no valid credential was shown at all."""

    status = 401


class NotFound(PlatformError):
    code = "NOT_FOUND"
    message = "There is nothing here."
    status = 404


class ValidationFailed(PlatformError):
    code = "VALIDATION_ERROR"
    message = "The request could not be understood. Please check what was sent."
    status = 400


class AddressRefused(ValidationFailed):
    pass


class RateLimitExceeded(PlatformError):
    code = "RATE_LIMIT_EXCEEDED"
    message = "Too many requests. Please wait before trying again."
    status = 429
    retryable = True

    def __init__(
        self, *, internal: str = "", detail: str = "", retry_after_seconds: float = 0, policy: str = ""
    ) -> None:
        super().__init__(internal=internal, detail=detail)
        self.retry_after_seconds = retry_after_seconds
        self.policy = policy


class CustomerDisabled(PlatformError):
    code = "CUSTOMER_DISABLED"
    message = "This account is switched off. Please contact support."
    status = 403


class BudgetExceeded(PlatformError):
    code = "BUDGET_EXCEEDED"
    message = "The budget for agent calls is used up."
    status = 402


class LeakageDetected(PlatformError):
    code = "LEAKAGE_DETECTED"
    message = "Security check blocked the response. Please contact support."
    status = 403
