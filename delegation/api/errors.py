"""The refusal that only this door knows."""

from security.errors import PlatformError


class NotAcceptable(PlatformError):
    code = "NOT_ACCEPTABLE"
    message = "This address answers in JSON only."
    status = 406
