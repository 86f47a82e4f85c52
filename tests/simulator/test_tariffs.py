"""Tariffs of a simulated station of OCPP 2.1."""

from __future__ import annotations

from simulator import V21, Misbehaviour
from tests.simulator.conftest import MakeStation
from tests.simulator.csms import Csms

PRICES = {"currency": "EUR", "energy": {"prices": [{"priceKwh": 0.25}]}}
SOON = {"validFrom": "2099-01-01T00:00:00Z"}


async def test_a_tariff_replaces_the_one_without_a_time(make_station: MakeStation, csms: Csms) -> None:
    station = await make_station(V21, misbehaviour=Misbehaviour(loses_tariffs=True))

    for name, evse, more in (("A", 0, {}), ("B", 1, SOON), ("C", 1, {})):
        tariff = {"tariffId": name, **PRICES, **more}
        answer = await csms.call(station.identity, "SetDefaultTariff", {"evseId": evse, "tariff": tariff})
        assert answer == {"status": "Accepted"}
    shown = await csms.call(station.identity, "GetTariffs", {"evseId": 0})
    await station.reboot("RemoteReset")
    after = await csms.call(station.identity, "GetTariffs", {"evseId": 0})

    found = {one["tariffId"]: (one["evseIds"], one.get("validFrom")) for one in shown["tariffAssignments"]}
    assert found == {"A": ([2], None), "B": ([1], SOON["validFrom"]), "C": ([1], None)}
    assert after == {"status": "NoTariff"}


async def test_the_tariff_of_a_session_is_confirmed_by_an_event(
    make_station: MakeStation, csms: Csms
) -> None:
    station = await make_station(V21)
    session = station.begin(1, "ALICE", duration_s=3600)
    started = await csms.wait_for("TransactionEvent", eventType="Started")
    request = {
        "transactionId": started["transactionInfo"]["transactionId"],
        "tariff": {"tariffId": "A", **PRICES},
    }

    assert await csms.call(station.identity, "ChangeTransactionTariff", request) == {"status": "Accepted"}

    changed = await csms.wait_for("TransactionEvent", triggerReason="TariffChanged")
    assert changed["transactionInfo"]["tariffId"] == "A"
    session.cancel()


async def test_a_station_may_refuse_every_tariff(make_station: MakeStation, csms: Csms) -> None:
    station = await make_station(V21, misbehaviour=Misbehaviour(refuses_tariffs="ConditionNotSupported"))
    request = {"evseId": 0, "tariff": {"tariffId": "A", **PRICES}}

    answer = await csms.call(station.identity, "SetDefaultTariff", request)

    assert answer == {"status": "ConditionNotSupported"}
    assert station.tariffs.installed == {}
