"""The states of web payments: paid once, decided by the remote start, and deleted if never made."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from chargepoints.models import ChargePoint, Command
from ocpp_server import live
from ocpp_server.domain import Conflict, StationOffline
from tariffs.models import WebPayment
from tariffs.services.payment import web_payments
from tariffs.services.payment.qr_codes import Verified
from tests.unit.transactions.at_once import at_once, run_at_once
from transactions.models import RemoteStart, RequestedStart
from transactions.services.remote_control import requested_starts

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 30, 8, 0, tzinfo=UTC)


@pytest.fixture
def charger(db: None) -> ChargePoint:
    return ChargePoint.objects.create(identity="CP-1", ocpp_version="ocpp2.1")


def a_payment(charger: ChargePoint, state: str = "opened", interval: int = 1, **more: Any) -> WebPayment:
    values = {"expires_at": NOW + timedelta(minutes=5), "opened_at": NOW, "updated_at": NOW}
    return WebPayment.objects.create(
        charge_point=charger, evse_number=1, totp_interval=interval, state=state, **(values | more)
    )


def paid(row: WebPayment, reference: str = "PSP-1", **limits: float) -> tuple[WebPayment, bool]:
    return web_payments._pay(row.pk, psp_ref=reference, limits=limits, actor="psp", now=NOW)


def state(row: WebPayment) -> tuple[str, str]:
    row.refresh_from_db()
    return row.state, row.failure


# -- opening -------------------------------------------------------------------------------------------------


def test_each_password_opens_one_payment_of_each_evse(charger: ChargePoint, settings: Any) -> None:
    settings.OCPP_WEB_PAYMENTS_PERIOD = 120
    code = Verified(charger, 1, 7, {})

    first = web_payments._open(code, NOW)

    assert first is not None
    assert first.expires_at == NOW + timedelta(seconds=120)
    assert web_payments._open(code, NOW) is None
    assert web_payments._open(code._replace(evse=2), NOW) is not None
    assert web_payments._open(code._replace(interval=8), NOW) is not None


def test_a_limit_that_the_station_does_not_have_opens_nothing(charger: ChargePoint) -> None:
    with pytest.raises(Conflict, match="supports maxCost"):
        web_payments._open(Verified(charger, 1, 7, {"maxCost": 5}), NOW)

    assert not WebPayment.objects.exists()


@at_once
async def test_a_station_that_is_away_takes_no_payment(
    charger: ChargePoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_at_once(monkeypatch)
    live.reset()

    with pytest.raises(StationOffline):
        await web_payments.begin(Verified(charger, 1, 7, {}))

    assert not WebPayment.objects.exists()


# -- paying --------------------------------------------------------------------------------------------------


def test_a_payment_is_confirmed_once(charger: ChargePoint) -> None:
    row = a_payment(charger, max_energy_wh=20_000.0, max_time_s=600)

    confirmed, is_new = paid(row, maxCost=12.5, maxTime=900)

    assert is_new
    assert (confirmed.state, confirmed.psp_ref, confirmed.confirmed_by) == ("paid", "PSP-1", "psp")
    row.refresh_from_db()
    assert (row.max_cost, row.max_energy_wh, row.max_time_s) == (Decimal("12.5"), 20_000, 600)
    assert web_payments.limits_of(row) == {"maxCost": 12.5, "maxEnergy": 20_000, "maxTime": 600}
    again, is_new = paid(row)
    assert (again.pk, is_new) == (row.pk, False)
    with pytest.raises(Conflict, match="another reference"):
        paid(row, "PSP-2")


def test_one_reference_confirms_one_payment(charger: ChargePoint) -> None:
    paid(a_payment(charger))
    other = a_payment(charger, interval=2)

    with pytest.raises(Conflict, match="Another payment"):
        paid(other)

    assert state(other) == ("opened", "")


@pytest.mark.parametrize(
    "columns",
    [{"state": "expired"}, {"state": "failed"}, {"expires_at": NOW}],
    ids=lambda one: next(iter(one)),
)
def test_a_payment_that_has_ended_is_not_confirmed(charger: ChargePoint, columns: dict[str, Any]) -> None:
    row = a_payment(charger, **columns)

    with pytest.raises(Conflict, match="cancel it"):
        paid(row)

    assert row.psp_ref == ""


def a_command(charger: ChargePoint, state: str, **more: Any) -> Command:
    return Command.objects.create(
        id="c-1",
        charge_point=charger,
        action="RequestStartTransaction",
        payload={},
        state=state,
        created_at=NOW,
        deadline_at=NOW,
        **more,
    )


@pytest.mark.parametrize(
    ("answer", "more", "found"),
    [
        ("accepted", {"status": "Accepted"}, ("started", "")),
        ("rejected", {"status": "Rejected"}, ("failed", "The station answered Rejected.")),
        ("error", {"error_code": "InternalError"}, ("failed", "The station answered InternalError.")),
        ("invalid", {}, ("failed", "The station answered invalid.")),
        ("timeout", {}, ("paid", "")),  # the session may still start
        ("disconnected", {}, ("paid", "")),
    ],
)
def test_the_answer_of_the_station_decides(
    charger: ChargePoint, answer: str, more: dict[str, Any], found: tuple[str, str]
) -> None:
    row = a_payment(charger, "paid", psp_ref="PSP-1")
    requested_starts.note(charger.pk, command_id="c-1", remote_start_id=1, payment="PSP-1", limits={}, at=NOW)

    web_payments._started(row.pk, a_command(charger, answer, **more))

    assert state(row) == found
    assert row.command_id == "c-1"
    # A cancelled payment must not be used by a session that starts late.
    assert [row.is_cancelled for row in RequestedStart.objects.all()] == [found[0] == "failed"]


# -- afterwards ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("before", "outcome", "after"),
    [
        ("paid", "waiting", ("started", "")),
        ("paid", "started", ("started", "")),
        ("started", "started", ("started", "")),
        ("paid", "refused", ("failed", "The station refused the remote start.")),
        ("started", "nothing", ("failed", web_payments._NO_SESSION)),
    ],
)
def test_the_remote_start_decides_later(
    charger: ChargePoint, before: str, outcome: str, after: tuple[str, str]
) -> None:
    a_command(charger, "timeout")
    RemoteStart.objects.create(
        command_id="c-1", charge_point=charger, id_token="P", outcome=outcome, created_at=NOW, expires_at=NOW
    )
    requested_starts.note(charger.pk, command_id="c-1", remote_start_id=1, payment="P", limits={}, at=NOW)
    row = a_payment(charger, before, psp_ref="P", command_id="c-1")

    web_payments.settle(NOW + timedelta(minutes=1))

    assert state(row) == after
    assert [row.is_cancelled for row in RequestedStart.objects.all()] == [after[0] == "failed"]


def test_a_start_whose_process_ended_is_found_by_its_payment(charger: ChargePoint) -> None:
    row = a_payment(charger, "paid", psp_ref="P")
    requested_starts.note(charger.pk, command_id="c-9", remote_start_id=1, payment="P", limits={}, at=NOW)

    web_payments.settle(NOW + timedelta(minutes=1))

    assert state(row) == ("paid", "")
    assert row.command_id == "c-9"


def test_a_payment_without_money_or_session_ends(charger: ChargePoint) -> None:
    opened = a_payment(charger)
    silent = a_payment(charger, "paid", 2, psp_ref="P", expires_at=NOW)

    web_payments.settle(NOW + timedelta(minutes=5))
    assert (state(opened), state(silent)) == (("opened", ""), ("paid", ""))

    web_payments.settle(NOW + timedelta(minutes=10, seconds=1))
    assert (state(opened), state(silent)) == (("expired", ""), ("failed", web_payments._NO_ANSWER))


def test_payments_that_were_never_made_are_deleted_later(
    charger: ChargePoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(web_payments, "DELETE_AT_ONCE", 1)
    for number, (word, reference, days) in enumerate(
        [
            ("expired", "", 31),
            ("failed", "", 32),
            ("failed", "P", 33),
            ("expired", "", 29),
            ("opened", "", 40),
        ]
    ):
        at = NOW - timedelta(days=days)
        a_payment(charger, word, number, psp_ref=reference, updated_at=at)

    def kept() -> set[int]:
        return set(WebPayment.objects.values_list("totp_interval", flat=True))

    web_payments.delete_unpaid(NOW)
    assert kept() == {0, 2, 3, 4}
    web_payments.delete_unpaid(NOW)
    assert kept() == {2, 3, 4}
