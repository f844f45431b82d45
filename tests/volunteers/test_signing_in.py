"""Joining, signing in, going on, signing out."""

from __future__ import annotations

import http.server
import json
import logging
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from services.volunteers import operations
from services.volunteers.app import create_app
from shared import auth, clock, ids
from shared.auth import FetchedKeys, KnownKeys, Role, TokenNotValid, Verifier
from shared.settings import KeyRing
from shared.web.running import DATABASE
from tests.volunteers.conftest import ADMIN_PHONE, COMMUNITY, DISTRICT, Desk, Signed, key

pytestmark = pytest.mark.servers
PHONE = "13811112222"


def code_of(answer: Any) -> tuple[int, str]:
    return answer.status_code, json.loads(answer.data)["code"]


def wrong(confirmed: dict[str, str]) -> dict[str, str]:
    return {**confirmed, "code": f"{(int(confirmed['code']) + 1) % 10**6:06}"}


def test_a_person_joins_with_a_confirmed_telephone_and_is_told(desk: Desk) -> None:
    person = desk.register("张三")

    me = desk.get("/volunteers/me", by=person).json
    assert (me["name"], me["region"], me["status"]) == ("张三", COMMUNITY, "active")
    assert me["number"] == person.number
    assert me["phone"] == f"{person.phone[:3]}****{person.phone[-4:]}"
    assert me["roles"] == []
    assert desk.told(person) == [("VolunteerRegistered", 1)]


def test_one_telephone_is_one_person(desk: Desk) -> None:
    first = desk.register(phone=PHONE)
    confirmed = desk.confirmed(f"+86 {PHONE}")
    again = desk.post("/volunteers", {**confirmed, "name": "李四", "region": COMMUNITY})

    assert code_of(again) == (409, "phone-already-registered")
    # The code was not used up by the refusal: it still signs its owner in.
    assert desk.signed(desk.post("/sessions", confirmed)).volunteer_id == first.volunteer_id
    assert desk.database.db.people.count_documents({}) == 1


def test_two_who_join_with_one_telephone_at_once_are_one(desk: Desk) -> None:
    bodies = [{**desk.confirmed(PHONE), "name": name, "region": COMMUNITY} for name in "甲乙丙丁"]
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda body: desk.post("/volunteers", body), bodies))

    assert sorted(answer.status_code for answer in answers) == [201, 409, 409, 409]
    assert desk.database.db.people.count_documents({}) == 1
    assert desk.database.db.outbox.count_documents({}) == 1


def test_joining_asked_twice_is_answered_alike(desk: Desk) -> None:
    body = {**desk.confirmed(PHONE), "name": "张三", "region": COMMUNITY}
    first, again = (desk.post("/volunteers", body, key="join-1") for _ in range(2))

    assert first.json == again.json
    assert again.headers["Idempotency-Replayed"] == "true"


def test_a_region_that_is_not_there_is_refused(desk: Desk) -> None:
    body = {**desk.confirmed(PHONE), "name": "张三", "region": "999999"}
    assert code_of(desk.post("/volunteers", body)) == (422, "unknown-region")


def test_who_is_not_registered_cannot_sign_in(desk: Desk) -> None:
    assert code_of(desk.post("/sessions", desk.confirmed(PHONE))) == (404, "not-registered")


@pytest.mark.parametrize(
    "change",
    [
        {"phone": "123"},
        {"phone": {"$ne": ""}},
        {"code": "12345"},
        {"code": "1234567"},
        {"code": "12345a"},
        {"code": 123456},
        {"confirmation_id": {"$gt": ""}},
        {"confirmation_id": "a:b"},
        {"name": ""},
        {"name": "x" * 41},
        {"name": "a\nb"},
        {"region": "43"},
        {"status": "active"},
        {"number": "1"},
        {"version": 7},
        {"roles": ["admin"]},
    ],
)
def test_what_cannot_be_meant_is_refused_by_field(desk: Desk, change: dict[str, Any]) -> None:
    body = {
        "confirmation_id": "c",
        "phone": PHONE,
        "code": "000000",
        "name": "张三",
        "region": COMMUNITY,
    }
    answer = desk.post("/volunteers", {**body, **change})

    assert code_of(answer) == (422, "invalid")
    assert list(json.loads(answer.data)["errors"]) == list(change)


def test_five_wrong_guesses_end_a_code_whatever_became_of_their_answers(desk: Desk) -> None:
    desk.register(phone=PHONE)
    confirmed = desk.confirmed(PHONE)

    for n in range(5):
        answers = [desk.post("/sessions", wrong(confirmed), key=f"guess-{n}") for _ in range(2)]
        assert [code_of(answer) for answer in answers] == [(403, "wrong-code")] * 2
    assert code_of(desk.post("/sessions", confirmed)) == (403, "too-many-guesses")
    assert desk.sign_in(PHONE)


def test_many_guesses_at_once_are_counted_and_end_the_code(desk: Desk) -> None:
    desk.register(phone=PHONE)
    confirmed = desk.confirmed(PHONE)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: desk.post("/sessions", wrong(confirmed)), range(16)))

    row = desk.database.db.confirmations.find_one({"_id": confirmed["confirmation_id"]})
    assert row is not None
    assert row["guesses"] == 5
    assert code_of(desk.post("/sessions", confirmed)) == (403, "too-many-guesses")


def test_a_code_is_good_once_for_its_own_telephone_and_for_ten_minutes(desk: Desk) -> None:
    desk.register(phone=PHONE)
    used, others, old = (desk.confirmed(PHONE) for _ in range(3))
    assert desk.post("/sessions", used).status_code == 201
    assert code_of(desk.post("/sessions", used)) == (403, "code-used")

    another = {**others, "phone": "13811113333"}
    assert code_of(desk.post("/sessions", another)) == (404, "unknown-confirmation")

    past = clock.real_now() - timedelta(seconds=1)
    desk.database.db.confirmations.update_one(
        {"_id": old["confirmation_id"]}, {"$set": {"expires_at": past}}
    )
    assert code_of(desk.post("/sessions", old)) == (403, "code-expired")


def test_one_code_signs_in_once_when_used_at_once(desk: Desk) -> None:
    desk.register(phone=PHONE)
    confirmed = desk.confirmed(PHONE)
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: desk.post("/sessions", confirmed), range(4)))

    assert sorted(answer.status_code for answer in answers) == [201, 403, 403, 403]


def test_a_telephone_is_not_sent_codes_without_end(desk: Desk) -> None:
    codes = [desk.post("/phone-confirmations", {"phone": PHONE}) for _ in range(11)]

    assert [answer.status_code for answer in codes] == [202] * 10 + [429]
    assert code_of(codes[-1]) == (429, "too-many-codes")
    assert 3500 < int(codes[-1].headers["Retry-After"]) <= 3601
    assert desk.confirmed("13811113333")


def test_a_code_asked_for_twice_is_one_code_and_sent_once(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, logger="shared.sms"):
        first, again = (
            desk.post("/phone-confirmations", {"phone": PHONE}, key="ask-1") for _ in range(2)
        )

    assert first.json == again.json
    shown = [record for record in caplog.records if record.message == "confirmation code"]
    assert [record.code for record in shown] == [first.json["embedded_code"]]  # type: ignore[attr-defined]
    assert PHONE not in caplog.text


class Gateway:
    """Somebody's gateway for texts, on a real socket; it can refuse."""

    def __init__(self) -> None:
        self.status = 200
        self.posted: list[tuple[str, dict[str, str]]] = []
        gateway = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                gateway.posted.append((self.headers["Authorization"], json.loads(body)))
                self.send_response(gateway.status)
                self.end_headers()

            def log_message(self, *_args: Any) -> None:
                return

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/send"
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.05,))
        self.thread.start()

    def stop(self) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


def test_a_gateway_is_posted_the_code_and_the_asker_is_not_told(desk: Desk) -> None:
    gateway = Gateway()
    settings = replace(
        desk.settings, sms_provider="webhook", sms_webhook_url=gateway.url, sms_webhook_token="s3"
    )
    app = create_app(settings)
    sending = Desk(app, app.extensions[DATABASE], settings)
    try:
        gateway.status = 500
        failed = sending.post("/phone-confirmations", {"phone": PHONE}, key="ask-1")
        gateway.status = 200
        sent = sending.post("/phone-confirmations", {"phone": PHONE}, key="ask-1")
        sending.post("/phone-confirmations", {"phone": PHONE}, key="ask-1")
    finally:
        gateway.stop()
        sending.database.close()

    assert code_of(failed) == (503, "busy")
    assert sent.status_code == 202
    assert set(sent.json) == {"confirmation_id", "expires_at"}
    assert len(gateway.posted) == 2
    token, body = gateway.posted[-1]
    assert token == "Bearer s3"
    assert (body["phone"], body["reference"]) == (PHONE, sent.json["confirmation_id"])
    signed = {"confirmation_id": body["reference"], "phone": PHONE, "code": body["code"]}
    assert code_of(desk.post("/sessions", signed)) == (404, "not-registered")


def test_others_verify_a_token_by_the_published_keys(desk: Desk) -> None:
    from werkzeug.serving import make_server

    person = desk.register()
    server = make_server("127.0.0.1", 0, desk.app, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        url = f"http://127.0.0.1:{server.server_port}/.well-known/jwks.json"
        who = Verifier(FetchedKeys(url)).principal(person.access)
    finally:
        server.shutdown()
        server.server_close()
        thread.join()

    assert (who.person_id, who.number) == (person.volunteer_id, person.number)
    assert [grant.role for grant in who.roles] == [Role.VOLUNTEER]


def test_tokens_of_the_former_key_hold_while_it_is_in_the_ring(desk: Desk) -> None:
    old = desk.register()
    turned = replace(desk.settings, token_keys=KeyRing(keys={"t2": key(5), "t1": key(0)}))
    app = create_app(turned)
    later = Desk(app, app.extensions[DATABASE], turned)
    try:
        assert later.get("/volunteers/me", by=old).status_code == 200
        new = later.refreshed(old)
        published = app.test_client().get("/.well-known/jwks.json").json
    finally:
        later.database.close()

    assert published is not None
    assert [entry["kid"] for entry in published["keys"]] == ["t2", "t1"]
    assert all(
        entry.keys() == {"kty", "crv", "use", "alg", "kid", "x"} for entry in published["keys"]
    )
    assert Verifier(KnownKeys({"t2": key(5)})).principal(new.access)
    with pytest.raises(TokenNotValid):
        Verifier(KnownKeys({"t1": key(0)})).principal(new.access)


def refresh(desk: Desk, person: Signed, *, key: str | None = None) -> Any:
    return desk.post("/session-refreshes", {"refresh_token": person.refresh}, key=key)


def test_a_refresh_gives_new_tokens_and_asked_twice_the_same(desk: Desk) -> None:
    person = desk.register()
    first, again = (refresh(desk, person, key="go-on-1") for _ in range(2))

    assert first.json == again.json
    assert first.json["refresh_token"] != person.refresh
    assert desk.refreshed(desk.signed(first))


def test_a_refresh_token_used_before_ends_the_sign_in_for_both_who_hold_it(desk: Desk) -> None:
    thief = desk.register()
    owner = desk.refreshed(thief)

    assert code_of(refresh(desk, thief)) == (401, "reused-refresh-token")
    assert code_of(refresh(desk, owner)) == (401, "refresh-token-not-valid")
    assert desk.sign_in(owner.phone)


def test_of_two_refreshes_at_once_with_one_token_one_at_most_goes_on(desk: Desk) -> None:
    person = desk.register()
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: refresh(desk, person), range(4)))

    assert sorted(answer.status_code for answer in answers) == [201, 401, 401, 401]


def test_a_forged_or_foreign_refresh_token_is_not_valid(desk: Desk) -> None:
    person = desk.register()
    chain, serial, kid, mark = person.refresh.split(".")
    other = desk.register()
    forged = [
        "x",
        "....",
        f"{chain}.{serial}.{kid}.{mark[:-2]}AA",
        f"{chain}.2.{kid}.{mark}",
        f"{chain}.{serial}.t9.{mark}",
        f"{other.refresh.split('.')[0]}.{serial}.{kid}.{mark}",
        f"{chain}.-1.{kid}.{mark}",
        f"{chain}.{serial}.{kid}.{mark}é",
        person.access,
    ]
    for token in forged:
        answer = desk.post("/session-refreshes", {"refresh_token": token[:400]})
        assert code_of(answer) == (401, "refresh-token-not-valid"), token
    assert desk.refreshed(person)


def test_who_signed_out_cannot_go_on(desk: Desk) -> None:
    person = desk.register()
    for _ in range(2):
        assert desk.post("/session-ends", {"refresh_token": person.refresh}).status_code == 204

    assert code_of(refresh(desk, person)) == (401, "refresh-token-not-valid")
    assert desk.get("/volunteers/me", by=person).status_code == 200  # until the token's end


def test_a_refresh_token_lives_thirty_days_in_real_time(desk: Desk) -> None:
    person = desk.register()
    row = desk.database.db.refresh_tokens.find_one()
    assert row is not None
    assert timedelta(days=29) < row["expires_at"] - clock.real_now() <= timedelta(days=30)

    desk.database.db.refresh_tokens.update_one({}, {"$set": {"expires_at": clock.real_now()}})
    assert code_of(refresh(desk, person)) == (401, "refresh-token-not-valid")


def test_an_access_token_lives_half_an_hour(desk: Desk) -> None:
    person = desk.register()
    chain = person.refresh.split(".")[0]
    old = auth.issue(
        person_id=person.volunteer_id,
        number=person.number,
        grants=[],
        key=desk.settings.token_keys.current,
        now=clock.real_now() - timedelta(minutes=30),
        lifetime=timedelta(minutes=desk.settings.access_token_minutes),
        token_id=f"{chain}.1",
    )
    answer = desk.get("/volunteers/me", by=replace(person, access=old))
    assert code_of(answer) == (401, "token-not-valid")


def test_no_name_telephone_code_or_token_lies_open_in_the_database_or_the_log(
    desk: Desk, admin: Signed, caplog: pytest.LogCaptureFixture
) -> None:
    name, phone = "欧阳询Canary", "13977778888"
    with caplog.at_level(logging.DEBUG):
        confirmed = desk.confirmed(phone)
        desk.post("/sessions", wrong(confirmed))
        body = {**confirmed, "name": name, "region": COMMUNITY}
        person = desk.signed(desk.post("/volunteers", body), phone)
        desk.get("/volunteers", by=admin)
        me = desk.get("/volunteers/me", by=person)
        changed = desk.patch(
            "/volunteers/me", {"name": f"{name}二世"}, by=person, If_Match=me.headers["ETag"]
        )
        assert changed.status_code == 200
        reason = {"status": "frozen", "reason": f"{name} called from {phone}"}
        path = f"/volunteers/{person.volunteer_id}/status-changes"
        assert desk.post(path, reason, by=admin).status_code == 201
        person = desk.refreshed(person)
        desk.post("/session-ends", {"refresh_token": person.refresh})

    everything = desk.everything()
    assert person.volunteer_id in everything
    for secret in (name, "欧阳询", phone, phone[3:], person.access, person.refresh):
        assert secret not in everything
        assert secret.encode().hex() not in everything
        assert secret not in caplog.text
    assert confirmed["code"] not in everything.replace(confirmed["confirmation_id"], "")


def test_the_first_administrator_is_an_ordinary_person_and_appointed_once(desk: Desk) -> None:
    def appoint() -> tuple[str, bool]:
        return desk.database.unit_of_work(
            lambda work: operations.appoint_first_administrator(
                work,
                district=DISTRICT,
                phone=ADMIN_PHONE,
                name="管理员",
                settings=desk.settings,
                now=clock.now(),
            )
        )

    (first, made), (again, made_again) = appoint(), appoint()

    assert (first, made, made_again) == (again, True, False)
    signed = desk.sign_in(ADMIN_PHONE)
    assert signed.volunteer_id == first
    assert desk.told(signed) == [("VolunteerRegistered", 1)]
    who = Verifier(KnownKeys(desk.settings.token_keys.keys)).principal(signed.access)
    assert who.may(Role.ADMIN, DISTRICT)
    assert ids.is_safe(first)
