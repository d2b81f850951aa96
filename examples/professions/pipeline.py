"""The way of a text: strategy, draft, search, editing, publishing; each hands on to whoever comes next and is there."""

from collections.abc import Sequence

from examples.agent import Decision, Request, choose, confidence, delegate, handle
from examples.skills import wants
from examples.wording import listed
from examples.worksheet import Worksheet

# In this order; the second value says whether the step is taken only where the request asks for it.
STEPS = (("copywriting", False), ("seo", True), ("editing", False), ("publishing", True))


def hand_on(
    request: Request, sheet: Worksheet, *, after: str, done: str, held: int, trials: int, result: str
) -> Decision:
    """Give the worksheet to the next step after the skill `after` for which there is a colleague, or answer `result`.

    `done` says what was done here; `held` of `trials` checks say how well.
    """
    trust = confidence(held, trials)
    skipped = []
    for skill in _steps_after(after, sheet.request):
        colleague = choose(request.colleagues, skill)
        if colleague is not None:
            reason = f"{done}; {skill} comes next, which is what {colleague.name} does."
            return delegate(colleague, str(sheet), reason=reason, confidence=trust)
        skipped.append(skill)
    missing = f"; nobody is there for {listed(skipped)}" if skipped else ""
    return handle(result, reason=f"{done}{missing}.", confidence=trust)


def _steps_after(skill: str, wanted: str) -> Sequence[str]:
    names = [name for name, _ in STEPS]
    later = STEPS[names.index(skill) + 1 :] if skill in names else STEPS
    return [name for name, on_request in later if not on_request or wants(wanted, name)]
