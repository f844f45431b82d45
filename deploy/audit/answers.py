"""Invariant 8: every acknowledged request has one outcome, and the same answer when repeated.

Three looks: at the answers that the services keep (each has its effect, once), at the effects
(each that a request makes has its answer), and at what clients say that they were told.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from deploy.audit import clients
from deploy.audit.clients import SUCCESS
from deploy.audit.report import Invariant
from deploy.audit.sources import Document, Sources, all_rows_kept

KEPT_BY = ("volunteers", "activities", "store")


@dataclass(frozen=True)
class Effect:
    """What a kind of answer says that it did, and where that must be found."""

    name: str
    service: str
    collection: str
    said: Callable[[Mapping[str, Any]], str | None]
    """The key of the effect that an answer claims; None for an answer of another kind."""
    done: Callable[[Document], Sequence[str]]
    """The keys of the effects that a document shows."""
    fields: tuple[str, ...]
    """All that is read of a document."""
    by: str | None = None
    """The document's field that names whose key the answer must have been kept under."""


def _state(name: str, state: str, **more: Any) -> Callable[[Mapping[str, Any]], str | None]:
    wanted = {"state": state, **more}

    def said(value: Mapping[str, Any]) -> str | None:
        if name not in value or any(value.get(key, "") != ought for key, ought in wanted.items()):
            return None
        return str(value[name])

    return said


def _used(value: Mapping[str, Any]) -> str | None:
    # Who owns the order sees its month; what the merchant is answered has none.
    used = "order_id" in value and value.get("state") == "USED" and "month" not in value
    return str(value["order_id"]) if used else None


def _version(value: Mapping[str, Any]) -> str | None:
    found = "record_id" in value and "version" in value and "history" in value
    return f"{value['record_id']}:{value['version']}" if found else None


EFFECTS = (
    Effect(
        "order placed",
        "store",
        "orders",
        said=_state("order_id", "PLACED"),
        done=lambda order: [str(order["_id"])],
        fields=("volunteer_id",),
        by="volunteer_id",
    ),
    Effect(
        "voucher used",
        "store",
        "orders",
        said=_used,
        done=lambda order: [str(order["_id"])] if order["used_at"] is not None else [],
        fields=("used_at", "used_by"),
        by="used_by",
    ),
    Effect(
        "sign-up",
        "activities",
        "sign_ups",
        said=_state("sign_up_id", "standing", attendance=None),
        done=lambda sign_up: [str(sign_up["_id"])],
        fields=("volunteer_id",),
        by="volunteer_id",
    ),
    Effect(
        "withdrawal",
        "activities",
        "sign_ups",
        said=_state("sign_up_id", "withdrawn"),
        done=lambda sign_up: [str(sign_up["_id"])] if sign_up["state"] == "withdrawn" else [],
        fields=("state", "volunteer_id"),
        by="volunteer_id",
    ),
    Effect(
        "service confirmed or corrected",
        "activities",
        "records",
        said=_version,
        done=lambda record: [
            f"{record['_id']}:{version}" for version in range(1, record["version"] + 1)
        ],
        fields=("version",),
    ),
)
THINGS = {
    "volunteers": (("grant_id", "grants"), ("volunteer_id", "people")),
    "activities": (
        ("record_id", "records"),
        ("sign_up_id", "sign_ups"),
        ("shift_id", "shifts"),
        ("activity_id", "activities"),
        ("import_id", "imports"),
    ),
    "store": (("order_id", "orders"), ("item_id", "items"), ("merchant_id", "merchants")),
}
"""What an answer speaks of: the first of these that it names must be there."""


def check(sources: Sources, found: Invariant, told: Sequence[Mapping[str, Any]] = ()) -> None:
    """Hold answers against effects and, where given, what clients were told against answers."""
    by_key = clients.by_key(told)
    kept: dict[str, Mapping[str, Any]] = {}
    for service in KEPT_BY:
        claims = _Claims(service, found)
        for answer in sources.scan(service, "answers", ("status", "value", "refused")):
            scope, _, key = str(answer["_id"]).rpartition(" ")
            if key in by_key:
                kept[f"{service} {key}"] = answer
            value = answer.get("value")
            if answer["status"] in SUCCESS and isinstance(value, dict):
                claims.note(value, scope)
        claims.check(sources)
    _check_records(sources, found)
    for key, entries in by_key.items():
        clients.check(found, key, entries, kept)


class _Claims:
    """What the kept answers of one service say that was done."""

    def __init__(self, service: str, found: Invariant) -> None:
        self._service, self._found = service, found
        self._effects = [effect for effect in EFFECTS if effect.service == service]
        self._claimed: dict[str, dict[str, list[str]]] = {
            effect.name: defaultdict(list) for effect in self._effects
        }
        self._things: dict[str, set[str]] = defaultdict(set)

    def note(self, value: Mapping[str, Any], scope: str) -> None:
        """Take note of an answer, kept under somebody's key."""
        self._found.looked()
        for effect in self._effects:
            if (key := effect.said(value)) is not None:
                self._claimed[effect.name][key].append(scope)
        for name, collection in THINGS[self._service]:
            if isinstance(value.get(name), str):
                self._things[collection].add(value[name])
                return

    def check(self, sources: Sources) -> None:
        """Hold each collection against the answers, reading it once."""
        whole = all_rows_kept(sources, self._service)
        for collection in self._things.keys() | {effect.collection for effect in self._effects}:
            effects = [effect for effect in self._effects if effect.collection == collection]
            wanted = self._things[collection]
            fields = {"_id", *(field for effect in effects for field in effect.fields)}
            for document in sources.scan(self._service, collection, sorted(fields)):
                wanted.discard(str(document["_id"]))
                for effect in effects:
                    self._check_effect(effect, document, whole)
            for thing in wanted:
                self._found.expect(
                    False, f"{self._service}: an answer speaks of {thing}, no {collection} has it"
                )
        for name, claimed in self._claimed.items():
            for key, scopes in claimed.items():
                self._found.expect(False, f"{name} {key}: {len(scopes)} answers say so, not there")

    def _check_effect(self, effect: Effect, document: Document, whole: bool) -> None:
        for key in effect.done(document):
            scopes = self._claimed[effect.name].pop(key, [])
            # Answers are kept for 30 days; an older effect may have none left.
            expected = len(scopes) == 1 or (not scopes and not whole)
            self._found.expect(expected, f"{effect.name} {key}: {len(scopes)} answers say so")
            if effect.by and scopes and scopes != [document[effect.by]]:
                self._found.found(f"{effect.name} {key}: answered under another person's key")


def _check_records(sources: Sources, found: Invariant) -> None:
    confirmed: set[str] = set()
    for record in sources.scan("activities", "records", ("sign_up_id",)):
        if record["sign_up_id"] in confirmed:
            found.found(f"sign-up {record['sign_up_id']}: confirmed twice")
        confirmed.add(record["sign_up_id"])
