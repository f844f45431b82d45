"""Row 11: bursts for few places and few pieces; everybody is answered, and rightly."""

from __future__ import annotations

from collections.abc import Mapping

from tests.faults.system import ADMIN_PHONE
from tests.journeys.town import Town
from tests.performance import bursts
from tests.performance.bursts import Burst
from tests.performance.row import Figure, NotSound, Row, Sample, Size, at_most
from tests.performance.stage import Stage

PLACES = "2,000 people for 50 places in a minute, p99"
PIECES = "300 people for 100 pieces in a second, p99"


def both(stage: Stage, size: Size) -> Mapping[str, Sample]:
    """The two bursts, one after the other; each wins as many as there are, or does not count."""
    system = stage.system()
    town = Town(system.urls, system.clock_offset_file, admin_phone=ADMIN_PHONE)
    for_places = bursts.places(
        system,
        town,
        people=size.of(2000, small=60),
        capacity=size.of(50, small=10),
        seconds=size.of(60, small=1),
        seed=1,
    )
    for_pieces = bursts.pieces(
        system,
        town,
        people=size.of(300, small=30),
        capacity=size.of(100, small=10),
        seconds=1,
        seed=1,
    )
    return {PLACES: _sample(for_places), PIECES: _sample(for_pieces)}


def _sample(found: Burst) -> Sample:
    if not found.fair:
        raise NotSound(str(found))
    return Sample(value=found.p99_s, checked=found.people)


ROWS = (
    Row(
        number=11,
        figures=(
            Figure(PLACES, "s", at_most(2, "ours"), at_most(2, "ours")),
            Figure(PIECES, "s", at_most(2, "ours"), at_most(2, "ours")),
        ),
        ours=both,
        against="–",
        limited_by="one commit after the other for one shift or item, synced to disk each",
    ),
)
