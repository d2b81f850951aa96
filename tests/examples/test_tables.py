"""The analyst's arithmetic is exact for any table: properties over generated ones, and the cases people write."""

import csv
import io
from collections.abc import Callable, Sequence
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from examples.analysis import Figure, analyse, exchange_rates, in_currency, mixed_currencies, read_figure, read_figures
from examples.quantities import Quantity, display, parse_quantity, uses_decimal_comma
from examples.tables import find_tables, period_key, without_tables

# The machine's load is not what is tested; the first property alone runs for every way of writing a table.
unhurried = settings(deadline=None, max_examples=50)

amounts = st.decimals(min_value=-(10**9), max_value=10**9, places=2, allow_nan=False, allow_infinity=False)
whole = st.integers(min_value=-(10**12), max_value=10**12).map(Decimal)
columns = st.lists(amounts | whole, min_size=1, max_size=12)
Writer = Callable[[Decimal], str]
Rows = Sequence[tuple[str, ...]]
Layout = Callable[[Rows], str]
WRITTEN: dict[str, Writer] = {
    "plain": lambda value: f"{value:f}",
    "thousands": lambda value: f"{value:,.2f}",
    "dollars": lambda value: f"-${-value:,.2f}" if value < 0 else f"${value:,.2f}",
    "code": lambda value: f"{value:,.2f} USD",
    "parentheses": lambda value: f"({-value:,.2f})" if value < 0 else f"{value:,.2f}",
    "continental": lambda value: f"{value:,.2f} €".translate(str.maketrans(",.", ".,")),
    "spaced": lambda value: f"{value:,.2f}".replace(",", "\u202f"),
    "percent": lambda value: f"{value:,.2f} %",
}


def markdown(rows: Rows) -> str:
    head, *body = (f"| {' | '.join(row)} |" for row in rows)
    return "\n".join([head, "|" + "---|" * len(rows[0]), *body])


def comma_separated(rows: Rows) -> str:
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue()


def computed(text: str) -> dict[tuple[str, str], Figure]:
    (table,) = find_tables(text)
    return {figure.key: figure for figure in analyse(table).figures}


@pytest.mark.parametrize("write", WRITTEN.values(), ids=WRITTEN)
@pytest.mark.parametrize("layout", [markdown, comma_separated])
@unhurried
@given(values=columns)
def test_totals_means_and_extremes_are_exact_however_numbers_are_written(
    write: Writer, layout: Layout, values: list[Decimal]
) -> None:
    rows = [("Region", "Sales"), *((f"row {number}", write(value)) for number, value in enumerate(values))]
    found = computed(f"Please analyse this table.\n\n{layout(rows)}\n\nThank you.")

    exact: list[Fraction] = [Fraction(value) for value in values]
    if write is not WRITTEN["percent"]:
        assert Fraction(found["Total", "sales"].quantity.value) == sum(exact)
    assert abs(Fraction(found["Mean", "sales"].quantity.value) - sum(exact, Fraction(0)) / len(exact)) < Fraction(
        1, 10**20
    )
    assert found["Highest", "sales"].quantity.value == max(values)
    assert found["Lowest", "sales"].quantity.value == min(values)
    assert found["Best", "sales"].detail == f"row {values.index(max(values))}"


@unhurried
@given(values=columns)
def test_percentages_are_never_added_up(values: list[Decimal]) -> None:
    rows = [("Region", "Share"), *((f"row {n}", f"{value} %") for n, value in enumerate(values))]
    assert ("Total", "share") not in computed(markdown(rows))


@unhurried
@given(values=st.lists(amounts, min_size=2, max_size=8), first=st.integers(1990, 2020))
def test_growth_compares_the_first_with_the_last_year_in_whatever_order_they_stand(
    values: list[Decimal], first: int
) -> None:
    rows = [(str(first + number), f"{value:,}") for number, value in enumerate(values)]
    found = computed(markdown([("Year", "Sales"), *reversed(rows)]))

    if values[0] == 0:
        assert ("Growth", "sales") not in found
    else:
        exact = (Fraction(values[-1]) - Fraction(values[0])) / abs(Fraction(values[0])) * 100
        assert abs(Fraction(found["Growth", "sales"].quantity.value) - exact) < Fraction(1, 10**15)


@unhurried
@given(pairs=st.lists(st.tuples(amounts, amounts), min_size=1, max_size=8))
def test_growth_of_all_rows_is_that_of_the_sums(pairs: list[tuple[Decimal, Decimal]]) -> None:
    rows = [("Shop", "Q1", "Q2"), *((f"shop {n}", str(a), str(b)) for n, (a, b) in enumerate(pairs))]
    found = computed(markdown(rows))

    before, after = (sum(Fraction(pair[side]) for pair in pairs) for side in (0, 1))
    if before:
        exact = (after - before) / abs(before) * 100
        assert abs(Fraction(found["Growth", "all rows"].quantity.value) - exact) < Fraction(1, 10**15)
    else:
        assert ("Growth", "all rows") not in found


@unhurried
@given(value=amounts | whole, unit=st.sampled_from(["", "%", "EUR", "days"]), detail=st.sampled_from(["", "North"]))
def test_a_figure_that_is_written_is_read_back_the_same(value: Decimal, unit: str, detail: str) -> None:
    figure = Figure(measure="Total", column="Net sales (2025): all", quantity=Quantity(value, unit), detail=detail)
    assert read_figure(str(figure)) == figure


@unhurried
@given(st.text(max_size=300))
def test_no_text_makes_the_reader_of_tables_fail(text: str) -> None:
    for table in find_tables(text):
        analyse(table)
    without_tables(text)
    read_figures(text)


@unhurried
@given(st.text(alphabet="0123456789.,-()%$€ '\u202fkM|\n", max_size=60))
def test_no_almost_number_makes_the_reader_fail(text: str) -> None:
    parse_quantity(text)
    parse_quantity(text, decimal_comma=True)
    for table in find_tables(text):
        analyse(table)


@pytest.mark.parametrize(
    ("cell", "value", "unit"),
    [
        ("1,234", "1234", ""),
        ("1,234,567.89", "1234567.89", ""),
        ("12,34,567", "1234567", ""),
        ("US$ 5.5k", "5500", "USD"),
        ("€3M", "3000000", "EUR"),
        ("2.5bn", "2500000000", ""),
        ("(1,200)", "-1200", ""),
        ("−7 %", "-7", "%"),
        ("+12.5%", "12.5", "%"),
        ("CHF 1'250.50", "1250.50", "CHF"),
        ("3 days", "3", "days"),
        ("**42**", "42", ""),
        ("12,5", "12.5", ""),
    ],
)
def test_it_reads_what_people_write(cell: str, value: Decimal, unit: str) -> None:
    assert parse_quantity(cell) == Quantity(Decimal(value), unit)


@pytest.mark.parametrize(
    "cell", ["", "n/a", "North", "01.02.2025", "1.2.3", "10:30", "2025-07-01", "1,2,3", "12 34", "Q3"]
)
def test_it_takes_nothing_else_for_a_number(cell: str) -> None:
    assert parse_quantity(cell) is None


def test_a_column_with_one_decimal_comma_is_read_so_throughout() -> None:
    assert uses_decimal_comma(["1.234", "7,5"])
    found = computed("Ort;Umsatz\nKiel;1.234\nBonn;7,5\n")
    assert found["Total", "umsatz"].quantity == Quantity(Decimal("1241.5"))


def test_a_total_row_is_not_added_once_more_and_a_wrong_one_is_named() -> None:
    rows = [("Region", "Sales"), ("North", "100"), ("South", "250"), ("Total", "400")]
    (table,) = find_tables(markdown(rows))
    analysis = analyse(table)
    assert str(analysis.figures[0]) == "- Total of Sales: 350"
    assert analysis.notes == ("The table states a total of 400 for Sales, but its rows add up to 350.",)


def test_empty_and_odd_cells_are_left_out_and_told_of() -> None:
    rows = [("Region", "Sales"), ("North", "100"), ("South", "-"), ("West", "tbd"), ("East", "200")]
    (table,) = find_tables(markdown(rows))
    analysis = analyse(table)
    assert str(analysis.figures[1]) == "- Mean of Sales: 150"
    assert (analysis.cells, analysis.cells_understood) == (4, 3)
    assert analysis.notes == (
        "1 of 4 cells of Sales are empty and left out.",
        "1 of 4 cells of Sales are not numbers and left out.",
    )


def test_of_costs_the_lowest_is_best() -> None:
    found = computed("Shop,Cost\nA,12\nB,7\n")
    assert found["Best", "cost"].detail == "B"


def test_numbers_of_orders_and_years_are_names_and_prices_do_not_add_up() -> None:
    found = computed("| Order | Year | Price |\n|---|---|---|\n| 1001 | 2024 | $5 |\n| 1002 | 2025 | $7 |")
    assert {column for _, column in found} == {"price"}
    assert ("Total", "price") not in found


def test_amounts_that_look_like_years_are_amounts_unless_the_header_says_year() -> None:
    assert computed("Region,Sales\nNorth,1950\nSouth,2000\n")["Total", "sales"].quantity == Quantity(Decimal(3950))
    assert computed("Year,Sales\n1950,1900\n2000,2090\n")["Growth", "sales"].detail == "1950 to 2000"


def test_mixed_currencies_are_kept_apart_or_converted() -> None:
    (table,) = find_tables("Team,Cost\nA,$100\nB,€50\n")
    assert mixed_currencies(table) == {"Cost": ("EUR", "USD")}
    totals = [str(figure) for figure in analyse(table).figures if figure.measure == "Total"]
    assert totals == ["- Total of Cost [EUR]: 50 EUR", "- Total of Cost [USD]: 100 USD"]

    rates = exchange_rates("at 1 USD = 0.90 EUR")
    assert str(analyse(in_currency(table, "EUR", rates)).figures[0]) == "- Total of Cost: 140 EUR"
    assert exchange_rates("0.90 EUR per USD")["USD", "EUR"] == Decimal("0.90")


def test_a_sentence_with_commas_is_no_table_and_no_header() -> None:
    assert find_tables("In May, we sold 5\nIn June, we sold 7") == ()
    (table,) = find_tables("Analyse this, please\nRegion,Sales\nNorth,5")
    assert table.header == ("Region", "Sales")


def test_several_tables_are_found_and_cut_out() -> None:
    text = "One:\n| A | B |\n|---|---|\n| x | 1 |\n\nTwo:\nC;D\ny;2\n\nEnd."
    assert [table.header for table in find_tables(text)] == [("A", "B"), ("C", "D")]
    assert without_tables(text) == "One:\n\nTwo:\n\nEnd."


@pytest.mark.parametrize(
    "names",
    [
        ("2023", "2024", "2025"),
        ("Q1", "Q2", "Q4"),
        ("Q4 2024", "2025 Q1", "2025-Q2"),
        ("Jan", "February", "sept."),
        ("Dec 2024", "Jan 2025"),
        ("2025-01", "2025-02-15", "2025-03"),
    ],
)
def test_periods_are_put_in_order(names: tuple[str, ...]) -> None:
    keys = [key for name in names if (key := period_key(name)) is not None]
    assert len(keys) == len(names)
    assert keys == sorted(keys)
    assert period_key("Mayor") is None


@unhurried
@given(whole)
def test_a_whole_number_is_shown_whole_and_reads_back(value: Decimal) -> None:
    assert "." not in display(value)
    assert parse_quantity(display(value)) == Quantity(value)
