"""Every process and both servers die while people are at it; nothing acknowledged is missing."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.faults.campaign import Campaign
from tests.faults.report import Stretch, report_of
from tests.faults.under_load import seed_of_this_run

pytestmark = [pytest.mark.servers, pytest.mark.timeout(420)]

KILLS = 30
# Bounds for any machine, also one with other work to do; the figures are docs/reliability.md's.
GOES_ON_WITHIN_S = 90.0


def test_processes_killed_at_random_moments_lose_and_double_nothing(tmp_path: Path) -> None:
    seed = seed_of_this_run()
    campaign = Campaign(tmp_path, seed=seed, kills=KILLS)
    shown: list[int] = []

    assert campaign.run(lambda stretch: shown.append(stretch.kills)), [
        stretch.findings for stretch in campaign.stretches
    ]

    report = report_of(campaign.stretches, kills_wanted=KILLS)
    print(report)
    assert report["kills"] == len(shown) == KILLS
    assert (report["lost"], report["doubled"], report["alarms"]) == (0, 0, 0)
    assert report["acknowledged"] > KILLS
    assert report["recovery_s"]["max"] <= GOES_ON_WITHIN_S


def test_an_interrupted_run_goes_on_where_its_last_audit_was(tmp_path: Path) -> None:
    campaign = Campaign(tmp_path, seed="7", kills=100)
    campaign.stretches.append(Stretch(0, "7:0", kills=50, acknowledged=9))
    campaign.keep()

    again = Campaign(tmp_path, seed="7", kills=100)

    assert again.killed == 50
    assert again.stretches == campaign.stretches
