"""Tokens: only what our own keys signed, for us, and not too long ago."""

from __future__ import annotations

import base64
import hashlib
import hmac
import http.server
import json
import threading
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from shared import auth, clock
from shared.auth import Grant, KeysNotThere, KnownKeys, Role, TokenNotValid, Verifier, keys, tokens

SEED, OTHER = bytes(range(32)), bytes(range(1, 33))
KEYS = KnownKeys({"k1": SEED})
PUBLIC = Ed25519PrivateKey.from_private_bytes(SEED).public_key().public_bytes_raw()


def token(**changes: Any) -> str:
    values: dict[str, Any] = {
        "person_id": "ada",
        "number": "430211-1",
        "grants": [Grant(Role.ORGANISER, "430211001")],
        "key": ("k1", SEED),
        "now": clock.real_now(),
        "lifetime": timedelta(minutes=30),
    }
    return auth.issue(**{**values, **changes})


def signed(
    *, seed: bytes = SEED, header: dict[str, Any] | None = None, without: str = "", **claims: Any
) -> str:
    at = int(clock.real_now().timestamp())
    values = {
        "iss": "gongxiang",
        "aud": "gongxiang",
        "sub": "ada",
        "num": "430211-1",
        "roles": [],
        "iat": at,
        "exp": at + 60,
        **claims,
    }
    values.pop(without, None)
    private = Ed25519PrivateKey.from_private_bytes(seed)
    fields = {"kid": "k1", "typ": "at+jwt", **(header or {})}
    if fields["kid"] is None:
        del fields["kid"]
    return jwt.encode(values, private, algorithm="EdDSA", headers=fields)


def by_hand(header: dict[str, Any], signature: bytes = b"") -> str:
    def part(value: bytes) -> str:
        return base64.urlsafe_b64encode(value).rstrip(b"=").decode()

    claims = signed().split(".")[1]
    head = part(json.dumps(header).encode())
    if header.get("alg") == "HS256":
        signature = hmac.new(PUBLIC, f"{head}.{claims}".encode(), hashlib.sha256).digest()
    return f"{head}.{claims}.{part(signature)}"


RSA = rsa.generate_private_key(public_exponent=65537, key_size=2048)
CURVE = ec.generate_private_key(ec.SECP256R1())
NOW = int(clock.real_now().timestamp())

FORGED = {
    "no token": "",
    "no three parts": "a.b",
    "not base64": "!.!.!",
    "alg none": by_hand({"alg": "none", "typ": "at+jwt", "kid": "k1"}),
    "alg none, upper case": by_hand({"alg": "NONE", "typ": "at+jwt", "kid": "k1"}),
    "the public key as a shared secret": by_hand({"alg": "HS256", "typ": "at+jwt", "kid": "k1"}),
    "no signature": by_hand({"alg": "EdDSA", "typ": "at+jwt", "kid": "k1"}),
    "RSA": jwt.encode({"sub": "ada"}, RSA, "RS256", {"kid": "k1", "typ": "at+jwt"}),
    "another curve": jwt.encode({"sub": "ada"}, CURVE, "ES256", {"kid": "k1", "typ": "at+jwt"}),
    "another's key": signed(seed=OTHER),
    "an unknown key id": signed(header={"kid": "k2"}),
    "a key id that is a path": signed(header={"kid": "../../etc/passwd"}),
    "a key id that is no text": by_hand({"alg": "EdDSA", "typ": "at+jwt", "kid": 1}),
    "no key id": signed(header={"kid": None}),
    "a key of its own": signed(
        seed=OTHER,
        header={"kid": "k2", "jwk": {"kty": "OKP", "crv": "Ed25519"}, "jku": "http://evil/"},
    ),
    "an identity token": signed(header={"typ": "JWT"}),
    "no type": signed(header={"typ": None}),
    "expired": signed(exp=NOW - 1),
    "expiring as text": signed(exp="tomorrow"),
    "expiring in a fraction": signed(exp=NOW + 60.5),
    "for another audience": signed(aud="bank"),
    "for many audiences, not ours": signed(aud=["bank", "shop"]),
    "by another issuer": signed(iss="evil"),
    "without expiry": signed(without="exp"),
    "without subject": signed(without="sub"),
    "without audience": signed(without="aud"),
    "without issuer": signed(without="iss"),
    "without roles": signed(without="roles"),
    "a subject that is an operator": signed(sub="$ne"),
    "an empty subject": signed(sub=""),
    "an unknown role": signed(roles=[["king", "430211"]]),
    "a role everywhere": signed(roles=[["admin", ""]]),
    "a role in half a region": signed(roles=[["admin", "43"]]),
    "roles of another shape": signed(roles={"admin": "430211"}),
    "endless": "a" * 9000,
}


@pytest.mark.parametrize("kind", FORGED)
def test_a_token_that_is_not_ours_is_not_valid(kind: str) -> None:
    with pytest.raises(TokenNotValid):
        Verifier(KEYS).principal(FORGED[kind])


def test_every_changed_character_of_the_signature_or_claims_is_noticed() -> None:
    good = token()
    _head, claims, signature = good.split(".")
    for part in (claims, signature):
        for at in range(0, len(part) - 1, 7):
            changed = part[:at] + ("A" if part[at] != "A" else "B") + part[at + 1 :]
            forged = good.replace(part, changed)
            with pytest.raises(TokenNotValid):
                Verifier(KEYS).principal(forged)


def test_a_principal_may_act_in_his_regions_and_below() -> None:
    who = Verifier(KEYS).principal(token())

    assert (who.person_id, who.number) == ("ada", "430211-1")
    assert who.may(Role.VOLUNTEER, "510104")
    assert who.may(Role.ORGANISER, "430211001")
    assert who.may(Role.ORGANISER, "430211001003")
    assert not who.may(Role.ORGANISER, "430211")
    assert not who.may(Role.ORGANISER, "430211002")
    assert not who.may(Role.ADMIN, "430211001")
    assert who.regions(Role.ORGANISER) == ("430211001",)


def test_a_token_ends_by_real_time() -> None:
    old = clock.real_now() - timedelta(minutes=30)

    with pytest.raises(TokenNotValid):
        Verifier(KEYS).principal(token(now=old))
    Verifier(KEYS).principal(token(now=old, lifetime=timedelta(minutes=31)))


def test_a_token_that_was_good_before_still_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    verifier, known = Verifier(KEYS), token(lifetime=timedelta(minutes=30))
    assert verifier.principal(known) == verifier.principal(known)
    late = clock.real_now() + timedelta(minutes=31)
    monkeypatch.setattr(clock, "real_now", lambda: late)

    with pytest.raises(TokenNotValid):
        verifier.principal(known)


def test_a_token_that_was_good_before_goes_with_its_key(publisher: Publisher) -> None:
    held = auth.FetchedKeys(publisher.url)
    verifier, known = Verifier(held), token()
    verifier.principal(known)
    for published in ({"k1": OTHER}, {"k2": SEED}):
        publisher.document = KnownKeys(published).published()
        held._fetch()
        with pytest.raises(TokenNotValid):
            verifier.principal(known)


def test_only_so_many_good_tokens_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tokens, "VERIFIED_MAX", 3)
    verifier = Verifier(KEYS)
    for number in range(10):
        verifier.principal(token(person_id=f"p{number}"))

    assert len(verifier._verified) <= 3


class Publisher:
    """A volunteers service's key set on a real socket, that can be changed and can fail."""

    def __init__(self) -> None:
        self.document: Any = KEYS.published()
        self.asked = 0
        publisher = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                publisher.asked += 1
                body = json.dumps(publisher.document).encode()
                self.send_response(200 if publisher.document else 500)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_args: Any) -> None:
                return

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/.well-known/jwks.json"
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.05,))
        self.thread.start()

    def stop(self) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


@pytest.fixture
def publisher() -> Iterator[Publisher]:
    publisher = Publisher()
    yield publisher
    publisher.stop()


def test_the_key_set_is_fetched_once_for_many_tokens(publisher: Publisher) -> None:
    verifier = Verifier(auth.FetchedKeys(publisher.url))

    for _ in range(20):
        assert verifier.principal(token()).person_id == "ada"

    assert publisher.asked == 1


def test_a_new_key_is_found_and_unknown_ones_do_not_flood_the_publisher(
    publisher: Publisher, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keys, "FETCH_PAUSE_S", 0.2)
    verifier = Verifier(auth.FetchedKeys(publisher.url))
    verifier.principal(token())
    publisher.document = KnownKeys({"k2": OTHER, "k1": SEED}).published()
    clock.sleep(0.25)

    assert verifier.principal(token(key=("k2", OTHER))).person_id == "ada"
    assert verifier.principal(token()).person_id == "ada"
    for n in range(50):
        with pytest.raises(TokenNotValid):
            verifier.principal(signed(header={"kid": f"x{n}"}))
    assert publisher.asked <= 3


def test_keys_rotated_under_load_refuse_nobody(
    publisher: Publisher, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A new key is published beside the former one, used, and a while later the former one goes."""
    monkeypatch.setattr(keys, "FETCH_PAUSE_S", 0.05)
    monkeypatch.setattr(keys, "FRESH_S", 0.2)
    verifier = Verifier(auth.FetchedKeys(publisher.url))
    ring = {"k0": SEED}
    publisher.document = KnownKeys(ring).published()
    issuing, over, refused, asked = ["k0"], threading.Event(), [], [0] * 6

    def ask(client: int) -> None:
        while not over.is_set():
            name = issuing[0]
            try:
                verifier.principal(token(key=(name, ring[name])))
            except (TokenNotValid, KeysNotThere) as error:
                refused.append(f"{name}: {error!r}")
            asked[client] += 1

    clients = [threading.Thread(target=ask, args=(number,)) for number in range(len(asked))]
    for client in clients:
        client.start()
    for number in range(1, 6):
        ring[f"k{number}"] = bytes(range(number, number + 32))
        both = {name: ring[name] for name in (f"k{number}", f"k{number - 1}")}
        publisher.document = KnownKeys(both).published()
        clock.sleep(0.1)  # longer than a fetch may have to wait: what is published can be had
        issuing[0] = f"k{number}"
        clock.sleep(0.3)
    over.set()
    for client in clients:
        client.join(10)

    assert refused == []
    assert min(asked) > 10


def test_tokens_are_verified_while_the_volunteers_service_is_away(
    publisher: Publisher, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keys, "FETCH_PAUSE_S", 0.0)
    monkeypatch.setattr(keys, "FRESH_S", 0.0)
    verifier = Verifier(auth.FetchedKeys(publisher.url))
    verifier.principal(token())

    no_key_sets: tuple[object, ...] = (
        *(None, {"keys": []}, {"keys": [{"kty": "OKP"}]}),
        *([], "x", {"keys": [1]}),
    )
    for broken in no_key_sets:
        publisher.document = broken
        assert verifier.principal(token()).person_id == "ada"
        with pytest.raises(TokenNotValid):
            verifier.principal(signed(header={"kid": "k2"}))
    assert publisher.asked > 1


def test_nobody_is_told_that_his_token_is_bad_before_a_key_set_was_had() -> None:
    verifier = Verifier(auth.FetchedKeys("http://127.0.0.1:1/jwks.json"))

    with pytest.raises(KeysNotThere):
        verifier.principal(token())
