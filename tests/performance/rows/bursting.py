"""Row 11: bursts for few places and few pieces; everybody is answered, and rightly.

A burst asks for all at once, so its last wait for as long as the servers need. What they carry is
found by it, and then asked of them over a while for something new: that is how long one waits
where no more is asked than can be answered.
"""

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
PLACES_CARRIED = "few places, at the rate that the servers carry, p99"
PIECES_CARRIED = "few pieces, at the rate that the servers carry, p99"
LOAD = 0.7
"""Of what the burst before was answered in a second: people come by chance, not one by one."""
ASKS = 2
"""How often a person asks on the average: half of them once, half of them three times."""
FEWEST = 20


def both(stage: Stage, size: Size) -> Mapping[str, Sample]:
    """The bursts, each followed by what they showed to be carried; all that is there is won."""
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
    seconds = size.of(45, small=2)
    places = bursts.places(system, town, **carried(for_places, seconds=seconds))
    pieces = bursts.pieces(system, town, **carried(for_pieces, seconds=seconds))
    return {
        PLACES: _sample(for_places),
        PIECES: _sample(for_pieces),
        PLACES_CARRIED: _sample(places),
        PIECES_CARRIED: _sample(pieces),
    }


def carried(found: Burst, *, seconds: int) -> dict[str, int]:
    """Return a play of the same kind at the rate of a burst: as few for each of as many."""
    people = max(FEWEST, round(LOAD * found.rate * seconds / ASKS))
    capacity = max(1, people * found.capacity // found.people)
    return {"people": people, "capacity": capacity, "seconds": seconds, "seed": 2}


def _sample(found: Burst) -> Sample:
    if not found.fair:
        raise NotSound(str(found))
    return Sample(value=found.p99_s, checked=found.people, shares=found.shares)


ROWS = (
    Row(
        number=11,
        figures=tuple(
            Figure(name, "s", at_most(2, "ours"), at_most(2, "ours"))
            for name in (PLACES, PIECES, PLACES_CARRIED, PIECES_CARRIED)
        ),
        ours=both,
        against="–",
        limited_by="one commit after the other for each place or piece that is won, synced to disk",
    ),
)
