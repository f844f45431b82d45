"""What a bulk write says of itself, and what of it may be passed over."""

from __future__ import annotations

from typing import Any

import pytest
from pymongo.errors import BulkWriteError

from shared.mongo import only_duplicates

TAKEN = {"index": 1, "code": 11000, "errmsg": "taken"}
TOO_LARGE = {"index": 2, "code": 10334, "errmsg": "too large"}
NOT_SYNCED = {"code": 64, "errmsg": "waiting for replication timed out"}


def test_a_key_that_was_taken_is_told_of_by_the_write() -> None:
    error = BulkWriteError({"writeErrors": [TAKEN], "writeConcernErrors": []})
    assert only_duplicates(error) == [TAKEN]


@pytest.mark.parametrize(
    "details",
    [
        {"writeErrors": [TAKEN, TOO_LARGE]},
        {"writeErrors": [], "writeConcernErrors": [NOT_SYNCED]},
        {"writeErrors": [TAKEN], "writeConcernErrors": [NOT_SYNCED]},
    ],
    ids=["another error", "not synced", "taken and not synced"],
)
def test_whatever_else_went_wrong_is_raised(details: dict[str, Any]) -> None:
    error = BulkWriteError(details)
    with pytest.raises(BulkWriteError) as raised:
        only_duplicates(error)
    assert raised.value is error
