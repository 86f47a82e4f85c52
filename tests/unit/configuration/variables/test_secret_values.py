"""The value of a secret key or variable is kept in no message, report or event, and no page shows it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.contrib.admin import site

from chargepoints.models import ChargePoint
from chargepoints.services.diagnostics import device_events
from configuration.admin.evidence import ReportedKeyAdmin, StoredKeyAdmin
from configuration.models import ReportedKey, StoredKey
from configuration.services.variables import catalogue, reported
from ocpp_server.live.station import Station
from ocpp_server.observability.masking import MASK, masked, masked_text
from ocpp_server.protocol.translate import Place

SECRET = "hunter-2-hunter"

# The names of a component and of a variable with their instances, of which one names a secret.
NAMES = [
    ("SecurityCtrlr", "", "BasicAuthPassword", ""),
    ("NetworkConfiguration", "1", "VpnPassword", ""),
    ("NetworkConfiguration", "1", "ApnPassword", ""),
    ("Wifi", "", "Parameter", "Passphrase"),
    ("Parameter", "ClientSecret", "Value", ""),
    ("PasswordStore", "", "Entry", "1"),
]


def described(names: tuple[str, str, str, str], **more: Any) -> dict[str, Any]:
    parts = {}
    for part, name, instance in (("component", *names[:2]), ("variable", *names[2:])):
        parts[part] = {"name": name} | ({"instance": instance} if instance else {})
    return parts | more


def messages(names: tuple[str, str, str, str]) -> list[tuple[str, dict[str, Any]]]:
    """The messages of both dialects that hold the value of a variable."""
    attribute = {"type": "Actual", "value": SECRET}
    key = ".".join(name for name in names if name)
    return [
        ("ChangeConfiguration", {"key": key, "value": SECRET}),
        ("GetConfiguration", {"configurationKey": [{"key": key, "readonly": False, "value": SECRET}]}),
        ("SetVariables", {"setVariableData": [described(names, attributeValue=SECRET)]}),
        ("GetVariables", {"getVariableResult": [described(names, attributeValue=SECRET)]}),
        ("NotifyReport", {"reportData": [described(names, variableAttribute=[attribute])]}),
        ("NotifyEvent", {"eventData": [described(names, actualValue=SECRET, techInfo=SECRET)]}),
        ("NotifyMonitoringReport", {"monitor": [described(names, variableMonitoring=[{"value": SECRET}])]}),
        ("SetVariableMonitoring", {"setMonitoringData": [described(names, value=SECRET)]}),
    ]


@pytest.mark.parametrize("names", NAMES)
def test_the_value_is_masked_in_every_message(names: tuple[str, str, str, str]) -> None:
    for action, payload in messages(names):
        text = json.dumps(payload)
        assert SECRET not in json.dumps(masked(payload, action)), action
        assert SECRET not in masked_text(text, action), action
        assert text.count(SECRET) == masked_text(text, action).count(MASK), action


@pytest.mark.parametrize("names", NAMES)
def test_the_value_is_masked_in_an_event_of_the_device(names: tuple[str, str, str, str]) -> None:
    shown, remark = device_event(names, SECRET, f"was {SECRET}")

    assert (shown, remark) == (MASK, MASK)
    assert device_event(names, SECRET, "") == (MASK, "")


def test_the_value_of_another_variable_is_stored_with_its_addresses_masked() -> None:
    found = device_event(("Ocpp", "", "Url", ""), f"wss://cp:{SECRET}@example.com", f"password={SECRET}")

    assert found == (f"wss://{MASK}@example.com", f"password={MASK}")


def device_event(names: tuple[str, str, str, str], value: str, remark: str) -> tuple[Any, Any]:
    import asyncio

    station = Station(pk=1, identity="CP-1", version="ocpp2.0.1")
    asyncio.run(
        device_events.record(
            station=station,
            event_id=1,
            component=names[0],
            component_instance=names[1],
            place=Place(None, None),
            variable=names[2],
            variable_instance=names[3],
            trigger="Delta",
            actual_value=value,
            tech_code="",
            tech_info=remark,
            is_cleared=False,
            at=station.received_at,
        )
    )
    ((table, row),) = station.unit.inserts
    columns = dict(zip(table.names, row, strict=True))
    return columns["actual_value"], columns["tech_info"]


@pytest.mark.parametrize("names", NAMES)
def test_a_report_names_the_variable_so_that_its_secret_is_recognised(
    names: tuple[str, str, str, str],
) -> None:
    attribute = {"type": "Actual", "value": SECRET}
    component = described(names)["component"] | {"evse": {"id": 1, "connectorId": 2}}
    for data in (
        described(names, variableAttribute=[attribute]),
        described(names, variableAttribute=[attribute]) | {"component": component},
    ):
        (name,) = reported.of_report([data])
        assert catalogue.is_secret(name), name


@pytest.mark.django_db(transaction=True)
async def test_a_reported_secret_is_not_stored_and_an_earlier_row_of_it_is_deleted() -> None:
    from ocpp_server.storage.journal import journal

    def create() -> int:
        row = ChargePoint.objects.create(identity="CP-1")
        ReportedKey.objects.create(
            charge_point=row, key="WifiPSK", value=SECRET, reported_at="2026-01-01T00:00:00Z"
        )
        return row.pk

    keys: dict[str, tuple[str | None, bool]] = {
        "WifiPSK": (SECRET, False),
        "SecurityCtrlr.BasicAuthPassword": (SECRET, False),
        "Wifi.Parameter[Passphrase]": (SECRET, False),
        "Url": (f"wss://cp:{SECRET}@example.com", False),
        "HeartbeatInterval": ("60", True),
        "Empty": (None, False),
    }
    journal.start()
    try:
        station = Station(pk=await journal.run(create), identity="CP-1", version="ocpp1.6")
        reported.store(station=station, keys=keys)
        await journal.commit(station.unit)
        rows = await journal.run(lambda: dict(ReportedKey.objects.values_list("key", "value")))
    finally:
        await journal.stop()

    assert rows == {"Url": f"wss://{MASK}@example.com", "HeartbeatInterval": "60", "Empty": None}


@pytest.mark.parametrize(("admin", "row"), [(StoredKeyAdmin, StoredKey), (ReportedKeyAdmin, ReportedKey)])
def test_the_admin_masks_the_value_of_a_secret_key(admin: Any, row: Any) -> None:
    shown = admin(row, site)

    assert shown.masked_value(row(key="AuthorizationKey", value=SECRET)) == MASK
    assert shown.masked_value(row(key="SecurityCtrlr.BasicAuthPassword", value=SECRET)) == MASK
    assert shown.masked_value(row(key="AuthorizationKey", value="")) == ""
    assert shown.masked_value(row(key="HeartbeatInterval", value="60")) == "60"
    assert "masked_value" in admin.list_display and "value" not in admin.list_display


def test_a_write_only_key_is_a_secret_whatever_its_name() -> None:
    secret = {key.name for key in catalogue.CATALOGUE.values() if key.is_secret}

    assert "AuthorizationKey" in secret
    assert secret == {
        name for name in (key.name for key in catalogue.CATALOGUE.values()) if catalogue.is_secret(name)
    }
    assert secret.isdisjoint(catalogue.names())


def test_a_write_only_key_of_the_table_is_secret_by_any_name(monkeypatch: pytest.MonkeyPatch) -> None:
    key = catalogue.Key("Plain", "", str, "W")
    monkeypatch.setitem(catalogue.CATALOGUE, "plain", key)  # type: ignore[arg-type]

    assert (catalogue.is_secret("PLAIN"), catalogue.is_secret("Other")) == (True, False)


def test_a_station_has_at_most_5000_reported_keys() -> None:
    assert reported.MOST_PER_STATION == 5_000
