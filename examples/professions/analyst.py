"""The analyst: computes on the tables of a request, asks when they mix currencies, and has the figures checked."""

import re
from collections.abc import Sequence

from examples.agent import Decision, Request, ask, choose, confidence, delegate, handle
from examples.analysis import Analysis, Figure, analyse, exchange_rates, in_currency, mixed_currencies
from examples.skills import wants
from examples.tables import Table, find_tables
from examples.wording import amount, listed, terms
from examples.worksheet import Worksheet, prose

APART = "each currency on its own"
_TARGET = re.compile(r"\b(?:in|into|to|currency[: ]+(?:is )?)\s*([A-Z]{3})\b")
_APART = re.compile(r"\b(apart|separate(ly)?|on its own|each currency)\b", re.IGNORECASE)
QUESTIONS_AT_MOST = 2


def decide(request: Request) -> Decision:
    sheet = Worksheet.read(request.instruction)
    for answer in request.answers:
        sheet = sheet.with_line(answer)
    tables = find_tables(sheet.request)
    if not tables:
        return _without_table(request)
    question = currency_question(tables, sheet.request)
    if question is not None and len(request.answers) < QUESTIONS_AT_MOST:
        return question
    analyses = [analyse(table) for table in converted(tables, sheet.request)]
    return _report(request, sheet, analyses)


def findings(analyses: Sequence[Analysis]) -> str:
    """Write every figure and note, one on a line."""
    lines = [line for analysis in analyses for line in (*map(str, analysis.figures), *analysis.notes)]
    return "\n".join(lines)


def headline(figures: Sequence[Figure], wanted: str) -> str:
    """Say in one sentence what the column that the request speaks of, or else the last one, comes to."""
    columns = list(dict.fromkeys(figure.column for figure in figures if figure.measure == "Best"))
    if not columns:
        return "There is nothing to compare."
    said = set(terms(prose(wanted)))
    named = [column for column in columns if said & set(terms(column))]
    column = (named or columns[-1:])[0]
    known = {figure.measure: figure for figure in figures if figure.column == column}
    best = known["Best"]
    parts = [f"{best.detail} is best in {column} with {best.quantity}"]
    if total := known.get("Total"):
        parts.append(f"the total is {total.quantity}")
    growth = known.get("Growth") or next((f for f in figures if f.key == ("Growth", "all rows")), None)
    if growth is not None:
        parts.append(f"growth is {growth.quantity} ({growth.detail})")
    return f"{listed(parts)}."


def converted(tables: Sequence[Table], text: str) -> list[Table]:
    """Convert the tables that mix currencies where the text names the currency and every rate; leave the others."""
    target, rates = _target(text), exchange_rates(text)
    ready = []
    for table in tables:
        units = {unit for found in mixed_currencies(table).values() for unit in found}
        covered = target is not None and all((unit, target) in rates for unit in units - {target})
        ready.append(in_currency(table, target, rates) if units and target and covered else table)
    return ready


def currency_question(tables: Sequence[Table], text: str) -> Decision | None:
    """Ask for currency or rates where columns mix currencies and the text does not say how to add them up."""
    mixed = {name: units for table in tables for name, units in mixed_currencies(table).items()}
    if not mixed or _APART.search(text):
        return None
    units = sorted({unit for found in mixed.values() for unit in found})
    target, rates = _target(text), exchange_rates(text)
    lacking = [unit for unit in units if target and unit != target and (unit, target) not in rates]
    if target and not lacking:
        return None
    reason = f"{listed(mixed)} mixes {listed(units)}, which do not add up without a rate."
    if target:
        pairs = listed(f"1 {unit} = ? {target}" for unit in lacking)
        return ask(f"At which rate should I convert: {pairs}?", reason=reason, confidence=0.4, options=[APART])
    question = f"{listed(mixed)} mixes {listed(units)}. Which currency should I report in, and at which rate?"
    return ask(question, reason=reason, confidence=0.4, options=[*units, APART])


def _target(text: str) -> str | None:
    """Find the currency to report in: named outright, or the one that the rates lead to."""
    named = [match[1] for match in _TARGET.finditer(text)]
    if named:
        return named[-1]
    into = re.findall(r"=\s*[\d.,]*\d\s*([A-Z]{3})", text)
    return into[-1] if into else None


def _report(request: Request, sheet: Worksheet, analyses: Sequence[Analysis]) -> Decision:
    figures = [figure for analysis in analyses for figure in analysis.figures]
    cells, understood = (sum(getattr(a, name) for a in analyses) for name in ("cells", "cells_understood"))
    trust = confidence(understood, cells)
    done = f"Computed {amount(len(figures), 'figure')} from {understood} of {amount(cells, 'cell')}"
    checker = choose(request.colleagues, "fact-checking", "editing") if wants(sheet.request, "fact-checking") else None
    if checker is not None:
        handed = sheet.with_section("Findings", findings(analyses))
        reason = f"{done}; they are to be checked, which is what {checker.name} does."
        return delegate(checker, str(handed), reason=reason, confidence=trust)
    result = f"{headline(figures, sheet.request)}\n\n{findings(analyses)}"
    return handle(result, reason=f"{done}.", confidence=trust)


def _without_table(request: Request) -> Decision:
    if not request.answers:
        return ask(
            "Which figures should I work on? Please send them as a table, in Markdown or CSV.",
            reason="The request holds no table with numbers.",
            confidence=0.3,
        )
    result = "No table with numbers was given, so nothing could be computed."
    return handle(result, reason="Neither the request nor the answer holds a table.", confidence=0.1)
