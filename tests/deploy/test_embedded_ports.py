"""Every program of a system has a port of its own, ever the same."""

from __future__ import annotations

from deploy.embedded import local_server


def test_no_two_names_of_a_system_get_the_same_port(tmp_path, monkeypatch):
    # Few ports, so that two names chosen by chance alone would meet.
    monkeypatch.setattr(local_server, "PORTS", range(20_000, 20_400))

    ports = [local_server.kept_port(tmp_path, f"program-{number}") for number in range(100)]

    assert len(set(ports)) == len(ports)
    assert ports == [local_server.kept_port(tmp_path, f"program-{number}") for number in range(100)]
