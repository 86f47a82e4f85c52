"""The address in the QR code of a station, and the key that its password is checked with."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from chargepoints.models import ChargePoint
from ocpp_server.domain import Invalid
from tariffs.models import WebPaymentKey
from tariffs.services.payment import qr_codes, totp
from tariffs.services.payment.qr_codes import Code

NOW = datetime(2026, 11, 30, 8, 0, tzinfo=UTC)
SECRET, OTHER = "mysharedsecret", "othersharedsecret"


@pytest.mark.parametrize(
    ("path", "query", "code"),
    [
        ("CP-1/1/abc", {}, Code("CP-1", 1, "abc", {})),
        ("CP-1/1/abc/1", {}, Code("CP-1", 1, "abc", {})),
        ("CP-1/1/abc/v1", {}, Code("CP-1", 1, "abc", {})),
        ("CP-1/1/abc/", {}, Code("CP-1", 1, "abc", {})),
        ("CP-1/12/abc", {"v": "1", "Version": "v1"}, Code("CP-1", 12, "abc", {})),
        ("CP-1/1/abc", {"other": "x", "maxTime": ""}, Code("CP-1", 1, "abc", {})),
        (
            "CP-1/1/abc",
            {"MAXENERGY": "20000", "maxTime": "3600", "maxcost": "12.5"},
            Code("CP-1", 1, "abc", {"maxEnergy": 20000, "maxTime": 3600, "maxCost": 12.5}),
        ),
    ],
)
def test_a_code_is_read(path: str, query: dict[str, str], code: Code) -> None:
    assert qr_codes.read(path, query.items()) == code


@pytest.mark.parametrize(
    ("path", "query"),
    [
        ("", {}),
        ("CP-1", {}),
        ("CP-1/1", {}),
        ("1/abc/1", {}),
        ("/1/abc", {}),
        ("/1/abc/1", {}),
        ("CP-1//abc", {}),
        ("CP-1/1/", {}),
        ("CP-1/1//1", {}),
        ("CP-1/1/abc/1/1", {}),
        ("CP-1/0/abc", {}),
        ("CP-1/-1/abc", {}),
        ("CP-1/1.0/abc", {}),
        ("CP-1/٣/abc", {}),
        ("CP-1/1234567/abc", {}),
        ("CP\0/1/abc", {}),
        ("CP-1/1/abc/2", {}),
        ("CP-1/1/abc", {"v": "2"}),
        ("CP-1/1/abc", {"maxcost": "-1"}),
        ("CP-1/1/abc", {"maxcost": "1e9"}),
        ("CP-1/1/abc", {"maxcost": "12345678901"}),
        ("CP-1/1/abc", {"maxtime": "1.5"}),
        ("CP-1/1/abc", {"maxenergy": "nan"}),
        (f"CP-1/1/{'a' * 300}", {}),
    ],
)
def test_another_address_is_no_code(path: str, query: dict[str, str]) -> None:
    assert qr_codes.read(path, query.items()) is None


# -- keys ----------------------------------------------------------------------------------------------------


@pytest.fixture
def charger(db: None) -> ChargePoint:
    return ChargePoint.objects.create(identity="CP-1")


def key(charger: ChargePoint, secret: str = SECRET, **more: Any) -> WebPaymentKey:
    values = {"validity_s": 30, "length": 8, "actor": "ann", "at": NOW}
    return qr_codes.set_key(charger, secret=secret, **(values | more))


def scanned(secret: str = SECRET, *, evse: int = 1, alphabet: str = "62", steps: int = 0) -> Code:
    interval = int(NOW.timestamp()) // 30 + steps
    password = totp.password(secret, interval, length=8, alphabet=totp.ALPHABETS[alphabet])
    return Code("cp-1", evse, password, {"maxCost": 5})


def test_the_right_password_names_its_station_and_interval(charger: ChargePoint) -> None:
    key(charger)

    found = qr_codes.verified(scanned(steps=-1), NOW)

    assert found is not None
    assert (found.charge_point, found.evse, found.limits) == (charger, 1, {"maxCost": 5})
    assert found.interval == int(NOW.timestamp()) // 30 - 1
    assert qr_codes.verified(scanned(), NOW + timedelta(seconds=61)) is None


@pytest.mark.parametrize("alphabet", ["62", "61"])
def test_the_setting_names_the_alphabet(charger: ChargePoint, settings: Any, alphabet: str) -> None:
    key(charger)
    steps = 3  # the alphabets have another password there
    assert scanned(steps=steps).password != scanned(steps=steps, alphabet="61").password
    now = NOW + timedelta(seconds=30 * steps)

    settings.OCPP_TOTP_ALPHABET = alphabet
    found = {name: qr_codes.verified(scanned(steps=steps, alphabet=name), now) for name in ("62", "61")}

    assert {name for name, one in found.items() if one is not None} == {alphabet}


def test_an_evse_may_have_a_key_of_its_own(charger: ChargePoint) -> None:
    key(charger)
    key(charger, OTHER, evse_number=2)

    assert qr_codes.verified(scanned(SECRET, evse=1), NOW) is not None
    assert qr_codes.verified(scanned(OTHER, evse=1), NOW) is None
    assert qr_codes.verified(scanned(OTHER, evse=2), NOW) is not None
    assert qr_codes.verified(scanned(SECRET, evse=2), NOW) is None


def test_without_a_key_no_password_is_right(charger: ChargePoint) -> None:
    assert qr_codes.verified(scanned(), NOW) is None
    assert qr_codes.verified(scanned()._replace(station="CP-2"), NOW) is None


def test_a_new_key_replaces_the_old_one(charger: ChargePoint) -> None:
    first = key(charger)
    second = key(charger, OTHER, actor="x" * 200)

    assert (first.pk, second.set_by) == (second.pk, "x" * 150)
    assert qr_codes.verified(scanned(SECRET), NOW) is None
    assert qr_codes.verified(scanned(OTHER), NOW) is not None
    qr_codes.delete_key(second)
    assert not WebPaymentKey.objects.exists()


def test_the_secret_is_encrypted_with_the_key_of_the_installation(
    charger: ChargePoint, settings: Any
) -> None:
    row = key(charger)

    assert SECRET not in row.sealed_secret
    assert SECRET not in str(row)
    settings.SECRET_KEY = "another"
    settings.SECRET_KEY_FALLBACKS = []
    assert qr_codes.verified(scanned(), NOW) is None


@pytest.mark.parametrize("secret", ["", "short", "x" * 256, "with\nnewline"])
def test_a_weak_secret_is_refused(charger: ChargePoint, secret: str) -> None:
    with pytest.raises(Invalid) as refused:
        key(charger, secret)

    assert refused.value.field == "secret"
    assert not WebPaymentKey.objects.exists()
