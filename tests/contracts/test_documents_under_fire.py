"""schemathesis over the four documents, as every role: no 5xx, nothing that is not described.

CI takes some operations of each service by the seed (printed; ``GONGXIANG_SEED`` replays);
``GONGXIANG_FUZZ_EXAMPLES`` takes all of them, with so many examples each (`make fuzz`).
"""

from __future__ import annotations

import os
import random

import pytest

from tests.contracts.fuzzing import fuzz
from tests.contracts.stocked import Stocked
from tests.journeys.house import SERVICES

pytestmark = [pytest.mark.servers, pytest.mark.timeout(1800)]

SEED = int(os.environ.get("GONGXIANG_SEED") or random.randrange(10**9))
EXAMPLES = int(os.environ.get("GONGXIANG_FUZZ_EXAMPLES") or 0)
OPERATIONS_IN_CI = 4


@pytest.mark.slow
@pytest.mark.parametrize("service", SERVICES)
def test_no_request_is_answered_otherwise_than_its_document_says(
    there: Stocked, service: str
) -> None:
    print(f"GONGXIANG_SEED={SEED} GONGXIANG_FUZZ_EXAMPLES={EXAMPLES}")
    found = fuzz(
        there,
        service,
        seed=SEED,
        examples=EXAMPLES or 4,
        steps=6 if EXAMPLES else 3,
        operations=0 if EXAMPLES else OPERATIONS_IN_CI,
    )

    print(f"{service}: {found.requests} requests")
    assert not found.failures, found.shown()
    assert found.requests > 40
    assert any(status < 400 for _, status in found.statuses)
    assert any(status >= 400 for _, status in found.statuses)
