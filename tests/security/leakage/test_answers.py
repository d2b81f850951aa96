"""What becomes of an answer: policy, redaction, preview, streams."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from security.leakage import Action, DetectionType, Detector, Finding, Policy, Severity, StreamScanner, preview, redact
from security.leakage.redaction import redact_json
from tests.security.leakage.samples import fill

TOKEN = fill("ghp_<A-Za-z0-9:36>")


def finding(kind: DetectionType, severity: Severity, start: int = 0, end: int = 1) -> Finding:
    return Finding(kind, "some_kind", severity, 0.9, start, end)


@pytest.mark.parametrize(
    ("kind", "severity", "action"),
    [
        (DetectionType.CREDENTIAL, Severity.CRITICAL, Action.BLOCKED),
        (DetectionType.CREDENTIAL, Severity.HIGH, Action.BLOCKED),
        (DetectionType.CREDENTIAL, Severity.WARNING, Action.FLAGGED),
        (DetectionType.CREDENTIAL, Severity.INFO, Action.ALLOWED),
        (DetectionType.TENANT, Severity.CRITICAL, Action.BLOCKED),
        (DetectionType.TENANT, Severity.HIGH, Action.BLOCKED),
        (DetectionType.PERSONAL, Severity.HIGH, Action.REDACTED),
        (DetectionType.PERSONAL, Severity.WARNING, Action.FLAGGED),
        (DetectionType.PERSONAL, Severity.INFO, Action.ALLOWED),
    ],
)
def test_the_default_policy(kind: DetectionType, severity: Severity, action: Action) -> None:
    assert Policy().action(finding(kind, severity)) is action


def test_a_customer_chooses_by_severity_and_by_kind() -> None:
    personal = finding(DetectionType.PERSONAL, Severity.WARNING)
    by_severity = Policy(actions={(DetectionType.PERSONAL, Severity.WARNING): Action.REDACTED})
    by_kind = Policy(actions=by_severity.actions, kinds={"some_kind": Action.BLOCKED})
    assert by_severity.action(personal) is Action.REDACTED
    assert by_kind.verdict([personal, finding(DetectionType.CREDENTIAL, Severity.WARNING)]) is Action.BLOCKED
    assert Policy().verdict([]) is Action.ALLOWED


def test_redaction_replaces_each_occurrence_and_nothing_else(detector: Detector) -> None:
    text = f"one {TOKEN}, two {TOKEN}; mail maria.rossi@bluewave.it."
    redacted = redact(text, detector.scan(text))
    assert redacted == "one [REDACTED:github_pat], two [REDACTED:github_pat]; mail [REDACTED:email]."


@given(
    st.recursive(
        st.text()
        | st.integers()
        | st.sampled_from([TOKEN, "maria.rossi@bluewave.it", 5425233430109911, 'p"w\\: Xk9mQ2zz81']),
        lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(["password", "token", "card", "note"]), inner),
        max_leaves=12,
    )
)
def test_redaction_keeps_json_valid(detector: Detector, value: object) -> None:
    text = json.dumps(value)
    json.loads(redact(text, detector.scan(text)))


def test_a_preview_is_short_and_holds_no_secret(detector: Detector) -> None:
    text = "x" * 900 + f" token {TOKEN} again {TOKEN} mail maria.rossi@bluewave.it " + "y" * 900
    findings = detector.scan(text)
    for each in findings:
        shown = preview(text, each, findings)
        assert len(shown) <= 500
        assert f"[REDACTED:{each.kind}]" in shown
        assert TOKEN not in shown
        assert not any(TOKEN[index : index + 6] in shown for index in range(4, 34))
        assert "maria" not in shown


@pytest.mark.parametrize("size", [1, 7, 100, 5000])
def test_a_stream_lets_no_part_of_a_leak_go_before_it_is_known(detector: Detector, size: int) -> None:
    text = ("lorem ipsum dolor " * 90 + f"key {TOKEN} ") * 3 + "sit amet " * 300
    stream = StreamScanner(detector, held_back=200)
    released = [stream.feed(text[index : index + size]) for index in range(0, len(text), size)] + [stream.finish()]
    assert "".join(part.text for part in released) == text
    found = [each for part in released for each in part.findings]
    assert [text[each.start : each.end] for each in found] == [TOKEN] * 3
    for part in released:
        for each in part.findings:
            assert part.start <= each.start
            assert each.end <= part.start + len(part.text)


def test_a_preview_masks_what_the_surroundings_repeat_of_a_value() -> None:
    secret = "Xk9mQ2zz81Lp"
    text = f"use {secret}; it begins with {secret[:7]}, ends in {secret[5:].upper()}, and its pin is 4711"
    found = Finding(DetectionType.CREDENTIAL, "password", Severity.HIGH, 0.9, 4, 16)
    shown = preview(text, found, [Finding(DetectionType.PERSONAL, "pin", Severity.HIGH, 0.9, len(text) - 4, len(text))])
    assert not any(secret[place : place + 6].lower() in shown.lower() for place in range(len(secret) - 5))
    assert "4711" not in shown
    assert "it begins with *******" in shown


@given(
    st.recursive(st.text() | st.integers(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)),
    st.data(),
)
def test_redacting_json_anywhere_leaves_json_and_every_entry(value: object, data: st.DataObject) -> None:
    text = json.dumps(value, ensure_ascii=data.draw(st.booleans()))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=8)))
    findings = [
        Finding(DetectionType.PERSONAL, "email", Severity.HIGH, 0.9, start, end)
        for start, end in zip(cuts[::2], cuts[1::2], strict=False)
        if start < end
    ]
    assert entries(redact_json(text, findings)) == entries(value)


def entries(value: object) -> int:
    """Return how many values there are, those within others too."""
    if isinstance(value, dict):
        return 1 + sum(map(entries, value.values()))
    return 1 + sum(map(entries, value)) if isinstance(value, list) else 1
