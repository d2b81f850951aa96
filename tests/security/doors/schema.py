"""The OpenAPI schema's operations in the words of the table, with the request that each shows as its example."""

from typing import Any

from tests.security.doors.attack import PARAMETER

Operation = tuple[str, str]
METHODS = {"get", "post", "put", "patch", "delete"}


def operations(schema: dict[str, Any]) -> dict[Operation, dict[str, Any]]:
    """Return the operations by method and address; parameters are written {name}."""
    return {
        (method, path): operation
        for path, methods in schema["paths"].items()
        for method, operation in methods.items()
        if method in METHODS
    }


def in_the_schemas_words(pattern: str) -> str:
    return "/api/v1/" + PARAMETER.sub(r"{\1}", pattern)


def operation_of(schema: dict[str, Any], operation: Operation) -> dict[str, Any]:
    method, pattern = operation
    found: dict[str, Any] = schema["paths"][in_the_schemas_words(pattern)][method]
    return found


def body_of(schema: dict[str, Any], operation: Operation) -> dict[str, Any] | None:
    """Return the example of its request, or None where it takes no body."""
    found = operation_of(schema, operation).get("requestBody")
    if found is None:
        return None
    example: dict[str, Any] = found["content"]["application/json"]["examples"]["Request"]["value"]
    return dict(example)


def fields_of(schema: dict[str, Any], operation: Operation) -> set[str]:
    """Return the fields that its request may have."""
    found = operation_of(schema, operation).get("requestBody")
    if found is None:
        return set()
    kind = found["content"]["application/json"]["schema"]
    if "$ref" in kind:
        kind = schema["components"]["schemas"][kind["$ref"].rpartition("/")[2]]
    return set(kind.get("properties", {}))
