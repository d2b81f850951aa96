"""The coordinator: reads what a request calls for, gives it to who has the skill, and joins what comes back."""

from collections.abc import Sequence

from examples.agent import Colleague, Decision, Request, confidence, delegate, handle, parallel
from examples.analysis import analyse
from examples.professions.analyst import findings
from examples.professions.researcher import extract
from examples.professions.synthesis import synthesise
from examples.skills import Need, independent, needs, part_for
from examples.tables import find_tables, without_tables
from examples.wording import listed
from examples.worksheet import Worksheet

SUBTASKS_AT_MOST = 10
SENTENCES_KEPT = 3


def decide(request: Request) -> Decision:
    if request.results:
        return synthesise(request)
    text = Worksheet.read(request.instruction).request
    asked = needs(text, request.colleagues)
    takers = [(need, taker) for need in independent(asked) if (taker := need.taker(request.colleagues)) is not None]
    people = {taker.agent_type for _, taker in takers}
    if len(people) > 1:
        return _split(takers[:SUBTASKS_AT_MOST], text, asked)
    if takers:
        need, taker = takers[0]
        reason = f"'{listed(need.called_by)}' calls for {need.skill}, which is what {taker.name} does."
        trust = confidence(len(takers), len(independent(asked)))
        return delegate(taker, request.instruction, reason=reason, confidence=trust)
    return alone(text, asked)


def alone(text: str, asked: Sequence[Need]) -> Decision:
    """Do the work without anyone: compute what can be computed, and draw out what the text says."""
    analyses = [analyse(table) for table in find_tables(text)]
    key_points = extract(without_tables(text), query=text, limit=SENTENCES_KEPT)
    parts = ["\n".join(f"- {sentence}" for sentence in key_points), findings(analyses)]
    wanted = listed(need.skill for need in asked)
    reason = f"Nobody is there for {wanted}." if asked else "The request calls for nobody else's skill."
    return handle("\n\n".join(filter(None, parts)), reason=reason, confidence=confidence(0, len(asked)))


def _split(takers: Sequence[tuple[Need, Colleague]], text: str, asked: Sequence[Need]) -> Decision:
    """Give each colleague the part that concerns what it can do; two needs of one colleague are one subtask."""
    parts: dict[str, tuple[Colleague, list[str]]] = {}
    for need, taker in takers:
        lines = parts.setdefault(taker.agent_type, (taker, []))[1]
        lines += [line for line in part_for(need, text, asked).splitlines() if not line or line not in lines]
    subtasks = [(taker, "\n".join(lines)) for taker, lines in parts.values()]
    skills = listed(need.skill for need, _ in takers)
    reason = f"The request calls for {skills}, which do not wait for one another."
    return parallel(subtasks, reason=reason, confidence=confidence(len(takers), len(independent(asked))))
