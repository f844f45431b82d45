"""MongoDB: the replica set itself where it is new, a role and a user per service."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pymongo import MongoClient
from pymongo.errors import ConnectionFailure, OperationFailure
from pymongo.uri_parser import parse_uri

from deploy.installation import SERVICES
from deploy.rights import table
from shared import clock
from shared.mongo import user_of
from shared.settings import Settings

ALREADY_INITIALIZED = 23
USER_EXISTS, ROLE_EXISTS = 51003, 51002
PRIMARY_WITHIN_S = 60.0
_OF_A_SET = {"replicaset", "directconnection"}

Document = dict[str, Any]


def begin_replica_set(settings: Settings) -> bool:
    """Make the replica set that the URI names, of the members that it names; False if it is there.

    A server on its own takes no transactions. Raises pymongo's errors.
    """
    parsed = parse_uri(settings.mongo_uri)
    name = parsed["options"].get("replicaset")
    members = [f"{host}:{port}" for host, port in parsed["nodelist"]]
    if name is None:
        return False
    client: MongoClient[Document]
    with MongoClient(
        _to_the_first(settings.mongo_uri),
        **user_of(settings),
        directConnection=True,
        serverSelectionTimeoutMS=5_000,
    ) as client:
        if "setName" in client.admin.command("hello"):
            return False
        rows = [{"_id": number, "host": host} for number, host in enumerate(members)]
        try:
            client.admin.command("replSetInitiate", {"_id": name, "members": rows})
        except OperationFailure as error:
            if error.code != ALREADY_INITIALIZED:
                raise
    return True


def _to_the_first(uri: str) -> str:
    """Return the URI of the first member alone, with all options but those of a replica set."""
    scheme, _, rest = uri.partition("://")
    hosts, slash, options = rest.partition("/")
    user, at, names = hosts.rpartition("@")
    path, mark, query = options.partition("?")
    kept = [one for one in query.split("&") if one.partition("=")[0].lower() not in _OF_A_SET]
    first = names.partition(",")[0]
    return f"{scheme}://{user}{at}{first}{slash}{path}{mark}{'&'.join(kept)}"


def apply(settings: Settings, passwords: Mapping[str, str]) -> list[str]:
    """Make roles and users as the table has them, or set them right; return a line for each made.

    ``settings`` are those of a user who may; ``passwords`` by user.
    """
    client: MongoClient[Document]
    with MongoClient(
        settings.mongo_uri, **user_of(settings), serverSelectionTimeoutMS=5_000
    ) as client:
        _wait_for_primary(client)
        made = []
        for service in SERVICES:
            body = {
                "privileges": table.privileges(service, settings.database_prefix),
                "roles": [],
            }
            name = table.role_name(service, settings.database_prefix)
            if _make(client, "Role", name, body):
                made.append(f"+ role {name}")
        for user, services in table.users().items():
            roles = [
                {"role": table.role_name(service, settings.database_prefix), "db": "admin"}
                for service in services
            ]
            if _make(client, "User", user, {"pwd": passwords[user], "roles": roles}):
                made.append(f"+ user {user}")
    return made


def _make(client: MongoClient[Document], kind: str, name: str, body: Document) -> bool:
    """Create it, or where it exists set it right; tell whether it is new."""
    try:
        client.admin.command(f"create{kind}", name, **body)
    except OperationFailure as error:
        if error.code not in (USER_EXISTS, ROLE_EXISTS):
            raise
        client.admin.command(f"update{kind}", name, **body)
        return False
    return True


def _wait_for_primary(client: MongoClient[Document]) -> None:
    deadline = clock.monotonic() + PRIMARY_WITHIN_S
    while not client.admin.command("hello").get("isWritablePrimary"):
        if clock.monotonic() > deadline:
            raise ConnectionFailure(f"no writable primary within {PRIMARY_WITHIN_S:.0f} s")
        clock.sleep(0.2)
