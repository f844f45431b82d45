import pytest
pytestmark = pytest.mark.servers
def test_x(mongo, kafka):
    assert mongo.pid and kafka.pid
