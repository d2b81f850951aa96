"""The attackers' and the victims' companies, and what the schema promises."""

from typing import Any

import pytest
from django.test import Client

from tests.people import Cast
from tests.security.doors.company import Company, both


@pytest.fixture
def companies(people: Cast) -> tuple[Company, Company]:
    return both(people)


@pytest.fixture
def tech(companies: tuple[Company, Company]) -> Company:
    return companies[0]


@pytest.fixture
def acme(companies: tuple[Company, Company]) -> Company:
    return companies[1]


@pytest.fixture(scope="session")
def schema() -> dict[str, Any]:
    body: dict[str, Any] = Client().get("/api/schema/", headers={"Accept": "application/json"}).json()
    return body
