"""Values that a customer registers as its own: known again, and not readable."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from security.leakage import Detector, Tenant, ValueRefused, registered_digest

KEY = b"a key of the tests"


@pytest.fixture(scope="module")
def empty(detector: Detector) -> Detector:
    return detector.with_key(KEY)


def knowing(empty: Detector, *values: str) -> Detector:
    digests = frozenset(registered_digest(value, KEY) for value in values)
    return empty.with_tenants(put=[Tenant("zenith", "Zenith Robotics", registered=digests)])


def found(detector: Detector, text: str, customer_id: str = "techcorp") -> list[str]:
    return [text[each.start : each.end] for each in detector.scan(text, customer_id) if each.kind.endswith("_value")]


@pytest.mark.parametrize(
    ("value", "text", "said"),
    [
        ("Project Bluebird", "About **PROJECT  bluebird**.", "PROJECT  bluebird"),
        ("INV-2025-0007", '{"no": "inv-2025-0007"}', "inv-2025-0007"),
        ("Smith, John", "by Smith, John and others", "Smith, John"),
        ("k=v-pairs", "set k=v-pairs now", "k=v-pairs"),
        ("Straße des Südens 17", "in der straße des südens 17!", "straße des südens 17"),
        (
            "one two three four five six seven 8",
            "x one two three four five six seven 8 y",
            "one two three four five six seven 8",
        ),
    ],
)
def test_a_value_is_known_again_as_it_is_said(empty: Detector, value: str, text: str, said: str) -> None:
    assert found(knowing(empty, value), text) == [said]
    assert found(knowing(empty, value), text, "zenith") == []


@pytest.mark.parametrize(
    "text", ["Project Bluebirds", "Projects Bluebird", "Project, Bluebird", "Bluebird Project", ""]
)
def test_what_is_only_like_it_is_left_alone(empty: Detector, text: str) -> None:
    assert found(knowing(empty, "Project Bluebird"), f"about {text} today") == []


@pytest.mark.parametrize("value", ["", "   ", "()", "abc", "x" * 201, "a b c d e f g h i", "\n"])
def test_what_could_not_be_looked_for_is_refused(value: str) -> None:
    with pytest.raises(ValueRefused):
        registered_digest(value, KEY)


def test_a_digest_is_of_no_use_under_another_key(empty: Detector) -> None:
    digest = registered_digest("Project Bluebird", b"another key")
    assert digest != registered_digest("Project Bluebird", KEY)
    other = empty.with_tenants(put=[Tenant("zenith", "Zenith Robotics", registered=frozenset({digest}))])
    assert found(other, "Project Bluebird") == []


def test_a_value_of_two_customers_is_nobodys_leak_between_them(empty: Detector) -> None:
    digests = frozenset({registered_digest("Project Bluebird", KEY)})
    both = empty.with_tenants(put=[Tenant(f"c{n}", f"Company {n} Ltd", registered=digests) for n in range(2)])
    assert found(both, "Project Bluebird", "c0") == []
    assert found(both, "Project Bluebird", "techcorp") == ["Project Bluebird"]
    left = both.with_tenants(removed=["c0"])
    assert found(left, "Project Bluebird", "c0") == ["Project Bluebird"]


@given(st.text(max_size=60))
def test_whatever_can_be_registered_is_found(empty: Detector, value: str) -> None:
    try:
        digest = registered_digest(value, KEY)
    except ValueRefused:
        return
    knows = empty.with_tenants(put=[Tenant("zenith", "Zenith Robotics", registered=frozenset({digest}))])
    assert found(knows, f"so {value} it is")


@given(st.binary(max_size=80))
def test_bytes_that_are_no_text_do_no_harm(empty: Detector, raw: bytes) -> None:
    text = base64.b64encode(b"Project Bluebird " + raw).decode()
    knowing(empty, "Project Bluebird").scan(text, "techcorp")
