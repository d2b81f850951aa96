"""Compute on a table: totals, means, extremes and growth, each a Figure that can be written, read back and checked."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal, localcontext

from examples.quantities import CURRENCIES, DIGITS_KEPT, Quantity, display, parse_quantity
from examples.tables import Column, Table, period_key

LOWER_IS_BETTER = re.compile(
    r"\b(costs?|expenses?|churn|complaints?|errors?|refunds?|returns|defects?|delays?|loss(es)?|spend(ing)?|bounces?"
    r"|downtime|debts?|overdue|tickets|waste)\b",
    re.IGNORECASE,
)
AVERAGED = re.compile(
    r"\b(rate|price|share|ratio|score|rating|margin|average|per|ctr|roi|temperature|age)\b", re.IGNORECASE
)
# Of a longer table the growth of each row would bury the rest.
ROWS_LISTED = 20
MEASURES = ("Total", "Mean", "Highest", "Lowest", "Best", "Growth")
_FIGURE = re.compile(rf"- ({'|'.join(MEASURES)}) of (.+): ([^:()]+?)(?: \((.*)\))?")
_RATE = re.compile(
    r"1\s*([A-Z]{3})\s*(?:=|is|equals|->)\s*([\d.,]*\d)\s*([A-Z]{3})|([\d.,]*\d)\s*([A-Z]{3})\s*(?:per|/)\s*([A-Z]{3})"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """Hold one computed value; `detail` names the row it stands in or the periods it compares."""

    measure: str
    column: str
    quantity: Quantity
    detail: str = ""

    def __str__(self) -> str:
        detail = f" ({self.detail})" if self.detail else ""
        return f"- {self.measure} of {self.column}: {self.quantity}{detail}"

    @property
    def key(self) -> tuple[str, str]:
        return self.measure, self.column.casefold()

    def agrees_with(self, other: "Figure") -> bool:
        """Tell whether both say the same at the two decimals in which figures are written."""
        return display(self.quantity.value) == display(other.quantity.value)


@dataclass(frozen=True, slots=True, kw_only=True)
class Analysis:
    figures: tuple[Figure, ...]
    notes: tuple[str, ...]
    cells: int
    cells_understood: int


def read_figures(text: str) -> tuple[Figure, ...]:
    """Read back the figures that stand in a text, one on a line."""
    return tuple(figure for line in text.splitlines() if (figure := read_figure(line)) is not None)


def read_figure(line: str) -> Figure | None:
    match = _FIGURE.fullmatch(line.strip())
    quantity = parse_quantity(match[3]) if match else None
    if match is None or quantity is None:
        return None
    return Figure(measure=match[1], column=match[2], quantity=quantity, detail=match[4] or "")


def analyse(table: Table) -> Analysis:
    """Compute every figure the table supports. A column that mixes units is split, one part per unit."""
    columns = [part for column in table.numeric_columns() for part in split_by_unit(column)]
    labels = table.labels()
    with localcontext(prec=DIGITS_KEPT):
        figures = [figure for column in columns for figure in _column_figures(column, labels)]
        figures += _growth(columns, labels)
    cells = sum(len(column.cells) for column in table.numeric_columns())
    odd = sum(column.not_understood for column in table.numeric_columns())
    notes = [*_notes(table), *_stated_total_notes(table, figures)]
    return Analysis(figures=tuple(figures), notes=tuple(notes), cells=cells, cells_understood=cells - odd)


def mixed_currencies(table: Table) -> dict[str, tuple[str, ...]]:
    """Give the columns that hold more than one currency, with the currencies."""
    found = {column.name: tuple(u for u in column.units if u in CURRENCIES) for column in table.numeric_columns()}
    return {name: units for name, units in found.items() if len(units) > 1}


def exchange_rates(text: str) -> dict[tuple[str, str], Decimal]:
    """Read rates told as '1 USD = 0.92 EUR' or '0.92 EUR per USD': (from, to) to factor, with the inverse of each."""
    rates: dict[tuple[str, str], Decimal] = {}
    for match in _RATE.finditer(text):
        source, written, target = (match[1], match[2], match[3]) if match[1] else (match[6], match[4], match[5])
        factor = parse_quantity(written)
        if factor is not None and factor.value > 0:
            rates[source, target] = factor.value
            rates.setdefault((target, source), 1 / factor.value)
    return rates


def in_currency(table: Table, target: str, rates: dict[tuple[str, str], Decimal]) -> Table:
    """Give the table with every amount of another currency converted to `target`.

    Raises KeyError where a rate is missing.
    """
    columns = {column.name: column for column in table.numeric_columns() if set(column.units) & CURRENCIES}
    rows = list(table.data_rows())
    for index, name in enumerate(table.header):
        for number, cell in enumerate(columns[name].cells if name in columns else ()):
            if cell is not None and cell.unit in CURRENCIES and cell.unit != target:
                with localcontext(prec=DIGITS_KEPT):
                    value = cell.value * rates[cell.unit, target]
                rows[number] = (*rows[number][:index], f"{target} {value:f}", *rows[number][index + 1 :])
    return replace(table, rows=tuple(rows))


def split_by_unit(column: Column) -> Iterator[Column]:
    """Give the column itself, or one column per unit where sums across would mean nothing."""
    if len(column.units) < 2:
        yield column
        return
    for unit in sorted({cell.unit for cell in column.cells if cell is not None}):
        cells = tuple(cell if cell is not None and cell.unit == unit else None for cell in column.cells)
        yield Column(name=f"{column.name} [{unit or 'no unit'}]", cells=cells, not_understood=0)


def _column_figures(column: Column, labels: Sequence[str]) -> Iterator[Figure]:
    known = [(cell, label) for cell, label in zip(column.cells, labels, strict=True) if cell is not None]
    if not known:
        return
    unit = next(iter(column.units), "")
    total = sum((cell.value for cell, _ in known), Decimal(0))
    # Rates and prices of different rows do not add up to anything.
    if unit != "%" and not AVERAGED.search(column.name):
        yield Figure(measure="Total", column=column.name, quantity=Quantity(total, unit))
    yield Figure(measure="Mean", column=column.name, quantity=Quantity(total / len(known), unit))
    highest = max(known, key=lambda pair: pair[0].value)
    lowest = min(known, key=lambda pair: pair[0].value)
    best = lowest if LOWER_IS_BETTER.search(column.name) else highest
    for measure, (cell, label) in (("Highest", highest), ("Lowest", lowest), ("Best", best)):
        yield Figure(measure=measure, column=column.name, quantity=Quantity(cell.value, unit), detail=label)


def _growth(columns: Sequence[Column], labels: Sequence[str]) -> Iterator[Figure]:
    """Compare the first with the last period, whether the periods are the rows or the columns."""
    if len(labels) > 1 and (order := _period_order(labels)):
        for column in columns:
            first, last = column.cells[order[0]], column.cells[order[-1]]
            yield from _growth_figure(column.name, first, last, f"{labels[order[0]]} to {labels[order[-1]]}")
    elif len(columns) > 1 and (order := _period_order([column.name for column in columns])):
        first_column, last_column = columns[order[0]], columns[order[-1]]
        span = f"{first_column.name} to {last_column.name}"
        pairs = list(zip(first_column.cells, last_column.cells, strict=True))
        yield from _growth_figure("all rows", *_sums(pairs), span)
        for label, (first, last) in zip(labels, pairs, strict=True) if len(labels) <= ROWS_LISTED else ():
            yield from _growth_figure(label, first, last, span)


def _period_order(names: Sequence[str]) -> list[int] | None:
    keys = [period_key(re.sub(r"\s*\[.*\]$", "", name)) for name in names]
    if not all(keys):
        # 'Q2 revenue' and 'Q3 revenue' are periods of the same thing, with the period first.
        keys = [period_key(name.split()[0]) if name.split() else None for name in names]
    ordered = [key for key in keys if key is not None]
    if len(ordered) < len(names) or len(set(ordered)) < 2:
        return None
    return sorted(range(len(names)), key=lambda index: ordered[index])


def _sums(pairs: Iterable[tuple[Quantity | None, Quantity | None]]) -> tuple[Quantity, Quantity]:
    """Add up both sides over the rows that have both, so that the same rows are compared."""
    both = [(first, last) for first, last in pairs if first is not None and last is not None]
    unit = both[0][0].unit if both else ""
    return tuple(Quantity(sum((pair[side].value for pair in both), Decimal(0)), unit) for side in (0, 1))  # type: ignore[return-value]


def _growth_figure(name: str, first: Quantity | None, last: Quantity | None, span: str) -> Iterator[Figure]:
    # Growth from nothing is no number.
    if first is not None and last is not None and first.value != 0 and first.unit == last.unit:
        change = (last.value - first.value) / abs(first.value) * 100
        yield Figure(measure="Growth", column=name, quantity=Quantity(change, "%"), detail=span)


def _notes(table: Table) -> Iterator[str]:
    for column in table.numeric_columns():
        missing = sum(cell is None for cell in column.cells) - column.not_understood
        if missing:
            yield f"{missing} of {len(column.cells)} cells of {column.name} are empty and left out."
        if column.not_understood:
            yield f"{column.not_understood} of {len(column.cells)} cells of {column.name} are not numbers and left out."
        if len(column.units) > 1:
            yield f"{column.name} mixes {', '.join(column.units)}; its figures are kept apart."


def _stated_total_notes(table: Table, figures: Sequence[Figure]) -> Iterator[str]:
    """Hold the author's own total row against the rows above it."""
    computed = {figure.column: figure for figure in figures if figure.measure == "Total"}
    for row in table.stated_totals():
        for name, cell in zip(table.header, row, strict=True):
            stated = parse_quantity(cell)
            if name in computed and stated and display(stated.value) != display(computed[name].quantity.value):
                added = computed[name].quantity
                yield f"The table states a total of {stated} for {name}, but its rows add up to {added}."
