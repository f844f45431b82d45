"""What clients say that they were told, held against what the services keep of it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from deploy.audit.report import Invariant

SUCCESS = range(200, 300)
TOLD_AGAIN = 202
"""A repeated 202 shows the resource as it is by then."""
NEVER_KEPT = (400, 401, 413, 429)
KEY_REUSED = "idempotency-key-reused"
"""Says that the key was for another request: no outcome of this one."""
CHANGING = ("_token", "_at", "_code")
"""How fields end that a repeated answer may show anew: they are made for each, never kept."""


def by_key(
    told: Sequence[Mapping[str, Any]],
) -> dict[str, list[Mapping[str, Any]]]:
    """Return what clients were told, by the key under which they had asked."""
    found: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
    for entry in told:
        body = entry.get("body")
        reused = isinstance(body, dict) and body.get("code") == KEY_REUSED
        if entry.get("key") and entry.get("status") and not reused:
            found[str(entry["key"])].append(entry)
    return found


def check(
    found: Invariant,
    key: str,
    entries: Sequence[Mapping[str, Any]],
    kept: Mapping[str, Mapping[str, Any]],
) -> None:
    """Check what clients were told under one key: kept, and alike however often they asked."""
    final = [entry for entry in entries if _is_final(entry["status"])]
    asked: dict[tuple[str, str], list[Mapping[str, Any]]] = defaultdict(list)
    for entry in final:
        asked[str(entry["service"]), str(entry.get("path"))].append(entry)
    for (service, path), alike in asked.items():
        what = f"{service} {path} under {key}"
        first = alike[0]
        for entry in alike:
            found.looked()
            if entry["status"] != first["status"]:
                found.found(f"{what}: told {first['status']}, then {entry['status']}")
                continue
            for name, before, after in _differences(first, entry):
                found.found(f"{what}: told {name} {before!r}, then {after!r}")
        successes = [entry for entry in alike if entry["status"] in SUCCESS]
        answer = kept.get(f"{service} {key}")
        if not successes:
            if answer is not None and answer["status"] in SUCCESS:
                found.found(f"{what}: refused with {first['status']} and done all the same")
        elif answer is None or answer["status"] not in SUCCESS:
            found.found(f"{what}: told {successes[0]['status']}, and nothing of it is kept")
        else:
            for name, before, after in _ids_differ(answer.get("value"), successes[0].get("body")):
                found.found(f"{what}: {name} is {before!r}, the client was told {after!r}")


def _is_final(status: Any) -> bool:
    return isinstance(status, int) and status < 500 and status not in NEVER_KEPT


def _differences(
    first: Mapping[str, Any], again: Mapping[str, Any]
) -> Iterator[tuple[str, Any, Any]]:
    one, two = first.get("body"), again.get("body")
    if not isinstance(one, dict) or not isinstance(two, dict):
        return
    if first["status"] == TOLD_AGAIN:
        yield from _ids_differ(one, two)
        return
    for name in one.keys() | two.keys():
        if one.get(name) != two.get(name) and not name.endswith(CHANGING):
            yield name, one.get(name), two.get(name)


def _ids_differ(one: Any, two: Any) -> Iterator[tuple[str, Any, Any]]:
    if isinstance(one, dict) and isinstance(two, dict):
        for name in one.keys() & two.keys():
            if name.endswith("_id") and one[name] != two[name]:
                yield name, one[name], two[name]
