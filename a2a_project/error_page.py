"""The page that a problem's `type` points to: docs/errors.md, a row of its table for each code."""

from collections.abc import Iterator
from pathlib import Path

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.utils.html import format_html, format_html_join
from django.views.decorators.http import require_safe

PAGE = Path(settings.BASE_DIR) / "docs" / "errors.md"


@require_safe
def errors(request: HttpRequest) -> HttpResponse:  # noqa: ARG001  Django's signature
    """Show every code with its cause and remedy; each row's anchor is its code."""
    if not PAGE.exists():
        raise Http404
    head, *rows = rows_of(PAGE.read_text(encoding="utf-8"))
    body = format_html_join("\n", '<tr id="{}">{}</tr>', ((row[0], _cells(row)) for row in rows))
    page = format_html(
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Errors</title></head><body>'
        "<h1>Errors</h1><table><thead><tr>{}</tr></thead><tbody>{}</tbody></table></body></html>",
        format_html_join("", '<th scope="col">{}</th>', ((cell,) for cell in head)),
        body,
    )
    return HttpResponse(page)


def rows_of(text: str) -> Iterator[list[str]]:
    """Return the cells of each row of the Markdown tables in the text, the rulers left out, code marks removed."""
    for line in text.splitlines():
        if line.startswith("|") and not line.startswith(("|-", "| -")):
            yield [cell.strip().replace("`", "") for cell in line.strip().strip("|").split("|")]


def _cells(row: list[str]) -> str:
    return format_html_join("", "<td>{}</td>", ((cell,) for cell in row))
