"""A stocked house for each file that asks it over HTTP: what one file makes, no other is shown."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from deploy.embedded.servers import MongoServer
from tests.contracts.stocked import Stocked, stocked


@pytest.fixture(scope="module")
def there(mongo: MongoServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stocked]:
    """A district in which all is there, and another beside it."""
    with stocked(mongo, tmp_path_factory.mktemp("stocked")) as there:
        yield there
