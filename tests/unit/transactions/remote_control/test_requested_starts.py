"""Remote starts with limits or a payment: the limits allowed, and the sessions for which a payment counts."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from chargepoints.models import ChargePoint, Command
from ocpp_server.domain import Invalid
from ocpp_server.live.records import TransactionState
from ocpp_server.live.station import Station
from ocpp_server.protocol.translate import IdToken, lowest
from ocpp_server.protocol.versions import V16, V21, V201, Version
from tests.unit.transactions.at_once import at_once, run_at_once
from transactions.models import RemoteStart, RequestedStart, Transaction
from transactions.services.authorization import direct_payments
from transactions.services.authorization.direct_payments import Payment
from transactions.services.remote_control import requested_starts

NOON = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
PAID = IdToken("PSP-1", "DirectPayment")
CLOSED = Payment({}, is_open=False)


@pytest.mark.parametrize(
    ("given", "found"),
    [
        ({"maxCost": 12.5}, {"maxCost": 12.5}),
        (
            {"maxEnergy": 0, "maxTime": 2**31 - 1, "maxSoC": 100},
            {"maxEnergy": 0, "maxTime": 2**31 - 1, "maxSoC": 100},
        ),
        ({"maxCost": 1e9}, {"maxCost": 1e9}),
    ],
)
def test_limits_are_numbers_by_their_names(given: dict[str, Any], found: dict[str, float]) -> None:
    assert requested_starts.checked_limits(given) == found


@pytest.mark.parametrize(
    "given",
    [
        {"maxPower": 1},
        {"maxCost": -0.1},
        {"maxCost": "50"},
        {"maxCost": True},
        {"maxCost": None},
        {"maxCost": float("nan")},
        {"maxCost": float("inf")},
        {"maxEnergy": 1e9 + 1},
        {"maxTime": 2**31},
        {"maxTime": 1.5},
        {"maxSoC": 101},
        {"maxSoC": 80.5},
    ],
)
def test_other_limits_are_refused(given: dict[str, Any]) -> None:
    with pytest.raises(Invalid) as refused:
        requested_starts.checked_limits(given)

    assert refused.value.field == "limits"


@pytest.mark.parametrize(("version", "has_it"), [(V16, False), (V201, False), (V21, True)])
def test_only_2_1_has_payments_as_tokens(version: Version, has_it: bool) -> None:
    assert requested_starts.has_direct_payment(version) is has_it


def test_of_two_limits_the_lower_one_counts() -> None:
    assert lowest({"maxCost": 5, "maxTime": 60}, {"maxCost": 4, "maxEnergy": 9}) == {
        "maxCost": 4,
        "maxTime": 60,
        "maxEnergy": 9,
    }
    assert lowest({}, {}) == {}


# -- the payments of a station -------------------------------------------------------------------------------


@pytest.fixture
def orm(monkeypatch: pytest.MonkeyPatch, db: None) -> Any:
    return run_at_once(monkeypatch)


@pytest.fixture
def charger(db: None) -> ChargePoint:
    return ChargePoint.objects.create(identity="CP-1")


def noted(charger: ChargePoint, command_id: str = "c-1", **more: Any) -> None:
    values = {"remote_start_id": 7, "payment": "PSP-1", "limits": {"maxCost": 50}, "at": NOON}
    requested_starts.note(charger.pk, command_id=command_id, **(values | more))


def answered(charger: ChargePoint, outcome: str, *, session: int | None = None) -> None:
    Command.objects.create(
        id="c-1",
        charge_point=charger,
        action="RequestStartTransaction",
        payload={},
        created_at=NOON,
        deadline_at=NOON,
    )
    if session is not None:
        Transaction.objects.create(
            id=session,
            ocpp_id=str(session),
            charge_point=charger,
            started_at=NOON,
            start_received_at=NOON,
            last_message_at=NOON,
        )
    RemoteStart.objects.create(
        command_id="c-1",
        charge_point=charger,
        id_token="PSP-1",
        id_token_type="DirectPayment",
        outcome=outcome,
        transaction_id=session,
        created_at=NOON,
        expires_at=NOON,
    )


def a_station(charger: ChargePoint) -> Station:
    return Station(pk=charger.pk, identity="CP-1", version=V21)


async def found(charger: ChargePoint, token: IdToken = PAID, *, is_start: bool = True) -> Payment | None:
    """The payment at this station, which has no session of it."""
    return await direct_payments.find(a_station(charger), token, is_start=is_start)


@at_once
async def test_a_payment_counts_before_its_remote_start_is_answered(orm: Any, charger: ChargePoint) -> None:
    noted(charger)

    assert await found(charger) == await found(charger, is_start=False) == Payment({"maxCost": 50})


@pytest.mark.parametrize(
    ("outcome", "session", "payment"),
    [
        ("waiting", None, Payment({"maxCost": 50})),
        ("nothing", None, Payment({"maxCost": 50})),  # the driver took longer than expected
        ("refused", None, CLOSED),
        ("started", 4711, CLOSED),
    ],
)
@at_once
async def test_a_payment_counts_for_one_session(
    orm: Any, charger: ChargePoint, outcome: str, session: int | None, payment: Payment
) -> None:
    noted(charger)
    answered(charger, outcome, session=session)

    assert await found(charger) == payment


@pytest.mark.parametrize("outcome", ["", "waiting", "nothing"])
@at_once
async def test_no_session_uses_a_cancelled_payment(orm: Any, charger: ChargePoint, outcome: str) -> None:
    other = ChargePoint.objects.create(identity="CP-2")
    noted(charger)
    noted(other, "c-2")
    if outcome:
        answered(charger, outcome)

    requested_starts.cancel(charger.pk, "PSP-1")

    assert await found(charger) == CLOSED
    assert await found(other) == Payment({"maxCost": 50})


@at_once
async def test_a_start_through_the_door_for_every_action_counts_without_limits(
    orm: Any, charger: ChargePoint
) -> None:
    answered(charger, "waiting")

    assert await found(charger) == Payment({})


@pytest.mark.parametrize(
    ("token", "payment"),
    [
        (IdToken("PSP-1", "Central"), None),
        (IdToken("PSP-3", "DirectPayment"), None),  # such as of the station's own terminal
        (IdToken("", "DirectPayment"), None),
        (IdToken("PSP-2", "DirectPayment"), CLOSED),  # of another station
    ],
)
@at_once
async def test_other_tokens_are_no_payments_of_this_station(
    orm: Any, charger: ChargePoint, token: IdToken, payment: Payment | None
) -> None:
    noted(charger)
    noted(charger, "c-2", payment="")
    noted(ChargePoint.objects.create(identity="CP-2"), "c-3", payment="PSP-2")

    assert await found(charger, token) == payment


@pytest.mark.parametrize(
    ("verdict", "kind", "is_start", "payment"),
    [
        ("Accepted", "DirectPayment", False, Payment({})),
        ("Accepted", "DirectPayment", True, None),
        ("Accepted", "Central", False, None),
        ("Invalid", "DirectPayment", False, None),
    ],
)
@at_once
async def test_a_payment_may_end_its_own_session(
    orm: Any, charger: ChargePoint, *, verdict: str, kind: str, is_start: bool, payment: Any
) -> None:
    station = a_station(charger)
    station.transactions[1] = TransactionState(
        id=1,
        ocpp_id="1",
        station="CP-1",
        id_token="PSP-1",
        id_token_type=kind,
        authorization_status=verdict,
        started_at=NOON,
        last_message_at=NOON,
    )

    assert await direct_payments.find(station, PAID, is_start=is_start) == payment


def test_old_requests_are_deleted(charger: ChargePoint) -> None:
    noted(charger, "c-1")
    noted(charger, "c-2", at=NOON + timedelta(seconds=1))

    requested_starts.delete_old(NOON + requested_starts.KEPT + timedelta(seconds=1))

    assert [row.pk for row in RequestedStart.objects.all()] == ["c-2"]
    assert (requested_starts.limits_of("c-2"), requested_starts.limits_of("c-1")) == ({"maxCost": 50}, {})
    requested_starts.forget("c-2")
    assert not RequestedStart.objects.exists()
