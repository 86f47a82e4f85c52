"""The keys of QR codes in the admin: the secret is written, and never shown."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from chargepoints.models import ChargePoint
from chargepoints.services.follow_ups import personal
from tariffs.models import WebPaymentKey

SECRET = "mysharedsecret"


def sent(station: ChargePoint, **more: Any) -> dict[str, Any]:
    usual = {"charge_point": station.pk, "evse_number": 0, "secret": SECRET, "validity_s": 30, "length": 8}
    return usual | more


def test_an_administrator_sets_a_key_whose_secret_no_page_shows(
    administrator: Client, viewer: Client, station: ChargePoint
) -> None:
    add = reverse("admin:tariffs_webpaymentkey_add")
    administrator.post(add, sent(station))
    row = WebPaymentKey.objects.get()
    change = reverse("admin:tariffs_webpaymentkey_change", args=[row.pk])
    pages = [
        administrator.get(change),
        viewer.get(change),
        administrator.get(reverse("admin:tariffs_webpaymentkey_changelist")),
        administrator.get(reverse("admin:tariffs_webpaymentkey_history", args=[row.pk])),
    ]

    assert personal.unseal(row.sealed_secret) == SECRET
    assert row.set_by == "administrator"
    assert [page.status_code for page in pages] == [200] * len(pages)
    for page in pages:
        assert SECRET not in page.content.decode()
        assert row.sealed_secret not in page.content.decode()


@pytest.mark.parametrize("more", [{"secret": "short"}, {"secret": ""}, {"validity_s": 5}, {"length": 65}])
def test_a_bad_key_is_not_stored(administrator: Client, station: ChargePoint, more: dict[str, Any]) -> None:
    answer = administrator.post(reverse("admin:tariffs_webpaymentkey_add"), sent(station, **more))

    assert answer.status_code == 200
    assert answer.context["errors"]
    assert not WebPaymentKey.objects.exists()


def test_an_operator_sets_no_key(operator: Client, station: ChargePoint) -> None:
    answer = operator.post(reverse("admin:tariffs_webpaymentkey_add"), sent(station))

    assert answer.status_code == 403
    assert not WebPaymentKey.objects.exists()
