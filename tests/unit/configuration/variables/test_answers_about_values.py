"""The answers to changes and readings: what they decide about desired values and about passwords."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from chargepoints.models import ChargePoint
from configuration.handlers import variables
from configuration.models import DesiredValue, ReportedKey
from ocpp_server.live.unit_of_work import store
from ocpp_server.protocol.versions import V16, V201
from ocpp_server.transport.handshake.authentication import hash_password, verify
from tests.direct.station import DirectStation

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("units_at_once")]

Make = Callable[..., Awaitable[DirectStation]]
Run = Callable[..., Awaitable[Any]]
State = DesiredValue.State
NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)


async def want(run_orm: Run, garage: DirectStation, *keys: str, **columns: Any) -> None:
    usual = {"value": "60", "charge_point_id": garage.pk}
    for key in keys:
        await run_orm(DesiredValue.objects.create, key=key, **(usual | columns))


async def states(run_orm: Run) -> dict[str, tuple[str, str]]:
    rows = await run_orm(lambda: list(DesiredValue.objects.values_list("key", "state", "reason")))
    return {key: (state, reason) for key, state, reason in rows}


def variable(name: str, **more: Any) -> dict[str, Any]:
    return {"component": {"name": "C"}, "variable": {"name": name}} | more


@pytest.mark.parametrize(
    ("word", "state"),
    [
        ("Accepted", State.SAME),
        ("RebootRequired", State.PENDING_REBOOT),
        ("NotSupported", State.UNKNOWN_KEY),
        ("Rejected", State.REFUSED),
        ("Later", State.REFUSED),  # no word of OCPP
    ],
)
async def test_the_word_of_a_1_6_station_decides(station: Make, run_orm: Run, word: str, state: str) -> None:
    garage = await station(V16)
    await want(run_orm, garage, "A")

    await variables.configuration_changed(garage.station, {"key": "a", "value": "60"}, {"status": word}, "c")

    assert await states(run_orm) == {"A": (state, "")}


async def test_the_word_for_each_variable_of_a_2_x_station_decides(station: Make, run_orm: Run) -> None:
    garage = await station(V201)
    words = {
        "Accepted": State.SAME,
        "RebootRequired": State.PENDING_REBOOT,
        "UnknownComponent": State.UNKNOWN_KEY,
        "UnknownVariable": State.UNKNOWN_KEY,
        "Rejected": State.REFUSED,
        "NotSupportedAttributeType": State.REFUSED,
    }
    await want(run_orm, garage, *(f"C.{word}" for word in words))
    data = [variable(word, attributeValue="60") for word in words]
    results = [variable(word, attributeStatus=word) for word in words]

    await variables.variables_set(
        garage.station, {"setVariableData": data}, {"setVariableResult": results}, "c"
    )

    assert await states(run_orm) == {f"C.{word}": (state, "") for word, state in words.items()}


@pytest.mark.parametrize(
    ("info", "reason"),
    [
        ({"reasonCode": "OutOfRange", "additionalInfo": "1 to 9"}, "OutOfRange: 1 to 9"),
        ({"reasonCode": "OutOfRange"}, "OutOfRange"),
        ({"reasonCode": "OutOfRange", "additionalInfo": ""}, "OutOfRange"),
        (None, ""),
    ],
)
async def test_the_reason_of_a_2_x_station_is_stored(
    station: Make, run_orm: Run, info: dict[str, str] | None, reason: str
) -> None:
    garage = await station(V201)
    await want(run_orm, garage, "C.A")
    result = variable("A", attributeStatus="Rejected", attributeStatusInfo=info)

    await variables.variables_set(
        garage.station,
        {"setVariableData": [variable("A", attributeValue="60")]},
        {"setVariableResult": [result]},
        "c",
    )

    assert await states(run_orm) == {"C.A": (State.REFUSED, reason)}


async def test_names_that_a_1_6_station_does_not_know_are_unknown(station: Make, run_orm: Run) -> None:
    garage = await station(V16)
    await want(run_orm, garage, "A", "B", "C")
    keys = [{"key": "B", "readonly": False, "value": "60"}]

    await variables.configuration_reported(
        garage.station, {}, {"configurationKey": keys, "unknownKey": ["A"]}, "c"
    )

    assert {key: state for key, (state, _) in (await states(run_orm)).items()} == {
        "A": State.UNKNOWN_KEY,
        "B": State.SAME,
        "C": State.NOT_REPORTED,
    }


async def test_names_that_a_2_x_station_does_not_know_are_unknown(station: Make, run_orm: Run) -> None:
    garage = await station(V201)
    words = ("UnknownComponent", "UnknownVariable", "Rejected", "NotSupportedAttributeType")
    await want(run_orm, garage, *(f"C.{word}" for word in words))
    results = [variable(word, attributeStatus=word) for word in words]

    await variables.variables_reported(garage.station, {}, {"getVariableResult": results}, "c")

    assert {key: state for key, (state, _) in (await states(run_orm)).items()} == {
        "C.UnknownComponent": State.UNKNOWN_KEY,
        "C.UnknownVariable": State.UNKNOWN_KEY,
        "C.Rejected": State.NOT_REPORTED,
        "C.NotSupportedAttributeType": State.NOT_REPORTED,
    }


async def test_nothing_unknown_deletes_nothing(station: Make, run_orm: Run) -> None:
    garage = await station(V16)
    row = {"key": "A", "value": "60", "reported_at": NOON}
    await run_orm(ReportedKey.objects.create, charge_point_id=garage.pk, **row)

    await variables.configuration_reported(garage.station, {}, {"unknownKey": []}, "c")

    assert await run_orm(ReportedKey.objects.count) == 1


# -- passwords -----------------------------------------------------------------------------------------------


PASSWORD = "a-password-of-a-key"  # 19 bytes
OLD = hash_password("of before")


async def passwords(run_orm: Run) -> list[str | None]:
    """The present and the next password: PASSWORD is new, any other one is old."""
    row = await run_orm(ChargePoint.objects.get)
    return [
        None if not stored else "new" if await verify(stored, PASSWORD.encode()) else "old"
        for stored in (row.password_hash, row.next_password_hash)
    ]


async def answer(garage: DirectStation, word: str) -> None:
    if garage.is_16:
        change = {"key": "AuthorizationKey", "value": PASSWORD.encode().hex()}
        await variables.configuration_changed(garage.station, change, {"status": word}, "c")
    else:
        named = {"component": {"name": "SecurityCtrlr"}, "variable": {"name": "BasicAuthPassword"}}
        await variables.variables_set(
            garage.station,
            {"setVariableData": [named | {"attributeValue": PASSWORD}]},
            {"setVariableResult": [named | {"attributeStatus": word}]},
            "c",
        )
    await store(garage.station.unit.take())


@pytest.mark.parametrize("version", [V16, V201])
@pytest.mark.parametrize(
    ("word", "found"),
    [
        ("Accepted", ["new", None]),
        ("RebootRequired", ["old", "new"]),
        ("Rejected", ["old", None]),
        ("Later", ["old", "new"]),  # no word of OCPP proves nothing
    ],
)
async def test_the_answer_to_a_new_password_decides_which_ones_are_valid(
    station: Make, run_orm: Run, version: str, word: str, found: list[str | None]
) -> None:
    garage = await station(version, password_hash=OLD)

    await answer(garage, word)

    assert await passwords(run_orm) == found


@pytest.mark.parametrize("version", [V16, V201])
async def test_a_password_is_stored_neither_as_reported_nor_as_the_reason(
    station: Make, run_orm: Run, version: str
) -> None:
    garage = await station(version, password_hash=OLD)

    await answer(garage, "Accepted")

    assert await run_orm(ReportedKey.objects.count) == 0


async def test_the_answer_about_another_key_leaves_the_password(station: Make, run_orm: Run) -> None:
    old, new = await station(V16, password_hash=OLD), {"key": "A", "value": PASSWORD}

    await variables.configuration_changed(old.station, new, {"status": "Accepted"}, "c")
    await store(old.station.unit.take())

    assert await passwords(run_orm) == ["old", None]
