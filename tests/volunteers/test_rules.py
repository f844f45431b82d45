"""The rules of volunteers, without any server."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.volunteers import model
from services.volunteers.settings import VolunteersSettings
from shared.errors import Invalid, NotAllowed
from shared.settings import BadSettings, KeyRing

NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
SHANGHAI = ZoneInfo("Asia/Shanghai")


@pytest.mark.parametrize(
    "text", ["13800000001", " 138 0000 0001 ", "+8613800000001", "138-0000-0001"]
)
def test_a_telephone_is_the_same_however_it_is_written(text: str) -> None:
    assert model.normal_phone(text) == "13800000001"


@pytest.mark.parametrize(
    "text",
    ["", "12800000001", "1380000000", "138000000011", "１３８００００００１２", "+1 5551234"],
)
def test_what_is_no_mobile_number_is_refused(text: str) -> None:
    with pytest.raises(Invalid):
        model.normal_phone(text)


def test_a_masked_telephone_shows_seven_digits() -> None:
    assert model.masked_phone("13812345678") == "138****5678"


@given(st.integers(0, 10**7 - 1))
def test_a_public_number_shows_every_single_wrong_digit(drawn: int) -> None:
    number = model.public_number(district="430211", digits=f"{drawn:07}")

    assert len(number) == 14  # an identity number has 15 or 18
    assert model.is_number(number)
    for at, digit in enumerate(number):
        wrong = str((int(digit) + 1 + drawn % 9) % 10)
        if wrong != digit:
            assert not model.is_number(number[:at] + wrong + number[at + 1 :])


def person(status: model.Status) -> model.Person:
    return model.Person(
        person_id="p",
        number="n",
        name=b"",
        phone=b"",
        phone_hmac="h",
        region="430211",
        status=status,
        version=1,
        revision=1,
        registered_at=NOW,
    )


def test_the_status_of_a_person_moves_until_it_is_closed() -> None:
    for before in model.Status:
        for wanted in model.Status:
            if before is wanted:
                assert model.next_status(person(before), wanted) is None
            elif before is model.Status.CLOSED:
                with pytest.raises(model.PersonClosed):
                    model.next_status(person(before), wanted)
            else:
                assert model.next_status(person(before), wanted) is wanted


def confirmation(**changes: object) -> model.Confirmation:
    return replace(
        model.Confirmation(
            confirmation_id="c",
            phone_hmac="h",
            expires_at=NOW + model.CODE_LIFE,
            guesses=0,
            used_at=None,
            sent_at=None,
        ),
        **changes,  # type: ignore[arg-type]
    )


def test_a_code_may_be_guessed_at_until_it_is_used_old_or_guessed_too_often() -> None:
    last = NOW + model.CODE_LIFE - timedelta(seconds=1)
    model.check_open(confirmation(guesses=4), phone_hmac="h", now=last)

    refused = [
        (None, "h", NOW, model.UnknownConfirmation),
        (confirmation(), "another's", NOW, model.UnknownConfirmation),
        (confirmation(used_at=NOW), "h", NOW, model.CodeUsed),
        (confirmation(), "h", NOW + model.CODE_LIFE, model.CodeExpired),
        (confirmation(guesses=5), "h", NOW, model.TooManyGuesses),
    ]
    for asked, phone, now, refusal in refused:
        with pytest.raises(refusal):
            model.check_open(asked, phone_hmac=phone, now=now)


def test_a_telephone_is_sent_so_many_codes_an_hour() -> None:
    times: tuple[datetime, ...] = ()
    for n in range(3):
        times = model.sendings(times, now=NOW + timedelta(minutes=n), most=3)

    with pytest.raises(model.TooManyCodes) as refused:
        model.sendings(times, now=NOW + timedelta(minutes=30), most=3)
    assert refused.value.facts["retry_after"] == 30 * 60 + 1
    assert len(model.sendings(times, now=NOW + timedelta(minutes=60), most=3)) == 3


def test_only_the_newest_refresh_token_goes_on() -> None:
    chain = model.SignIn(
        sign_in_id="s", person_id="p", serial=3, expires_at=NOW + timedelta(days=1), ended_at=None
    )
    newest = model.RefreshToken(sign_in_id="s", serial=3)

    assert model.check_refresh(chain, newest, now=NOW) is chain
    with pytest.raises(model.ReusedRefreshToken):
        model.check_refresh(chain, replace(newest, serial=2), now=NOW)
    for gone in (None, replace(chain, ended_at=NOW), replace(chain, expires_at=NOW)):
        with pytest.raises(model.RefreshTokenNotValid):
            model.check_refresh(gone, newest, now=NOW)


def test_an_administrator_reaches_the_own_region_and_below() -> None:
    def grant(role: str, region: str) -> model.RoleGrant:
        return model.RoleGrant(
            grant_id="g",
            person_id="p",
            role=role,
            region=region,
            granted_by="b",
            granted_at=NOW,
            revoked_by=None,
            revoked_at=None,
        )

    standing = [grant("admin", "430211001"), grant("organiser", "430211")]
    model.check_scope(standing, region="430211001")
    model.check_scope(standing, region="430211001004")
    for above in ("430211", "430211002", "510104"):
        with pytest.raises(NotAllowed):
            model.check_scope(standing, region=above)


@pytest.mark.parametrize(
    ("hours", "stars"),
    [(0, 0), (99, 0), (100, 1), (299, 1), (300, 2), (600, 3), (1000, 4), (1499, 4), (1500, 5)],
)
def test_stars_begin_at_the_districts_hours(hours: int, stars: int) -> None:
    assert model.stars(minutes=hours * 60, rules=model.Rules()) == stars
    assert model.stars(minutes=hours * 60 + 59, rules=model.Rules()) == stars


def test_both_kinds_of_minutes_make_stars() -> None:
    rows = [("credit", 3000), ("honorary", 3000), ("credit", 0)]
    assert model.totals(rows, rules=model.Rules()) == model.Totals(
        credit_minutes=3000, honorary_minutes=3000, stars=1
    )


def test_thresholds_of_stars_rise() -> None:
    model.check_rising(model.Rules())
    with pytest.raises(model.StarsNotRising):
        model.check_rising(model.Rules(star_2_hours=100))


@pytest.mark.parametrize(
    ("changes", "fits"),
    [
        ({"mode": "embedded"}, True),
        ({"mode": "production"}, False),
        ({"mode": "production", "sms_provider": "webhook"}, False),
        (
            {
                "mode": "production",
                "sms_provider": "webhook",
                "sms_webhook_url": "https://sms.example/send",
            },
            True,
        ),
        ({"mode": "embedded", "sms_provider": "pigeon"}, False),
    ],
)
def test_production_does_not_start_with_a_provider_that_shows_codes(
    changes: dict[str, str], fits: bool
) -> None:
    def make() -> VolunteersSettings:
        return VolunteersSettings(
            mongo_uri="",
            kafka_bootstrap="",
            jwks_url="",
            token_keys=KeyRing(keys={}),
            phone_key=b"",
            person_keys=KeyRing(keys={}),
            **changes,  # type: ignore[arg-type]
        )

    if fits:
        make()
        return
    with pytest.raises(BadSettings, match="GONGXIANG_SMS_"):
        make()
