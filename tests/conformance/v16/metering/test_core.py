"""OCPP 1.6 Core: power failure, offline, metering, and messages that are only stored."""

from __future__ import annotations

import pytest

from tests.conformance.messages import start, stop
from tests.conformance.peer import V16, Refused, at, eventually, fresh, reasons, station

# -- metering ------------------------------------------------------------------------------------------------

_EVERY_KIND = [
    {"value": "1500"},
    {"value": "1.5", "measurand": "Energy.Active.Import.Register", "unit": "kWh", "context": "Sample.Clock"},
    {"value": "11", "measurand": "Power.Active.Import", "unit": "kW"},
    {"value": "16.1", "measurand": "Current.Import", "unit": "A", "phase": "L1", "location": "Outlet"},
    {"value": "230.5", "measurand": "Voltage", "unit": "V", "phase": "L1-N"},
    {"value": "80", "measurand": "SoC", "unit": "Percent", "location": "EV"},
    {"value": "25", "measurand": "Temperature", "unit": "Celsius", "location": "Body"},
    {"value": "25", "measurand": "Temperature", "unit": "Celcius", "location": "Cable"},
    {"value": "a1b2c3==", "format": "SignedData", "context": "Transaction.Begin"},
]


async def test_16_032_1_power_loss(server, records):
    async with station(server) as peer:
        number = (await peer.call("StartTransaction", start(minutes=-30)))["transactionId"]
        peer.abort()

    async with station(server, V16, peer.identity) as peer:
        assert records.transaction(peer.identity)["status"] == "active"
        assert records.transaction(peer.identity)["is_interrupted"] == 1
        assert await peer.call("StopTransaction", stop(number, minutes=-20, reason="PowerLoss")) == {}

    row = records.transaction(peer.identity)
    assert (row["status"], row["stop_reason"], row["energy_wh"]) == ("ended", "PowerLoss", 4000)


async def test_16_037_1_an_offline_start_keeps_the_time_of_the_station(server, records):
    async with station(server) as peer:
        payload = start(minutes=-300)
        answer = await peer.call("StartTransaction", payload)

    row = records.transaction(peer.identity)
    assert answer["idTagInfo"]["status"] == "Accepted"
    assert row["started_at"][:19] == payload["timestamp"][:19].replace("T", " ")
    assert row["start_received_at"] > row["started_at"]
    assert row["was_offline"] == 1


async def test_16_037_3_an_offline_start_with_a_refused_tag_is_stored_and_flagged_when_energy_flowed(
    server, records
):
    async with station(server) as peer:
        answer = await peer.call("StartTransaction", start(tag="OFFLINEBAD", minutes=-60))
        await peer.call("StopTransaction", stop(answer["transactionId"], minutes=-30, reason="DeAuthorized"))

    row = records.transaction(peer.identity)
    assert answer["idTagInfo"]["status"] == "Invalid"
    assert answer["transactionId"] >= 1000
    assert (row["status"], row["stop_reason"]) == ("ended", "DeAuthorized")
    assert "charged-unauthorized" in reasons(row)


async def test_16_039_start_and_stop_back_to_back(server, records):
    async with station(server) as peer:
        number = (await peer.call("StartTransaction", start(minutes=-60)))["transactionId"]
        assert await peer.call("StopTransaction", stop(number, minutes=-30)) == {}

    row = records.transaction(peer.identity)
    assert (row["status"], row["energy_wh"], row["suspect"]) == ("ended", 4000, 0) or reasons(row) == {
        "connector-unknown"
    }


async def test_16_MV1_every_kind_of_value_is_a_row_with_its_unit_normalised(server, records):
    async with station(server) as peer:
        number = (await peer.call("StartTransaction", start(minutes=-1)))["transactionId"]
        answer = await peer.call(
            "MeterValues",
            {
                "connectorId": 1,
                "transactionId": number,
                "meterValue": [{"timestamp": at(), "sampledValue": _EVERY_KIND}],
            },
        )
        assert answer == {}

    rows = records.meter_values(peer.identity)
    assert [(row["measurand"], row["value"], row["unit"]) for row in rows[:5]] == [
        ("Energy.Active.Import.Register", 1500, "Wh"),
        ("Energy.Active.Import.Register", 1500, "Wh"),
        ("Power.Active.Import", 11000, "W"),
        ("Current.Import", 16.1, "A"),
        ("Voltage", 230.5, "V"),
    ]
    assert rows[1]["context"] == "Sample.Clock"
    assert (rows[3]["phase"], rows[3]["location"]) == ("L1", "Outlet")
    assert [row["unit"] for row in rows[6:8]] == ["Celsius", "Celsius"]
    assert (rows[8]["signed_data"], rows[8]["value"]) == ("a1b2c3==", None)
    assert {row["transaction_id"] for row in rows} == {number}
    row = records.transaction(peer.identity)
    assert (row["energy_wh"], row["power_w"], row["soc_percent"]) == (500, 11000, 80)


async def test_16_MV2_the_main_meter_and_values_without_a_transaction_are_stored(server, records):
    async with station(server) as peer:
        for number in (0, 1):
            values = {
                "connectorId": number,
                "meterValue": [{"timestamp": at(), "sampledValue": [{"value": "7"}]}],
            }
            assert await peer.call("MeterValues", values) == {}

    assert [(r["evse_number"], r["transaction_id"]) for r in records.meter_values(peer.identity)] == [
        (0, None),
        (1, None),
    ]


async def test_16_MV3_transaction_data_of_a_stop(server, records):
    async with station(server) as peer:
        number = (await peer.call("StartTransaction", start(minutes=-2)))["transactionId"]
        data = [
            {"timestamp": at(-2), "sampledValue": [{"value": "1000", "context": "Transaction.Begin"}]},
            {"timestamp": at(), "sampledValue": [{"value": "1900", "context": "Transaction.End"}]},
        ]
        assert await peer.call("StopTransaction", stop(number, meter=1900, transactionData=data)) == {}

    assert [row["context"] for row in records.meter_values(peer.identity)] == [
        "Transaction.Begin",
        "Transaction.End",
    ]
    row = records.transaction(peer.identity)
    assert (row["energy_wh"], row["meter_stop_wh"]) == (900, 1900)


async def test_16_MV4_an_unknown_measurand_is_stored_raw_or_refused_by_a_strict_server(
    server, operator, records
):
    values = {
        "connectorId": 1,
        "meterValue": [{"timestamp": at(), "sampledValue": [{"value": "7", "measurand": "Vibes"}]}],
    }
    strict = fresh()
    await operator.provision(strict, validation="strict")
    async with station(server) as peer, station(server, V16, strict) as other:
        assert await peer.call("MeterValues", values) == {}
        with pytest.raises(Refused) as refused:
            await other.call("MeterValues", values)

    assert records.meter_values(peer.identity)[0]["measurand"] == "Vibes"
    assert refused.value.code == "PropertyConstraintViolation"


async def test_16_064_data_transfer_of_an_unknown_vendor(server, records):
    async with station(server) as peer:
        for payload in ({"vendorId": "nobody"}, {"vendorId": "x", "messageId": "y", "data": "{}"}):
            assert await peer.call("DataTransfer", payload) == {"status": "UnknownVendorId"}

    # The log of messages is written slightly after the answers.
    await eventually(lambda: len(_transfers(records, peer.identity)) == 2)


def _transfers(records, identity):
    return [row for row in records.of("chargepoints_message", identity) if row["action"] == "DataTransfer"]


@pytest.mark.parametrize(
    ("action", "words", "column"),
    [
        ("FirmwareStatusNotification", ["Downloading", "Downloaded", "Installing", "Installed"], "firmware"),
        ("FirmwareStatusNotification", ["Downloading", "DownloadFailed"], "firmware"),
        ("FirmwareStatusNotification", ["Installing", "InstallationFailed"], "firmware"),
        ("DiagnosticsStatusNotification", ["Uploading", "Uploaded"], "diagnostics"),
        ("DiagnosticsStatusNotification", ["Uploading", "UploadFailed"], "diagnostics"),
    ],
    ids=["16-044-1", "16-044-2", "16-044-3", "16-045-1", "16-045-2"],
)
async def test_16_044_1_2_3_16_045_1_2_progress_is_answered_and_kept(server, records, action, words, column):
    async with station(server) as peer:
        for word in words:
            assert await peer.call(action, {"status": word}) == {}

    assert records.charge_point(peer.identity)[f"{column}_status"] == words[-1]


async def test_16_SEC_every_security_event_is_stored_known_or_not_and_late_ones_too(server, records):
    async with station(server) as peer:
        for number, kind in enumerate(("InvalidChargePointCertificate", "SettingSystemTime", "Unheard Of")):
            payload = {"type": kind, "timestamp": at(-60 * number)}
            assert await peer.call("SecurityEventNotification", payload) == {}

    assert [row["type"] for row in records.security_events(peer.identity)] == [
        "InvalidChargePointCertificate",
        "SettingSystemTime",
        "Unheard Of",
    ]
