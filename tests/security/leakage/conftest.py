"""One compiled detector for all tests of the package."""

from __future__ import annotations

from pathlib import Path

import pytest

from security.leakage import Detector, Tenant

ACME = Tenant(
    customer_id="acmecorp",
    name="AcmeCorp",
    aliases=("Acme Corp",),
    domains=("acme-corp.com",),
    identifiers=("cust_acme_01",),
    canaries=("cnry-7f3a9b2c4d",),
)
TECH = Tenant(customer_id="techcorp", name="TechCorp", domains=("techcorp.io",))


@pytest.fixture(scope="session")
def cache_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder for the compiled rules of this run."""
    return tmp_path_factory.mktemp("leakage-cache")


@pytest.fixture(scope="session")
def detector(cache_dir: Path) -> Detector:
    """Return a detector that knows two customers."""
    return Detector(tenants=[ACME, TECH], cache_dir=cache_dir)


@pytest.fixture(scope="session")
def re2_detector(cache_dir: Path) -> Detector:
    """Return the same detector on the engine for machines without Hyperscan."""
    return Detector(tenants=[ACME, TECH], cache_dir=cache_dir, engine="re2")
