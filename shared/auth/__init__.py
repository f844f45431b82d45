"""Bearer token → principal: who asks, and in which roles and regions they may act.

Tokens are signed with EdDSA by the volunteers service and verified by everyone else from its
published key set. A key id is only ever looked up in the cached set; nothing in a token says where
a key comes from. Expiry goes by real time.
"""

from shared.auth.keys import FetchedKeys, KeysNotThere, KeySource, KnownKeys
from shared.auth.principals import Grant, Principal, Role
from shared.auth.tokens import (
    AUDIENCE,
    ISSUER,
    TYPE,
    NotSignedIn,
    TokenNotValid,
    Verifier,
    issue,
)

__all__ = [
    "AUDIENCE",
    "ISSUER",
    "TYPE",
    "FetchedKeys",
    "Grant",
    "KeySource",
    "KeysNotThere",
    "KnownKeys",
    "NotSignedIn",
    "Principal",
    "Role",
    "TokenNotValid",
    "Verifier",
    "issue",
]
