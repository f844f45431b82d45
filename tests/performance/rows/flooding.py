"""Row 11, the other half: slow and greedy clients, and how long a calm one waits beside them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from deploy.embedded.system import System
from shared import clock, ids
from tests.faults.system import ADMIN_PHONE
from tests.journeys.house import bootstrap
from tests.journeys.town import DISTRICT
from tests.performance import floods, strangers
from tests.performance.burst import percentile
from tests.performance.row import Figure, Row, Sample, Size, at_most
from tests.performance.stage import Stage

BESIDE = "a calm person's p99 beside the worst flood ÷ alone"
SETTLES_S = 3
"""Until the greedy have used up what a person may ask in a minute."""
PEOPLE = 20
PATH = f"/v1/books/{DISTRICT}"


def beside(stage: Stage, size: Size) -> Mapping[str, Sample]:
    """Look at a book beside each kind of flood, and alone just before it."""
    times = size.of(150, small=20)
    kinds = floods.KINDS[: size.of(len(floods.KINDS), small=2)]
    system = stage.system() if size.small else _limited(stage)
    address = system.urls["ledger"].removeprefix("http://")
    greedy, *calm = strangers.tokens(
        system.environment("volunteers"), [ids.new_id() for _ in range(PEOPLE)]
    ).values()
    floods.calm(address, PATH, tokens=calm, times=size.of(50, small=5))
    ratios = []
    for kind in kinds:
        alone = _p99(address, calm, times)
        with floods.flood(kind, address, token=greedy, path=PATH):
            clock.sleep(size.of(SETTLES_S, small=1))
            ratios.append(_p99(address, calm, times) / alone)
    return {BESIDE: Sample(value=max(ratios), checked=2 * times * len(kinds))}


def _p99(address: str, calm: Sequence[str], times: int) -> float:
    return percentile(floods.calm(address, PATH, tokens=calm, times=times), 0.99)


def _limited(stage: Stage) -> System:
    """Return a system with the rate limits that it has in production."""
    system = System(
        stage.directory / "limited",
        # The calm ones share an address, and ask more often than the people of one address do.
        settings={"GONGXIANG_REQUESTS_A_MINUTE_ADDRESS": "60000"},
    )
    stage.callback(system.stop)
    system.start_servers()
    bootstrap(system.operator_environment(), district=DISTRICT, admin_phone=ADMIN_PHONE)
    for name in ("volunteers-web", "ledger-web"):
        system.start(name)
        while not system.ready(name):
            clock.sleep(0.2)
    return system


ROWS = (
    Row(
        number=11,
        figures=(Figure(BESIDE, "×", at_most(2, "ours"), at_most(1.2, "ours")),),
        ours=beside,
        against="–",
    ),
)
