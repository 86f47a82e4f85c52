"""The energy of a session: registers in any order, with fractions, as text, empty lists, after a restart."""

from __future__ import annotations

import asyncio
import json
from datetime import datetime, timedelta

import pytest

from tests.conformance.messages import deviations, event, new_transaction, start, stop
from tests.conformance.peer import V16, V21, V201, Refused, at, fresh, reasons, station


def values(*samples, minutes=0.0, **more):
    """One element of a list of meter values from samples (value, context)."""
    sampled = [{"value": value, "context": context, **more} for value, context in samples]
    return {"timestamp": at(minutes), "sampledValue": sampled}


@pytest.fixture(params=[V201, V21])
def version(request):
    return request.param


# -- the context decides -------------------------------------------------------------------------------------

PERIODIC, CLOCK, TRIGGER = "Sample.Periodic", "Sample.Clock", "Trigger"
BEGIN, END = "Transaction.Begin", "Transaction.End"


@pytest.mark.parametrize("is_one_element", [True, False])
async def test_H4_02_a_begin_after_the_end_in_one_message_lowers_nothing(
    server, records, version, is_one_element
):
    transaction, last = new_transaction(), [(1500, END), (1000, BEGIN)]
    listed = [values(*last)] if is_one_element else [values(one) for one in last]
    async with station(server, version) as peer:
        begun = [values((1000, BEGIN), minutes=-5)]
        await peer.call("TransactionEvent", event("Started", transaction, 0, minutes=-5, meterValue=begun))
        await peer.call("TransactionEvent", event("Ended", transaction, 1, meterValue=listed))

    row = records.transaction(peer.identity)
    assert (row["energy_wh"], row["meter_start_wh"], row["meter_stop_wh"]) == (500, 1000, 1500)
    assert reasons(row) == set()


async def test_H4_02_the_same_in_the_transaction_data_of_1_6(server, records):
    async with station(server) as peer:
        number = (await peer.call("StartTransaction", start(minutes=-5)))["transactionId"]
        data = [values(("1500", END)), values(("1000", BEGIN))]
        await peer.call("StopTransaction", stop(number, meter=1500, transactionData=data))

    row = records.transaction(peer.identity)
    assert (row["energy_wh"], row["meter_start_wh"], row["meter_stop_wh"]) == (500, 1000, 1500)
    assert reasons(row) <= {"connector-unknown"}


@pytest.mark.parametrize("order", [(0, 1, 2, 3, 4), (4, 3, 2, 1, 0), (3, 0, 4, 2, 1)])
async def test_every_context_of_one_moment_in_any_order_live_and_final(server, records, version, order):
    moment = [(1000, BEGIN), (1500, PERIODIC), (1500, CLOCK), (1500, TRIGGER), (1500, END)]
    listed = [values(*[moment[place] for place in order])]
    async with station(server, version) as peer:
        transaction = new_transaction()
        await peer.call("TransactionEvent", event("Started", transaction, 0, minutes=-5))
        await peer.call("TransactionEvent", event("Updated", transaction, 1, meterValue=listed))
        live = records.transaction(peer.identity)
        await peer.call("TransactionEvent", event("Ended", transaction, 2, meterValue=listed))

    row = records.transaction(peer.identity)
    assert live["energy_wh"] == row["energy_wh"] == 500
    assert (row["meter_stop_wh"], reasons(row)) == (1500, set())


@pytest.mark.parametrize("pair", [(1400, 1500), (1500, 1400)])
async def test_a_contradiction_of_one_moment_is_flagged_and_the_highest_counts(server, records, pair):
    async with station(server) as peer:
        number = (await peer.call("StartTransaction", start(minutes=-30)))["transactionId"]
        listed = [values((str(pair[0]), PERIODIC), minutes=-10), values((str(pair[1]), CLOCK), minutes=-10)]
        listed[1]["timestamp"] = listed[0]["timestamp"]
        await peer.call("MeterValues", {"connectorId": 1, "transactionId": number, "meterValue": listed})
        assert records.transaction(peer.identity)["energy_wh"] == 500
        await peer.call("StopTransaction", stop(number, meter=1500))

    row = records.transaction(peer.identity)
    assert row["energy_wh"] == 500
    assert "moment-contradicts" in reasons(row)


# -- rounding ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("reading", "unit"), [("400.4", "Wh"), ("0.4004", "kWh"), ("0.40", "kWh")])
async def test_a_whole_meter_stop_below_a_finer_reading_is_no_regression(server, records, reading, unit):
    async with station(server) as peer:
        number = (await peer.call("StartTransaction", start(meter=100, minutes=-30)))["transactionId"]
        listed = [values((reading, PERIODIC), minutes=-1, unit=unit)]
        await peer.call("MeterValues", {"connectorId": 1, "transactionId": number, "meterValue": listed})
        await peer.call("StopTransaction", stop(number, meter=400))

    row = records.transaction(peer.identity)
    assert (row["energy_wh"], row["meter_stop_wh"]) == (300, 400)
    assert reasons(row) <= {"connector-unknown"}


async def test_a_difference_beyond_rounding_is_a_regression(server, records):
    async with station(server) as peer:
        number = (await peer.call("StartTransaction", start(meter=100, minutes=-30)))["transactionId"]
        listed = [values(("402.5", PERIODIC), minutes=-1)]
        await peer.call("MeterValues", {"connectorId": 1, "transactionId": number, "meterValue": listed})
        await peer.call("StopTransaction", stop(number, meter=400))

    assert "meter-regression" in reasons(records.transaction(peer.identity))


async def test_numbers_of_the_api_are_as_exact_as_the_registers(server, operator, version):
    transaction = new_transaction()
    async with station(server, version) as peer:
        for seq_no, (kind, wh, context) in enumerate(
            [("Started", 0.1, BEGIN), ("Updated", 0.23962, PERIODIC), ("Ended", 0.23972, END)]
        ):
            listed = [values((wh, context), minutes=seq_no - 5, unitOfMeasure={"unit": "kWh"})]
            payload = event(kind, transaction, seq_no, minutes=seq_no - 5, meterValue=listed)
            await peer.call("TransactionEvent", payload)
    _, answer = await operator.request("GET", f"/api/v1/transactions?clientId={peer.identity}")
    (row,) = answer["data"]["transactions"]
    _, detail = await operator.request("GET", f"/api/v1/transactions/{row['transactionId']}")

    assert (row["energyWh"], row["meterStart"], row["meterStop"]) == (139.72, 100, 239.72)
    assert [one["value"] for one in detail["data"]["meterValues"]] == [100, 239.62, 239.72]
    assert "139.72 Wh" in detail["message"]


# -- starts, stops, and late readings ------------------------------------------------------------------------


async def test_a_start_ahead_of_a_reading_by_clock_and_register_is_flagged_and_not_moved(server, records):
    async with station(server) as peer:
        number = (await peer.call("StartTransaction", start(meter=5000, minutes=-10)))["transactionId"]
        for wh, minutes in (("1000", -15), ("5200", -5)):
            listed = [values((wh, PERIODIC), minutes=minutes)]
            await peer.call("MeterValues", {"connectorId": 1, "transactionId": number, "meterValue": listed})
        live = records.transaction(peer.identity)
        await peer.call("StopTransaction", stop(number, meter=5500))

    row = records.transaction(peer.identity)
    assert (live["energy_wh"], live["meter_start_wh"]) == (200, 5000)
    assert (row["energy_wh"], row["meter_start_wh"]) == (500, 5000)
    assert "meter-start-ahead" in reasons(live) & reasons(row)


async def test_a_reading_that_was_queued_before_a_reconnection_is_no_reset(server, records):
    identity = fresh()
    listed = {
        minutes: {"connectorId": 1, "meterValue": [values((wh, PERIODIC), minutes=minutes)]}
        for wh, minutes in (("1200", -20), ("1400", -10))
    }
    async with station(server, V16, identity) as peer:
        number = (await peer.call("StartTransaction", start(minutes=-30)))["transactionId"]
        await peer.call("MeterValues", listed[-10] | {"transactionId": number})
    async with station(server, V16, identity, boot=False) as peer:
        await peer.call("MeterValues", listed[-20] | {"transactionId": number})
        await peer.call("StopTransaction", stop(number, meter=1500, minutes=-1))

    row = records.transaction(identity)
    assert row["energy_wh"] == 500
    assert reasons(row) <= {"connector-unknown"}


async def test_a_reading_later_than_the_stop_does_not_count_whichever_comes_first(server, records):
    rows = []
    for is_first in (True, False):
        async with station(server, V201) as peer:
            transaction = new_transaction()
            first, last, late = (
                [values((wh, PERIODIC), minutes=minutes)]
                for wh, minutes in ((1000, -30), (1500, -5), (1900, -1))
            )
            begun = event("Started", transaction, 0, minutes=-30, meterValue=first)
            await peer.call("TransactionEvent", begun)
            ended = event("Ended", transaction, 1, minutes=-5, meterValue=last)
            updated = event("Updated", transaction, 2, minutes=-1, meterValue=late)
            for payload in (updated, ended) if is_first else (ended, updated):
                await peer.call("TransactionEvent", payload)
            rows.append(records.transaction(peer.identity))

    assert [(row["energy_wh"], row["meter_stop_wh"]) for row in rows] == [(500, 1500)] * 2


# -- values that the schema does not allow -------------------------------------------------------------------


@pytest.mark.parametrize("listed", [[], [{"timestamp": "2026-03-01T10:00:00Z", "sampledValue": []}], None])
async def test_H4_06_an_ended_event_without_samples_ends_the_session(server, records, version, listed):
    transaction = new_transaction()
    async with station(server, version) as peer:
        begun = [values((1000, BEGIN), minutes=-5)]
        await peer.call("TransactionEvent", event("Started", transaction, 0, minutes=-5, meterValue=begun))
        assert await peer.call("TransactionEvent", event("Ended", transaction, 1, meterValue=listed)) == {}
        identity = peer.identity

    row = records.transaction(identity)
    assert (row["status"], row["energy_wh"]) == ("ended", 0)
    assert set(await deviations(records, identity)) & {"empty-array", "null-property"}


@pytest.mark.parametrize("listed", [[], [{"timestamp": "2026-03-01T10:00:00Z", "sampledValue": []}], None])
async def test_H4_06_a_stop_of_1_6_without_samples_ends_the_session(server, records, listed):
    async with station(server) as peer:
        number = (await peer.call("StartTransaction", start(minutes=-5)))["transactionId"]
        await peer.call("StopTransaction", stop(number, meter=1500, transactionData=listed))
        assert await peer.call("MeterValues", {"connectorId": 1, "meterValue": listed}) == {}

    row = records.transaction(peer.identity)
    assert (row["status"], row["energy_wh"]) == ("ended", 500)


@pytest.mark.parametrize(
    ("meter_start", "meter_stop"), [(1000, 2000.4), ("1000", "2000"), (999.5, "2000.4"), (1000.4, 1999.5)]
)
async def test_H4_07_a_fraction_or_text_for_a_register_of_whole_wh(server, records, meter_start, meter_stop):
    async with station(server) as peer:
        begun = start(meter=meter_start, minutes=-30)
        number = (await peer.call("StartTransaction", begun))["transactionId"]
        assert await peer.call("StopTransaction", stop(number, meter=meter_stop)) == {}
        identity = peer.identity

    row = records.transaction(identity)
    assert (row["status"], row["energy_wh"], row["meter_start_wh"]) == ("ended", 1000, 1000)
    assert set(await deviations(records, identity)) & {"fraction-for-integer", "text-for-number"}


async def test_H4_10_one_object_where_a_list_is_wanted_is_a_list_of_one(server, operator, records):
    strict = fresh()
    await operator.provision(strict, validation="strict")
    listed = values(("3.00", PERIODIC), measurand="Energy.Active.Import.Register", unit="kWh")
    listed["sampledValue"] = listed["sampledValue"][0]
    async with station(server) as peer, station(server, V16, strict) as other:
        number = (await peer.call("StartTransaction", start(minutes=-30)))["transactionId"]
        payload = {"connectorId": 1, "transactionId": number, "meterValue": listed}
        assert await peer.call("MeterValues", payload) == {}
        with pytest.raises(Refused):
            await other.call("MeterValues", payload)
        identity = peer.identity

    (row,) = records.meter_values(identity)
    assert (row["value"], row["unit"], row["transaction_id"]) == (3000, "Wh", number)
    assert "object-for-list" in await deviations(records, identity)


# -- by the hour ---------------------------------------------------------------------------------------------


async def test_energy_is_booked_into_the_hours_it_was_drawn_in(server, records):
    full_hour = datetime.fromisoformat(at()).replace(minute=0, second=0)
    begun, middle, ended = (full_hour + timedelta(minutes=minutes) for minutes in (-90, -30, -15))
    async with station(server) as peer:
        payload = start(meter=1000) | {"timestamp": begun.isoformat()}
        number = (await peer.call("StartTransaction", payload))["transactionId"]
        listed = [values(("2000", PERIODIC)) | {"timestamp": middle.isoformat()}]
        await peer.call("MeterValues", {"connectorId": 1, "transactionId": number, "meterValue": listed})
        await peer.call("StopTransaction", stop(number, meter=2300) | {"timestamp": ended.isoformat()})

    row = records.transaction(peer.identity)
    first, second = (int((full_hour - timedelta(hours=hours)).timestamp()) for hours in (2, 1))
    assert json.loads(row["energy_by_hour"]) == {str(first): 500, str(second): 800}
    code, _ = await asyncio.to_thread(server.request, "GET", f"/api/v1/transactions/{number}")
    assert code == 200
