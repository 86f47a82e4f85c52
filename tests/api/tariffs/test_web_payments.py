"""Web payments and the keys of QR codes over REST, and the page of a code."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client

from chargepoints.models import ChargePoint
from tariffs.models import WebPayment, WebPaymentKey
from tariffs.services.payment import checkouts, totp
from tariffs.views import charge
from tests.api.conftest import NOON, Caller

KEYS, PAYMENTS = "/api/v1/chargepoints/GARAGE%201/web-payment-keys", "/api/v1/web-payments"
SECRET = "mysharedsecret"
KEY = {"secret": SECRET, "validityTime": 3600, "length": 8}


def a_payment(station: ChargePoint, number: int, **columns: Any) -> WebPayment:
    now = datetime.now(UTC)
    usual = {"opened_at": NOON, "expires_at": now + timedelta(minutes=5), "updated_at": NOON}
    return WebPayment.objects.create(
        charge_point=station, evse_number=1, totp_interval=number, **(usual | columns)
    )


# -- keys ----------------------------------------------------------------------------------------------------


def test_an_administrator_sets_a_key_whose_secret_is_not_shown(
    administrator: Caller, viewer: Caller, garage: ChargePoint
) -> None:
    made = administrator.post(KEYS, KEY)
    other = administrator.post(KEYS, {**KEY, "evseId": 2, "secret": "othersharedsecret"})
    again = administrator.post(KEYS, {**KEY, "length": 12})

    assert (made.status_code, other.status_code, again.status_code) == (201, 201, 201)
    assert made.info["id"] == again.info["id"]
    listed = viewer.get(KEYS)
    assert [(one["evseId"], one["length"]) for one in listed.info["webPaymentKeys"]] == [(0, 12), (2, 8)]
    assert viewer.get(f"{KEYS}/{other.info['id']}").info["validityTime"] == 3600
    for answer in (made, again, listed):
        assert SECRET not in answer.content.decode()
    stored = json.dumps(list(WebPaymentKey.objects.values("sealed_secret", "set_by")))
    assert SECRET not in stored
    assert administrator.delete(f"{KEYS}/{other.info['id']}").status_code == 200
    assert [row.evse_number for row in WebPaymentKey.objects.all()] == [0]


@pytest.mark.parametrize(
    "body",
    [
        {},
        {**KEY, "secret": "short"},
        {**KEY, "secret": 12345678},
        {**KEY, "validityTime": 5},
        {**KEY, "validityTime": 3601},
        {**KEY, "length": 5},
        {**KEY, "evseId": -1},
        {**KEY, "alphabet": "62"},
    ],
)
def test_a_bad_key_is_refused(administrator: Caller, garage: ChargePoint, body: dict[str, Any]) -> None:
    assert administrator.post(KEYS, body).status_code == 400
    assert not WebPaymentKey.objects.exists()


def test_only_administrators_set_keys(operator: Caller, anonymous: Caller, garage: ChargePoint) -> None:
    assert operator.post(KEYS, KEY).status_code == 403
    assert anonymous.post(KEYS, KEY).status_code == 401
    assert anonymous.get(KEYS).status_code == 401
    assert not WebPaymentKey.objects.exists()


# -- payments ------------------------------------------------------------------------------------------------


def test_web_payments_are_listed(viewer: Caller, garage: ChargePoint) -> None:
    other = ChargePoint.objects.create(identity="OTHER")
    first = a_payment(garage, 1, state="failed", psp_ref="P-1", failure="The station answered Rejected.")
    second = a_payment(other, 2, max_cost=12.5)

    def numbers(query: str) -> list[int]:
        return [one["id"] for one in viewer.get(f"{PAYMENTS}?{query}").info["webPayments"]]

    assert numbers("") == [second.pk, first.pk]
    assert numbers("clientId=garage%201") == numbers("state=failed") == numbers("pspRef=P-1") == [first.pk]
    assert numbers("ordering=id&updated_from=2026-05-05") == []
    shown = viewer.get(f"{PAYMENTS}/{second.pk}").info
    assert (shown["maxCost"], shown["maxEnergy"], shown["transactionId"]) == ("12.5", None, None)
    assert viewer.get(f"{PAYMENTS}/999999").status_code == 404


def test_a_payment_is_confirmed_by_an_operator_alone(
    viewer: Caller, operator: Caller, anonymous: Caller, garage: ChargePoint
) -> None:
    row = a_payment(garage, 1, state="expired")
    path, body = f"{PAYMENTS}/{row.pk}/confirm", {"pspRef": "P-1"}

    assert (viewer.post(path, body).status_code, anonymous.post(path, body).status_code) == (403, 401)
    for bad in ({}, {"pspRef": ""}, {**body, "maxCost": -1}, {**body, "maxTime": 1.5}, {**body, "x": 1}):
        assert operator.post(path, bad).status_code == 400
    assert operator.post(f"{PAYMENTS}/999999/confirm", body).status_code == 404
    assert operator.get(path).status_code == 405
    row.refresh_from_db()
    assert (row.state, row.psp_ref) == ("expired", "")


# -- the page ------------------------------------------------------------------------------------------------


def shown(step: int = 0) -> str:
    interval = int(datetime.now(UTC).timestamp()) // 3600 + step
    return totp.password(SECRET, interval, length=8, alphabet=totp.BASE_62)


@pytest.mark.parametrize("path", ["", "/", "/GARAGE%201/1", "/GARAGE%201/1/abcdefgh", "/%00/1/abcdefgh"])
def test_a_wrong_code_has_the_same_page_as_an_unknown_station(
    client: Client, garage: ChargePoint, path: str
) -> None:
    answer = client.get(f"/charge{path}")

    page = answer.content.decode()
    assert answer.status_code == 404
    assert page == client.get("/charge/NOWHERE/1/abcdefgh").content.decode()
    assert "This QR code is not valid. Scan the code on the display again." in page
    assert (answer["Referrer-Policy"], answer["Cache-Control"]) == ("no-referrer", "no-store")
    assert "default-src 'none'" in answer["Content-Security-Policy"]
    assert not answer.cookies
    for word in ('lang="en"', 'name="viewport"', "prefers-color-scheme: dark", 'role="status"'):
        assert word in page
    assert "<script" not in page


def test_without_a_payment_service_the_page_says_so(
    client: Client, administrator: Caller, garage: ChargePoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    administrator.post(KEYS, KEY)
    monkeypatch.setattr(checkouts, "provider", checkouts.PaymentProvider())

    answer = client.get(f"/charge/garage%201/1/{shown()}/1")

    assert answer.status_code == 503
    assert "takes no payments on the web yet" in answer.content.decode()
    assert not WebPayment.objects.exists()


def test_the_page_of_a_code_is_only_read(client: Client, garage: ChargePoint) -> None:
    for method in ("post", "put", "delete", "head"):
        assert getattr(client, method)("/charge/GARAGE%201/1/abcdefgh").status_code == 405


def test_codes_are_tried_a_number_of_times_in_a_minute(
    client: Client, garage: ChargePoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("time.time", lambda: 1_800_000_030.0)
    path = "/charge/GARAGE%201/1/abcdefgh"
    codes = [client.get(path).status_code for _ in range(charge.MOST_PER_MINUTE)]
    refused = client.get(path)

    assert set(codes) == {404}
    assert (refused.status_code, refused["Retry-After"]) == (429, "31")
    assert "Too many codes" in refused.content.decode()
    assert client.get(path, REMOTE_ADDR="192.0.2.9").status_code == 404
