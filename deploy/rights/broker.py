"""Kafka: a user per service (SCRAM), and access lists that say exactly what the table says."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager

from kafka import KafkaAdminClient
from kafka.admin import (
    ACL,
    ACLFilter,
    ACLOperation,
    ACLPermissionType,
    ACLResourcePatternType,
    ResourcePattern,
    ResourcePatternFilter,
    ResourceType,
    UserScramCredentialUpsertion,
)
from kafka.errors import KafkaError

from deploy.rights import table
from shared.kafka import BrokerTrouble, client_options
from shared.settings import Settings

ALL = ACLFilter(
    principal=None,
    host=None,
    operation=ACLOperation.ANY,
    permission_type=ACLPermissionType.ANY,
    resource_pattern=ResourcePatternFilter(ResourceType.ANY, None, ACLResourcePatternType.ANY),
)


def wanted(services: Iterable[str]) -> set[ACL]:
    """Return the access lists of these services as the table has them."""
    return {
        ACL(
            principal=_principal(service),
            host="*",
            operation=ACLOperation[right.may],
            permission_type=ACLPermissionType.ALLOW,
            resource_pattern=ResourcePattern(
                ResourceType[right.on.upper()],
                right.name,
                ACLResourcePatternType.PREFIXED if right.prefix else ACLResourcePatternType.LITERAL,
            ),
        )
        for service in services
        for right in table.broker_rights(service)
    }


def apply(settings: Settings, passwords: Mapping[str, str]) -> list[str]:
    """Give each service its password and exactly its rights; return a line per right changed.

    ``settings`` are the operator's. A right that somebody gave a service besides is taken away;
    other principals' are let be and named. Raises :class:`BrokerTrouble`.
    """
    with _operator(settings) as admin:
        _set_passwords(admin, settings.kafka_sasl_mechanism, passwords)
        found, _ = admin.describe_acls(ALL)
        ours = {_principal(service) for service in passwords}
        should, there = wanted(passwords), {acl for acl in found if acl.principal in ours}
        missing, surplus = should - there, there - should
        if missing:
            failed = admin.create_acls(list(missing))["failed"]
            if failed:
                raise BrokerTrouble(f"rights not given: {failed[0].__name__}")
        for filter_, _, error in admin.delete_acls([_only(acl) for acl in surplus]):
            if error.errno:
                raise BrokerTrouble(f"{filter_} not taken away: {error.__name__}")
    others = [acl for acl in found if acl.principal not in ours]
    return [
        *sorted(f"+ {_shown(acl)}" for acl in missing),
        *sorted(f"- {_shown(acl)}" for acl in surplus),
        *sorted(f"? {_shown(acl)} is no right of ours" for acl in others),
    ]


def _set_passwords(admin: KafkaAdminClient, mechanism: str, passwords: Mapping[str, str]) -> None:
    if mechanism == "PLAIN":
        return  # the broker's own configuration names such users
    upserts = [
        UserScramCredentialUpsertion(service, mechanism, password)
        for service, password in passwords.items()
    ]
    answers = admin.alter_user_scram_credentials(upserts)
    refused = [f"{user}: {error}" for user, error in answers.items() if error]
    if refused:
        raise BrokerTrouble(f"users not made: {'; '.join(refused)}")


@contextmanager
def _operator(settings: Settings) -> Iterator[KafkaAdminClient]:
    try:
        admin = KafkaAdminClient(**client_options(settings), request_timeout_ms=5_000)
        try:
            yield admin
        finally:
            admin.close()
    except KafkaError as error:
        raise BrokerTrouble(f"{type(error).__name__}: {error}") from error


def _only(acl: ACL) -> ACLFilter:
    return ACLFilter(
        acl.principal, acl.host, acl.operation, acl.permission_type, acl.resource_pattern
    )


def _principal(service: str) -> str:
    return f"User:{service}"


def _shown(acl: ACL) -> str:
    pattern = acl.resource_pattern
    star = "*" if pattern.pattern_type == ACLResourcePatternType.PREFIXED else ""
    return (
        f"{acl.principal} {acl.permission_type.name} {acl.operation.name} "
        f"{pattern.resource_type.name} {pattern.resource_name}{star}"
    )
