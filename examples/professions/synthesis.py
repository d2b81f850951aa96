"""Join what parallel colleagues came to: one set of key figures, contradictions named, nothing said twice."""

from collections.abc import Iterable, Sequence

from examples.agent import ChildResult, Decision, Request, confidence, handle
from examples.analysis import Figure, read_figures
from examples.wording import amount, listed

KEY_MEASURES = ("Total", "Best", "Growth")


def synthesise(request: Request) -> Decision:
    """Merge the children's results; a failed child is told of, and lowers the confidence."""
    done = [child for child in request.results if child.status == "completed"]
    failed = [child for child in request.results if child.status != "completed"]
    agreed, contradictions = compare(done)
    parts = [
        _summary(done, failed, contradictions),
        _block("Key figures", map(str, key_figures(agreed))),
        _block("Contradictions", contradictions),
        *_told_once(done),
        _block("Not done", (f"- {child.agent_type}: {child.error or 'no reason given'}" for child in failed)),
    ]
    held = max(0, len(done) - len(contradictions))
    reason = f"Joined {amount(len(done), 'result')} of {len(request.results)}, {len(contradictions)} contradicting."
    return handle("\n\n".join(filter(None, parts)), reason=reason, confidence=confidence(held, len(request.results)))


def compare(results: Sequence[ChildResult]) -> tuple[list[Figure], list[str]]:
    """Give the figures on which all who name them agree, and a line for each on which they do not."""
    claims: dict[tuple[str, str], list[tuple[str, Figure]]] = {}
    for child in results:
        for figure in read_figures(child.result):
            claims.setdefault(figure.key, []).append((child.agent_type, figure))
    agreed, contradictions = [], []
    for said in claims.values():
        first = said[0][1]
        if all(first.agrees_with(figure) for _, figure in said):
            agreed.append(first)
        else:
            values = listed(f"{figure.quantity} ({who})" for who, figure in said)
            contradictions.append(f"- {first.measure} of {first.column}: {values}")
    return agreed, contradictions


def key_figures(figures: Sequence[Figure]) -> list[Figure]:
    """Keep totals, best rows and the growth of whole columns; the growth of single rows stays in its own part."""
    columns = {figure.column for figure in figures if figure.measure == "Best"} | {"all rows"}
    return [figure for figure in figures if figure.measure in KEY_MEASURES and figure.column in columns]


def _summary(done: Sequence[ChildResult], failed: Sequence[ChildResult], contradictions: Sequence[str]) -> str:
    parts = [f"{amount(len(done), 'part')} done by {listed(child.agent_type for child in done)}"] if done else []
    parts += [f"{amount(len(failed), 'part')} failed"] if failed else []
    parts += [amount(len(contradictions), "contradiction")] if contradictions else []
    return f"# Summary\n{listed(parts)}."


def _told_once(results: Sequence[ChildResult]) -> Iterable[str]:
    """Give each child's text without the lines that an earlier one has said."""
    said: set[str] = set()
    for child in results:
        fresh = [line for line in child.result.splitlines() if not line.strip() or line.strip() not in said]
        said |= {line.strip() for line in fresh}
        yield _block(f"From {child.agent_type}", ["\n".join(fresh).strip()])


def _block(heading: str, lines: Iterable[str]) -> str:
    text = "\n".join(line for line in lines if line)
    return f"### {heading}\n{text}" if text else ""
