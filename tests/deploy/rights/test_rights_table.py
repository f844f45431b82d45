"""The table of rights says what the design's conversation says, and names all that is kept."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from deploy.audit.logs import HEARS
from deploy.installation import SERVICES
from deploy.rights import __main__ as rights
from deploy.rights import table
from shared.kafka import group_name, group_prefix

CODE = Path(__file__).resolve().parents[3]


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_writes_one_topic_and_reads_those_of_whom_it_hears(service: str) -> None:
    rights = table.broker_rights(service)

    assert {right.name for right in rights if right.may == "WRITE"} == {f"{service}.events"}
    read = {right.name for right in rights if right.may == "READ" and right.on == "topic"}
    assert read == {f"{teller}.events" for teller in HEARS[service]}


def test_no_services_groups_are_within_anothers_right() -> None:
    for service in SERVICES:
        group = group_name(service, {"x.events": "c:t"})
        allowed = [other for other in SERVICES if group.startswith(group_prefix(other))]
        assert allowed == [service]


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_has_rights_in_its_own_database_alone(service: str) -> None:
    privileges = table.privileges(service, "gongxiang_")

    assert {one["resource"]["db"] for one in privileges} == {f"gongxiang_{service}"}
    actions = {action for one in privileges for action in one["actions"]}
    assert actions == set(table.MAY_CHANGE)


def test_nobody_updates_or_deletes_a_posting() -> None:
    privileges = table.privileges("ledger", "gongxiang_")

    covering = [one for one in privileges if one["resource"]["collection"] in ("", "journal")]
    may = {action for one in covering for action in one["actions"]}
    assert {"find", "insert"} <= may
    assert not may & {"update", "remove"}


def test_the_ledgers_rights_name_every_collection_that_its_code_does() -> None:
    files = [*(CODE / "services" / "ledger").rglob("*.py"), *(CODE / "shared").rglob("*.py")]
    texts = [path.read_text() for path in files]
    named = {name for text in texts for name in re.findall(r"\bdb\.([a-z_]+)\b(?!\()", text)}
    named -= {"name", "codec_options"}

    assert len(named) > 8
    assert named <= set(table.collections("ledger"))


def test_the_operator_has_what_the_services_have_and_no_more() -> None:
    assert table.users()[table.OPERATOR] == list(SERVICES)


def test_a_missing_password_is_named(tmp_path: Path) -> None:
    (tmp_path / "kafka_password_store").write_text("\n")

    with pytest.raises(rights.NoPassword, match="kafka_password_ledger: No such file"):
        rights.passwords(tmp_path, "kafka", ["ledger"])
    with pytest.raises(rights.NoPassword, match="kafka_password_store: empty"):
        rights.passwords(tmp_path, "kafka", ["store"])
