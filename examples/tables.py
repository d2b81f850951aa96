"""Find tables in a text, Markdown or CSV, and tell labels, periods and numeric columns apart."""

import csv
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import takewhile

from examples.quantities import Quantity, is_missing, parse_quantity, uses_decimal_comma

TABLES_REMEMBERED = 32
DELIMITERS = (",", ";", "\t")
TOTAL_LABELS = re.compile(r"\W*(grand |sub)?total\b.*|\W*(sum|overall|all|average|mean)\W*", re.IGNORECASE)
IDENTIFIERS = frozenset(
    (
        "id",
        "no",
        "no.",
        "nr",
        "#",
        "number",
        "sku",
        "zip",
        "postcode",
        "order",
        "invoice",
        "rank",
        "code",
        "reference",
        "year",
        "phone",
        "account",
        "order id",
        "order no",
        "invoice no",
        "invoice number",
        "customer id",
        "product id",
        "account number",
    )
)
MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTH = re.compile(
    r"(jan(uary)?|feb(ruary)?|mar(ch)?|apr(il)?|may|june?|july?|aug(ust)?|sept?(ember)?|oct(ober)?|nov(ember)?"
    r"|dec(ember)?)\.?(?:[\s-]+((?:19|20)\d\d))?",
    re.IGNORECASE,
)
_RULE = re.compile(r"\s*\|?\s*:?-{1,}:?\s*(\|\s*:?-{1,}:?\s*)*\|?\s*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """Hold one numeric column; a cell that is missing or not understood is None."""

    name: str
    cells: tuple[Quantity | None, ...]
    not_understood: int

    @property
    def units(self) -> tuple[str, ...]:
        return tuple(sorted({cell.unit for cell in self.cells if cell is not None and cell.unit}))


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Hold a table's cells as text; every row has as many cells as the header."""

    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    def data_rows(self) -> tuple[tuple[str, ...], ...]:
        """Leave out the rows in which the author has already totalled the others."""
        label = self.label_index()
        return tuple(row for row in self.rows if label is None or not TOTAL_LABELS.fullmatch(row[label]))

    def stated_totals(self) -> tuple[tuple[str, ...], ...]:
        """Give the rows that the author calls a total (not a mean)."""
        label = self.label_index()
        if label is None:
            return ()
        return tuple(row for row in self.rows if re.match(r"\W*(grand )?total\b|\W*sum\W*$", row[label], re.IGNORECASE))

    def label_index(self) -> int | None:
        """Find the column that names the rows: the first that holds no quantities."""
        numeric = {index for index, _ in _numeric_columns(self)}
        return next((index for index in range(len(self.header)) if index not in numeric), None)

    def labels(self) -> tuple[str, ...]:
        index = self.label_index()
        if index is None:
            return tuple(f"row {number}" for number, _ in enumerate(self.data_rows(), start=1))
        return tuple(row[index] for row in self.data_rows())

    def numeric_columns(self) -> tuple[Column, ...]:
        rows = self.data_rows()
        return tuple(
            read_column(self.header[index], [row[index] for row in rows], decimal_comma=comma)
            for index, comma in _numeric_columns(self)
        )


@lru_cache(maxsize=TABLES_REMEMBERED)
def _numeric_columns(table: Table) -> tuple[tuple[int, bool], ...]:
    """Give index and decimal comma of each column in which most cells are quantities, not names or periods."""
    found = []
    for index, name in enumerate(table.header):
        cells = [row[index] for row in table.rows]
        if name.strip().casefold() in IDENTIFIERS or _are_periods(name, cells):
            continue
        comma = uses_decimal_comma(cells)
        column = read_column(name, cells, decimal_comma=comma)
        if sum(cell is not None for cell in column.cells) > column.not_understood:
            found.append((index, comma))
    return tuple(found)


def _are_periods(name: str, cells: Sequence[str]) -> bool:
    """Tell whether a column names periods; sales of 1950 and 2000 are no years unless the header says so."""
    said = not name.strip() or re.search(r"\b(year|fy|period|season|date|quarter|month)s?\b", name, re.IGNORECASE)
    return all(period_key(cell) for cell in cells) and bool(said or not all(cell.strip().isdigit() for cell in cells))


def read_column(name: str, cells: Sequence[str], *, decimal_comma: bool) -> Column:
    quantities = tuple(parse_quantity(cell, decimal_comma=decimal_comma) for cell in cells)
    odd = sum(read is None and not is_missing(cell) for read, cell in zip(quantities, cells, strict=True))
    return Column(name=name, cells=quantities, not_understood=odd)


def period_key(text: str) -> tuple[int, int, int] | None:
    """Give (year, month, day) to order periods by, zeros where not named; None where the text is no period.

    Understands 2025, Q3, Q3 2025, 2025 Q3, 2025-Q3, March, Mar 2025, 2025-03 and 2025-03-31.
    """
    text = text.strip()
    if re.fullmatch(r"(?:FY\s?)?(19|20)\d\d", text):
        return int(text[-4:]), 0, 0
    if match := re.fullmatch(r"((?:19|20)\d\d)-(\d\d)(?:-(\d\d))?", text):
        return int(match[1]), int(match[2]), int(match[3] or 0)
    if match := re.fullmatch(r"(?:((?:19|20)\d\d)[\s-]?)?[Qq]([1-4])(?:[\s/-]*((?:19|20)\d\d))?", text):
        return int(match[1] or match[3] or 0), int(match[2]) * 3, 0
    if match := _MONTH.fullmatch(text):
        return int(match[match.re.groups] or 0), MONTHS.index(match[1][:3].casefold()) + 1, 0
    return None


def find_tables(text: str) -> tuple[Table, ...]:
    """Find every table that has a header, at least one row and at least one numeric column, in the text's order."""
    return tuple(table for _, _, table in _located(text))


def without_tables(text: str) -> str:
    """Give the text without the lines of its tables."""
    lines = text.splitlines()
    for start, end, _ in reversed(_located(text)):
        del lines[start:end]
    return "\n".join(lines)


@lru_cache(maxsize=TABLES_REMEMBERED)
def _located(text: str) -> tuple[tuple[int, int, Table], ...]:
    """Give each table with its first line and the line after it; remembered, since one decision asks many times."""
    lines = text.splitlines()
    found: list[tuple[int, int, Table]] = []
    index = 0
    while index < len(lines):
        end, table = _table_at(lines, index)
        if table is not None:
            found.append((index, end, table))
        index = max(end, index + 1)
    return tuple(found)


def _table_at(lines: Sequence[str], start: int) -> tuple[int, Table | None]:
    """Give the line after the table that begins at `start`, and the table if it is one."""
    if "|" in lines[start]:
        block = list(takewhile(lambda line: "|" in line, lines[start:]))
        return start + len(block), _table([_markdown_cells(line) for line in block if not _RULE.fullmatch(line)])
    # A sentence with a comma right above a CSV table is not its header: only prose has a space after its commas.
    if ", " in lines[start] and "," in "".join(lines[start + 1 : start + 2]) and ", " not in lines[start + 1]:
        return start + 1, None
    blocks = [rows for delimiter in DELIMITERS if (rows := _csv_block(lines, start, delimiter))]
    for rows in blocks:
        if (table := _table(rows)) is not None:
            return start + len(rows), table
    # Lines of equal width that are no table are not tried again one by one: a long text would take for ever.
    return start + min(map(len, blocks), default=1), None


def _table(rows: Sequence[Sequence[str]]) -> Table | None:
    if len(rows) < 2:
        return None
    width = len(rows[0])
    even = tuple(tuple((*row, *[""] * width)[:width]) for row in rows)
    table = Table(header=even[0], rows=even[1:])
    return table if table.numeric_columns() else None


def _markdown_cells(line: str) -> list[str]:
    cells = re.split(r"(?<!\\)\|", line.strip())
    if not cells[0].strip():
        cells = cells[1:]
    if cells and not cells[-1].strip():
        cells = cells[:-1]
    return [cell.strip().replace("\\|", "|") for cell in cells]


def _csv_block(lines: Sequence[str], start: int, delimiter: str) -> list[list[str]]:
    """Give the cells of the lines from `start` on that have as many as the first, if it has several."""
    width = len(_csv_cells(lines[start], delimiter))
    rows = (_csv_cells(lines[index], delimiter) for index in range(start, len(lines)))
    return list(takewhile(lambda cells: len(cells) == width, rows)) if width > 1 else []


def _csv_cells(line: str, delimiter: str) -> list[str]:
    try:
        cells = next(csv.reader([line], delimiter=delimiter, skipinitialspace=True), [])
    except csv.Error:
        return []
    return [cell.strip() for cell in cells]
