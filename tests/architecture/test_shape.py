"""How the code must look where no tool looks: sizes, names, what may catch everything."""

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ROOMS = ("a2a_project", "delegation", "security", "audit", "examples")
SOURCES = sorted(
    path for room in ROOMS for path in (ROOT / room).rglob("*.py") if "migrations" not in path.relative_to(ROOT).parts
)
# Files are mostly shorter than the first, and none is longer than the second.
FILE_LINES, FILE_LINES_EVER = 300, 400
# So are functions; the text of a statement in SQL does not count.
FUNCTION_LINES, FUNCTION_LINES_EVER = 35, 60
# Names that gather leftovers.
DRAWERS = {"utils", "util", "helpers", "helper", "common", "base", "manager", "misc"}
# A database backend of Django's is a folder with a file of this name.
NAMED_BY_DJANGO = {"security/rows/postgres/base.py"}


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


def functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def length(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Return the lines of the function's body that are code: no docstring, no text over several lines."""
    texts = [node for node in ast.walk(function) if isinstance(node, ast.Constant | ast.JoinedStr)]
    written = {line for text in texts for line in range(text.lineno + 1, (text.end_lineno or 0) + 1)}
    body = range(function.body[0].lineno, (function.end_lineno or 0) + 1)
    return len(set(body) - written)


def test_files_fit_into_the_head() -> None:
    lengths = {name_of(path): len(path.read_text(encoding="utf-8").splitlines()) for path in SOURCES}
    assert {name: lines for name, lines in lengths.items() if lines > FILE_LINES_EVER} == {}
    assert sum(lines > FILE_LINES for lines in lengths.values()) <= len(lengths) * 5 // 100


def test_functions_are_short() -> None:
    lengths = {f"{name_of(path)}:{one.name}": length(one) for path in SOURCES for one in functions(path)}
    assert {name: lines for name, lines in lengths.items() if lines > FUNCTION_LINES_EVER} == {}
    assert sum(lines > FUNCTION_LINES for lines in lengths.values()) <= len(lengths) * 5 // 100


def test_no_module_is_a_drawer_for_leftovers() -> None:
    drawers = {name_of(path) for path in SOURCES if path.stem in DRAWERS or path.parent.name in DRAWERS}
    assert drawers <= NAMED_BY_DJANGO


def test_nothing_swallows_every_error() -> None:
    swallowing = [
        f"{name_of(path)}:{handler.lineno}"
        for path in SOURCES
        for handler in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(handler, ast.ExceptHandler)
        and (handler.type is None or (isinstance(handler.type, ast.Name) and handler.type.id == "Exception"))
        and all(isinstance(statement, ast.Pass | ast.Continue) for statement in handler.body)
    ]
    assert swallowing == []


def test_the_domain_reads_no_clock() -> None:
    clocks = {"now", "utcnow", "today", "time"}
    asked = [
        f"{name_of(path)}:{call.lineno}"
        for path in (ROOT / "delegation" / "policy").rglob("*.py")
        for call in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) and call.func.attr in clocks
    ]
    assert asked == []
