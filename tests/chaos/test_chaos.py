"""Everything goes wrong, at random and all the time, while customers submit: nothing is lost, nothing is done twice."""

import os
import random
import sys
from pathlib import Path

import pytest
from django.conf import settings

from tests.chaos.checks import Afterwards, findings
from tests.chaos.conftest import Machines
from tests.chaos.faults import Faults
from tests.chaos.installation import drained, supervised
from tests.chaos.workload import Workload

DRAIN_SECONDS = 90
# At length (`make chaos`) with both brokers, else with the one that the other tests run on.
AT_LENGTH = "CHAOS_SECONDS" in os.environ
BROKERS = ["redis", "rabbitmq"] if AT_LENGTH else ["rabbitmq" if settings.BROKER_URL.startswith("amqp") else "redis"]
SEED = int(os.environ.get("CHAOS_SEED") or random.SystemRandom().randrange(1_000_000))

pytestmark = [
    pytest.mark.services,
    pytest.mark.slow,
    pytest.mark.skipif(settings.EMBEDDED and not AT_LENGTH, reason="the embedded installation is one process"),
]


@pytest.mark.timeout(0)
@pytest.mark.parametrize("machines", BROKERS, indirect=True)
def test_nothing_is_lost_and_nothing_done_twice(machines: Machines, tmp_path: Path, seconds: float) -> None:
    with machines.installed(tmp_path) as installation:
        workers = [installation.worker(processes=2), installation.worker()]
        workload = Workload(installation, seed=SEED, pause_seconds=0.6)
        faults = Faults(
            installation=installation,
            workers=workers,
            postgres=machines.postgres,
            redis=machines.redis,
            broker=machines.broker,
            chance=random.Random(SEED),
        )
        with supervised(*workers):
            with workload.running():
                faults.happen(seconds=seconds, pause_seconds=1.0)
            over = drained(installation, seconds=DRAIN_SECONDS)
            workload.close()
        after = Afterwards(installation, orders=workload.orders, cutting=faults.cutting)
    told = "\n".join([f"CHAOS_SEED={SEED}", after.summary(), *faults.story, *findings(after)])
    # Seen with -s, and with every failure.
    sys.stdout.write(f"{told}\n")
    assert workload.failures == [], told
    # Who cannot serve just now says so; nothing breaks.
    assert workload.internal_errors == [], told
    assert over, told
    assert findings(after) == [], told
    assert len(after.tasks) > seconds, told
