"""Pages that stay right while rows are added: a cursor names the last row seen, never a number of rows to skip."""

from base64 import b64decode
from typing import Any
from urllib.parse import parse_qs
from uuid import UUID

from django.db.models import QuerySet
from rest_framework.pagination import Cursor, CursorPagination
from rest_framework.request import Request

from security.errors import ValidationFailed

DEFAULT_PAGE_SIZE = 50
MAX_PAGE_SIZE = 500


def positive_int(raw: str, *, name: str, least: int, most: int) -> int:
    """Return the parameter as a number.

    Raises:
        ValidationFailed: it is none, or out of range; the parameter's name is in the detail.
    """
    # isdecimal() also takes other scripts' digits, which int() reads just as well.
    if not (raw.isascii() and raw.isdecimal() and len(raw) < 12 and least <= int(raw) <= most):
        raise ValidationFailed(detail=f"{name}: must be a whole number from {least} to {most}.")
    return int(raw)


class CursorPages(CursorPagination):
    """Newest first: ids are time-ordered, and each is unique, so a position is exact."""

    ordering = "-id"
    page_size = DEFAULT_PAGE_SIZE
    max_page_size = MAX_PAGE_SIZE
    page_size_query_param = "limit"
    page_size_query_description = f"How many results a page holds (1 to {MAX_PAGE_SIZE}, {DEFAULT_PAGE_SIZE} if unset)."
    cursor_query_description = "Where the page begins; taken from `next` or `previous` of another page."
    template = None

    def get_page_size(self, request: Request) -> int:
        raw = request.query_params.get("limit")
        return self.page_size if raw is None else positive_int(raw, name="limit", least=1, most=MAX_PAGE_SIZE)

    def decode_cursor(self, request: Request) -> Cursor | None:
        """Return the cursor, or None for the first page; raise ValidationFailed for one that we never gave out."""
        encoded = request.query_params.get("cursor")
        if encoded is None:
            return None
        try:
            tokens = parse_qs(b64decode(encoded.encode("ascii"), validate=True).decode("ascii"))
            position = str(UUID(tokens["p"][0]))
        except (ValueError, KeyError) as error:
            raise ValidationFailed(detail="cursor: not a cursor of ours.") from error
        # A position is whatever the ordering's column holds; the stubs know numbers only.
        return Cursor(offset=0, reverse=tokens.get("r") == ["1"], position=position)  # type: ignore[arg-type]


def page_of(rows: QuerySet[Any], request: Request, shape: Any, *, order: str = "-id") -> dict[str, Any]:
    """Return one page of the rows, each in its shape: {next, previous, results}. One query.

    ``order`` is a column of time-ordered ids.
    """
    pages = CursorPages()
    pages.ordering = order
    found = pages.paginate_queryset(rows, request) or []
    return {
        "next": pages.get_next_link(),
        "previous": pages.get_previous_link(),
        "results": [shape(row) for row in found],
    }


def whole(results: list[dict[str, Any]]) -> dict[str, Any]:
    """Return a list that fits into one page."""
    return {"next": None, "previous": None, "results": results}
