"""What people send, held against what every database and every JSON reader can keep."""

import re
from math import isfinite

from security.errors import ValidationFailed

_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
_INTEGERS = range(-(2**63), 2**64)
_MAX_NESTING = 64


def check_storable(name: str, value: object, *, nesting: int = 0) -> None:
    """Refuse JSON that cannot be stored as it is.

    Raises:
        ValidationFailed: NUL or lone surrogates in a text, a number that is not finite or has over 64 bits, or
            nesting deeper than 64.
    """
    if nesting > _MAX_NESTING:
        raise ValidationFailed(detail=f"{name}: must not be nested deeper than {_MAX_NESTING}.")
    match value:
        case str() if _UNSTORABLE.search(value):
            raise ValidationFailed(detail=f"{name}: must not contain NUL or lone surrogate characters.")
        case bool():
            return
        case int() if value not in _INTEGERS:
            raise ValidationFailed(detail=f"{name}: integers must fit into 64 bits.")
        case float() if not isfinite(value):
            raise ValidationFailed(detail=f"{name}: numbers must be finite.")
        case dict():
            for key, item in value.items():
                check_storable(name, str(key), nesting=nesting + 1)
                check_storable(name, item, nesting=nesting + 1)
        case list():
            for item in value:
                check_storable(name, item, nesting=nesting + 1)
