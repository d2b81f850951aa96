"""A secret shows itself to who asks for it by name, and to nothing else."""

import copy
import dataclasses
import json
import logging
import pickle

import orjson
import pytest

from security.identity import BearerToken, Secret

TEXT = "tok_live_0123456789abcd"


@pytest.mark.parametrize("shown", [repr, str, "{}".format, "{!r}".format, lambda secret: f"{secret}", "%s".__mod__])
def test_every_way_to_write_it_gives_its_mask(shown: object) -> None:
    assert callable(shown)
    assert shown(Secret(TEXT)) == "••••abcd"


def test_a_short_one_shows_nothing_of_itself() -> None:
    assert repr(Secret("fifteen-letters")) == "••••"
    assert repr(Secret("")) == "••••"


def test_it_stays_hidden_in_the_dataclass_that_holds_it_and_in_its_parts() -> None:
    credential = BearerToken(token=Secret(TEXT))

    for shown in (repr(credential), str(dataclasses.asdict(credential)), str(dataclasses.astuple(credential))):
        assert TEXT not in shown
        assert "••••abcd" in shown


def test_it_stays_hidden_in_logs(caplog: pytest.LogCaptureFixture) -> None:
    logging.getLogger("identity").warning("called with %s and %r", Secret(TEXT), BearerToken(token=Secret(TEXT)))

    assert "••••abcd" in caplog.text
    assert TEXT not in caplog.text


def test_it_cannot_be_serialised_by_accident() -> None:
    with pytest.raises(TypeError):
        json.dumps({"token": Secret(TEXT)})
    with pytest.raises(TypeError):
        orjson.dumps({"credential": BearerToken(token=Secret(TEXT))})
    with pytest.raises(TypeError):
        pickle.dumps(Secret(TEXT))


def test_it_can_be_compared_hashed_copied_and_revealed() -> None:
    assert Secret(TEXT) == Secret(TEXT)
    assert Secret(TEXT) != Secret(TEXT + "x")
    assert Secret(TEXT) != TEXT
    assert Secret("\ud800") == Secret("\ud800")
    assert len({Secret(TEXT), Secret(TEXT)}) == 1
    assert copy.deepcopy(Secret(TEXT)).reveal() == TEXT
