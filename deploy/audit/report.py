"""What an audit says: ten invariants, how many things each looked at, and what it found."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

SAMPLES_MAX = 20

TITLES: dict[str, tuple[str, str]] = {
    "sums-are-zero": ("收支相抵", "every posting and every book sums to zero"),
    "book-folds": ("账册可重算", "balances are the fold of a journal without gap or break"),
    "no-overdraft": ("余额不越界", "no bucket is on the wrong side of zero"),
    "earned-is-served": ("积分来自服务", "what is earned is what the service records earn"),
    "holds-are-orders": ("冻结即订单", "open holds are the open orders, each ends once"),
    "vouchers-used-once": ("凭证只用一次", "used orders are captured, once, per merchant too"),
    "counters-count": ("库存与名额相符", "stock, places and counters equal what they count"),
    "one-outcome": ("一次请求一个结果", "each acknowledged request has one outcome"),
    "told-and-copied": ("已告知、副本一致", "all is told, in order; copies equal a rebuild"),
    "nothing-left": ("无遗留", "no dead letter, alarm or undone thing that was not expected"),
}
"""The ten invariants by name, in the order of the design; what a person reads of each."""


@dataclass
class Invariant:
    """One invariant: how many things were looked at, and the first of those found wrong."""

    name: str
    strict: bool = True
    checked: int = 0
    wrong: int = 0
    findings: list[str] = field(default_factory=list)

    @property
    def holds(self) -> bool:
        """Tell whether nothing is wrong and, where asked strictly, something was looked at."""
        return self.wrong == 0 and (self.checked > 0 or not self.strict)

    def looked(self, things: int = 1) -> None:
        """Count things that were looked at."""
        self.checked += things

    def found(self, finding: str) -> None:
        """Note one thing that is wrong; only the first few are kept in words."""
        self.wrong += 1
        if len(self.findings) < SAMPLES_MAX:
            self.findings.append(finding)

    def expect(self, held: bool, finding: str) -> bool:
        """Look at one thing, note the finding where it does not hold, and return whether it did."""
        self.checked += 1
        if not held:
            self.found(finding)
        return held

    def differences(self, what: str, ours: Iterable[tuple[str, Any, Any]]) -> bool:
        """Look at one thing by several fields ``(name, is, ought)``; True where none differs."""
        wrong = [f"{name} {held!r}, ought {ought!r}" for name, held, ought in ours if held != ought]
        return self.expect(not wrong, f"{what}: {'; '.join(wrong)}")


@dataclass
class Report:
    """The outcome of an audit."""

    invariants: list[Invariant]
    empty: list[str] = field(default_factory=list)
    """Books with nothing but their opening."""
    drained: bool = True
    waited_s: float = 0.0
    seconds: float = 0.0

    @property
    def holds(self) -> bool:
        """Tell whether every invariant holds."""
        return all(invariant.holds for invariant in self.invariants)

    @property
    def broken(self) -> list[str]:
        """Return the names of the invariants that do not hold."""
        return [invariant.name for invariant in self.invariants if not invariant.holds]

    def __getitem__(self, name: str) -> Invariant:
        """Return an invariant by its name."""
        return next(invariant for invariant in self.invariants if invariant.name == name)

    def as_dict(self) -> dict[str, Any]:
        """Return the report as JSON can hold it."""
        return {
            "holds": self.holds,
            "drained": self.drained,
            "empty": self.empty,
            "waited_s": round(self.waited_s, 1),
            "seconds": round(self.seconds, 1),
            "invariants": [
                {
                    "name": invariant.name,
                    "checked": invariant.checked,
                    "holds": invariant.holds,
                    "wrong": invariant.wrong,
                    "findings": invariant.findings,
                }
                for invariant in self.invariants
            ],
        }
