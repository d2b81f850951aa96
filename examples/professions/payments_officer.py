"""The payments officer: turns a table of invoices into a payment order, and holds back what looks paid twice."""

import zlib
from decimal import Decimal

from examples.agent import Decision, Request, ask, confidence, handle
from examples.quantities import Quantity
from examples.tables import Column, Table, find_tables
from examples.wording import amount, listed
from examples.worksheet import Worksheet


def decide(request: Request) -> Decision:
    sheet = Worksheet.read(request.instruction)
    for answer in request.answers:
        sheet = sheet.with_line(answer)
    tables = find_tables(sheet.request)
    if not tables:
        question = "Which invoices should be paid? Please send vendor, invoice and amount as a table."
        return ask(question, reason="The request holds no invoices.", confidence=0.3)
    return _order(tables[0], request)


def _order(table: Table, request: Request) -> Decision:
    rows = table.data_rows()
    amounts = table.numeric_columns()[-1]
    payable = [index for index, row in enumerate(rows) if _is_payable(row, amounts.cells[index], rows[:index])]
    held = [index for index in range(len(rows)) if index not in payable]
    totals = control_totals(amounts, payable)
    number = zlib.crc32(f"{request.delegation_id}{rows}".encode()) % 10**6
    lines = [f"Payment order {number:06d}: {amount(len(payable), 'payment')}, control total {listed(map(str, totals))}"]
    lines += [f"- pay {amounts.cells[index]}: {_payee(table, rows[index], amounts)}" for index in payable]
    lines += [
        f"- held back {amounts.cells[index] or 'no amount'}: {_payee(table, rows[index], amounts)}" for index in held
    ]
    reason = (
        f"{len(payable)} of {amount(len(rows), 'invoice')} can be paid, {len(held)} held back as double or unclear."
    )
    return handle("\n".join(lines), reason=reason, confidence=confidence(len(payable), len(rows)))


def _payee(table: Table, row: tuple[str, ...], amounts: Column) -> str:
    return ", ".join(cell for name, cell in zip(table.header, row, strict=True) if cell and name != amounts.name)


def control_totals(amounts: Column, payable: list[int]) -> list[Quantity]:
    """Add up what is paid, each currency on its own."""
    totals: dict[str, Decimal] = {}
    for cell in filter(None, (amounts.cells[index] for index in payable)):
        totals[cell.unit] = totals.get(cell.unit, Decimal(0)) + cell.value
    return [Quantity(total, unit) for unit, total in sorted(totals.items())]


def _is_payable(row: tuple[str, ...], cell: Quantity | None, earlier: tuple[tuple[str, ...], ...]) -> bool:
    return cell is not None and cell.value > 0 and row not in earlier
