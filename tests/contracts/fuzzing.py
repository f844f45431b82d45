"""schemathesis over one service: requests made of its OpenAPI document, right and wrong ones.

What is right in form is given what is really there (ids that the district's answers showed), so
that it finds something; what is wrong is left as it was made.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import schemathesis
from schemathesis import engine
from schemathesis.core.parameters import ParameterLocation
from schemathesis.core.result import Err
from schemathesis.engine import events

from shared import ids
from tests.contracts.stocked import Stocked

OTHER_ROLE_SHARE = 0.15
"""So many requests come from somebody whose role may not do."""

KNOWN_SHARE = 0.85
"""So many right requests ask for what is there."""


REJECTED = ["400", "401", "403", "404", "405", "409", "412", "413", "414", "415", "422", "428"]
"""What a wrong request may be answered: here too a body or an address that is too long."""


ACCEPTED = ["2xx", "3xx", "401", "403", "404", "409", "410", "412", "422"]
"""What a right request may be answered. 422 too: a time that has to be to come, a code that nobody
has, a rule that must rise with the one before are judged by rules that no schema can tell."""


CHECKS = {
    "negative_data_rejection": {"expected-statuses": REJECTED},
    "missing_required_header": {"expected-statuses": REJECTED},
    "positive_data_acceptance": {"expected-statuses": ACCEPTED},
    # What was made a moment ago may be there for its own alone (a draft, a merchant that is not
    # approved), and here the next request comes from somebody else.
    "ensure_resource_availability": {"enabled": False},
}


@dataclass
class Found:
    """What a run asked, what it was answered, and each kind of failure once, with its request."""

    requests: int = 0
    statuses: Counter[tuple[str, int]] = field(default_factory=Counter)
    failures: dict[str, str] = field(default_factory=dict)

    def shown(self) -> str:
        """Return the failures as text, one under the other."""
        return "\n\n".join(f"{what}\n{how}" for what, how in sorted(self.failures.items()))


def fuzz(
    there: Stocked, service: str, *, seed: int, examples: int, steps: int, operations: int = 0
) -> Found:
    """Run all phases over a service's document, or over so many of its operations."""
    dice = random.Random(f"{seed} {service}")
    found = Found()
    config = schemathesis.Config.from_dict(
        {
            "seed": seed,
            "continue-on-failure": True,
            "generation": {"max-examples": examples, "no-shrink": True},
            "phases": {"stateful": {"max-steps": steps}},
            "checks": CHECKS,
        }
    )
    schema: schemathesis.BaseSchema = schemathesis.openapi.from_url(
        f"{there.house.urls[service]}/openapi.json", config=config
    )
    if operations:
        labels = sorted(_labels(schema))
        chosen = set(dice.sample(labels, min(operations, len(labels))))
        schema = schema.include(lambda context: context.operation.label in chosen)

    @schema.auth(refresh_interval=None)
    class Signed:
        """Lets each request come from somebody whose role may ask it, or from somebody else."""

        def get(self, case: schemathesis.Case, _: Any) -> str:
            roles = case.operation.definition.raw.get("x-roles") or list(there.people)
            if dice.random() < OTHER_ROLE_SHARE:
                roles = list(there.people)
            return there.people[dice.choice(roles)].access

        def set(self, case: schemathesis.Case, data: str, _: Any) -> None:
            case.headers["Authorization"] = f"Bearer {data}"

    with _meant(there, dice):
        for event in engine.from_schema(schema).execute():
            _note(found, event, there)
    return found


def _labels(schema: schemathesis.BaseSchema) -> Iterator[str]:
    """Yield the label of each operation; raise what is wrong with one."""
    for operation in schema.get_all_operations():
        if isinstance(operation, Err):
            raise operation.err()
        yield operation.ok().label


@contextmanager
def _meant(there: Stocked, dice: random.Random) -> Iterator[None]:
    """Let right requests ask for what is there."""

    def before_call(
        context: schemathesis.HookContext, case: schemathesis.Case, kwargs: dict[str, Any]
    ) -> None:
        def may_be_changed(part: ParameterLocation) -> bool:
            component = case.meta and case.meta.components.get(part)
            return bool(component and component.mode.is_positive) and dice.random() < KNOWN_SHARE

        def known(name: str, value: Any) -> Any:
            if name == "Idempotency-Key":
                return ids.new_id()
            values = there.known.get(name, [])
            return dice.choice(values) if values and value not in values else value

        if case.path_parameters and may_be_changed(ParameterLocation.PATH):
            for name, value in case.path_parameters.items():
                case.path_parameters[name] = known(name, value)
        if may_be_changed(ParameterLocation.HEADER):
            for name in set(case.headers or ()) & {"Idempotency-Key"}:
                case.headers[name] = known(name, None)
        if isinstance(case.body, dict) and may_be_changed(ParameterLocation.BODY):
            for name, value in case.body.items():
                if name == "region" or name.endswith("_id"):
                    case.body[name] = known(name, value)

    schemathesis.hook(before_call)
    try:
        yield
    finally:
        schemathesis.hooks.unregister(before_call)


def _note(found: Found, event: Any, there: Stocked) -> None:
    if isinstance(event, events.NonFatalError):
        found.failures[f"{event.label}: {event.info.title}"] = str(event.value)
    elif isinstance(event, events.FatalError):
        raise event.exception
    elif isinstance(event, events.ScenarioFinished):
        recorder = event.recorder
        for case_id, interaction in recorder.interactions.items():
            found.requests += 1
            response = interaction.response
            if response is None:
                continue
            label = recorder.cases[case_id].value.operation.label
            found.statuses[label, response.status_code] += 1
            if response.status_code < 300 and "json" in str(response.headers.get("content-type")):
                there.learn(response.json())
        for case_id, checks in recorder.checks.items():
            for check in checks:
                if check.failure_info is None:
                    continue
                failure = check.failure_info.failure
                label = recorder.cases[case_id].value.operation.label
                response = recorder.interactions[case_id].response
                status = response.status_code if response else None
                key = f"{label} [{check.name}] {failure.title} ({status})"
                found.failures.setdefault(
                    key, f"{failure.message}\n{check.failure_info.code_sample}"
                )
