"""MQTT without a broker: topics and payloads, deletion, discovery, and what `set` messages mean."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest

from events.services.mqtt import commands, discovery, topics
from events.services.mqtt.commands import Wish
from events.services.mqtt.topics import Outlet, Session, StationState
from ocpp_server.domain import Invalid
from ocpp_server.environment.parsers import mqtt_topic, mqtt_url

NOW = datetime(2026, 11, 30, 12, 0, 47, tzinfo=UTC)
SESSION = Session(
    number=4712,
    started_at=NOW - timedelta(minutes=5),
    id_tag="04A1••••",
    is_charging=True,
    energy=7310.5,
    meter=1_204_500.0,
    power=11_040.0,
    soc=None,
)
STATION = StationState(
    identity="depot/CP+7",
    name="",
    is_online=True,
    vendor="ACME",
    model="One",
    firmware="",
    ocpp_version="1.6",
    error_code="",
    last_seen=NOW.replace(second=0),
    outlets=(Outlet(1, ("Charging",), True, SESSION), Outlet(2, ("Available",), False)),
)


def test_the_topics_of_a_station() -> None:
    assert topics.of_stations("ocpp", [STATION], NOW) == {
        f"ocpp/depot%2FCP%2B7/{name}": payload
        for name, payload in {
            "available": "online",
            "vendor": "ACME",
            "model": "One",
            "ocpp_version": "1.6",
            "error_code": "NoError",
            "last_seen": "2026-11-30T12:00:00Z",
            "1/status": "Charging",
            "1/iec_status": "C",
            "1/connected": "true",
            "1/charging": "true",
            "1/enabled": "true",
            "1/power_w": "11040",
            "1/energy_wh": "7310.5",
            "1/meter_wh": "1204500",
            "1/meter_kwh": "1204.5",
            "1/duration_s": "300",
            "1/transaction_id": "4712",
            "1/session_start": "2026-11-30T11:55:47Z",
            "1/id_tag": "04A1••••",
            "2/status": "Available",
            "2/iec_status": "A",
            "2/connected": "false",
            "2/charging": "false",
            "2/enabled": "false",
            "2/power_w": "0",
            "2/energy_wh": "0",
            "2/duration_s": "0",
            "2/transaction_id": "none",
            "2/session_start": "none",
            "2/id_tag": "none",
        }.items()
    }


@pytest.mark.parametrize(
    ("statuses", "session", "iec"),
    [
        (("Available",), None, "A"),
        (("Reserved",), None, "A"),
        (("Preparing",), None, "B"),
        (("SuspendedEV",), SESSION, "C"),
        (("SuspendedEV",), replace(SESSION, is_charging=False), "B"),
        (("Occupied",), replace(SESSION, is_charging=False), "B"),
        (("Occupied",), SESSION, "C"),
        (("Faulted",), SESSION, "F"),
        (("Unavailable",), None, "F"),
        (("Available", "Charging"), SESSION, "C"),
        (("Other:Sleeping",), None, "B"),
        (("",), None, None),
    ],
)
def test_the_state_of_iec_61851(statuses: tuple[str, ...], session: Session | None, iec: str | None) -> None:
    found = topics.of_outlet(Outlet(1, statuses, True, session), NOW)

    assert found.get("iec_status") == iec
    assert found["connected"] == ("true" if iec in ("B", "C") else "false")


def test_topics_of_deleted_stations_are_stale_and_the_meter_between_sessions_is_not() -> None:
    wanted = topics.of_stations("ocpp", [replace(STATION, outlets=(Outlet(1, ("Available",), True),))], NOW)
    at_broker = [
        *wanted,
        "ocpp/depot%2FCP%2B7/1/meter_wh",
        "ocpp/depot%2FCP%2B7/1/meter_kwh",
        "ocpp/depot%2FCP%2B7/1/soc_percent",
        "ocpp/gone/available",
        "ocpp/gone/1/meter_wh",
    ]

    assert topics.stale("ocpp", at_broker, wanted) == {
        "ocpp/depot%2FCP%2B7/1/soc_percent",
        "ocpp/gone/available",
        "ocpp/gone/1/meter_wh",
    }


def test_phases_keep_their_values_in_a_session_and_have_no_current_after_it() -> None:
    base = "ocpp/depot%2FCP%2B7/1"
    measured = {"current_l1_a": 16.0, "voltage_l1_v": 230.4}
    session = replace(SESSION, phases=measured)
    measuring = replace(STATION, outlets=(Outlet(1, ("Charging",), True, session, 16.0),))
    free = replace(STATION, outlets=(Outlet(1, ("Available",), True),))

    found = topics.of_stations("ocpp", [measuring], NOW)
    at_broker = {f"{base}/{name}": found[f"{base}/{name}"] for name in measured}
    silent = topics.of_phases("ocpp", at_broker, topics.of_stations("ocpp", [STATION], NOW))
    ended = topics.of_phases("ocpp", at_broker, topics.of_stations("ocpp", [free], NOW))

    assert at_broker == {f"{base}/current_l1_a": "16", f"{base}/voltage_l1_v": "230.4"}
    assert found[f"{base}/limit_a"] == "16"
    assert silent == at_broker
    assert ended == {f"{base}/current_l1_a": "0"}
    assert topics.of_phases("ocpp", {"ocpp/gone/1/current_l1_a": "3"}, found) == {}


@pytest.mark.parametrize(
    ("topic", "is_own"),
    [
        ("ocpp/A/available", True),
        ("ocpp/A/1/iec_status", True),
        ("ocpp/A/1/reset/set", False),
        ("ocpp/A/1/other", False),
        ("ocpp/A/x/status", False),
        ("ocpp/status", False),
        ("other/A/available", False),
    ],
)
def test_topics_of_other_programs_are_left_alone(topic: str, is_own: bool) -> None:
    assert topics.is_own("ocpp", topic) is is_own


def test_every_topic_is_recognised_as_an_own_one() -> None:
    phases = dict.fromkeys([*topics.CURRENTS.values(), *topics.VOLTAGES.values()], 1.0)
    session = replace(SESSION, soc=5.0, phases=phases)
    full = replace(STATION, firmware="1", outlets=(Outlet(1, ("Charging",), True, session, 16.0),))

    assert all(topics.is_own("home/ocpp", topic) for topic in topics.of_stations("home/ocpp", [full], NOW))
    for topic, payload in discovery.of_stations("home/ocpp", "ha", [full], with_commands=False).items():
        assert discovery.is_own("home/ocpp", "ha", topic, payload)
        assert not discovery.is_own("home", "ha", topic, payload)


def test_discovery_names_topics_that_exist() -> None:
    found = discovery.of_stations("ocpp", "homeassistant", [STATION], with_commands=True)
    stated = set(topics.of_stations("ocpp", [STATION], NOW)) | {"ocpp/status"}
    own = f"ocpp_{topics.node(STATION.identity)}"

    assert list(found) == [f"homeassistant/device/{name}/config" for name in (own, f"{own}_1", f"{own}_2")]
    outlet = orjson.loads(found[f"homeassistant/device/{own}_1/config"])
    assert outlet["dev"] == {
        "ids": [f"{own}_1"],
        "name": "depot/CP+7 1",
        "mf": "ACME",
        "mdl": "One",
        "via_device": own,
    }
    read = {part["stat_t"] for part in outlet["cmps"].values() if "stat_t" in part}
    unknown = {"soc_percent", "limit_a", *topics.CURRENTS.values()}
    assert read - stated == {f"ocpp/depot%2FCP%2B7/1/{name}" for name in unknown}
    assert {one["t"] for one in outlet["avty"]} <= stated
    sent = {part["cmd_t"] for part in outlet["cmps"].values() if "cmd_t" in part}
    assert all(commands.parsed("ocpp", topic, b"") is not None for topic in sent)


def test_discovery_has_no_commands_unless_they_are_allowed() -> None:
    found = discovery.of_stations("ocpp", "homeassistant", [STATION], with_commands=False)

    assert not any("cmd_t" in payload for payload in found.values())


@pytest.mark.parametrize(
    ("identity", "node"), [("CP-7_a", "CP-7_a"), ("CP 7", "CP_7_3e7a1d"), ("CP.7", "CP_7_")]
)
def test_ids_of_home_assistant_differ_when_identities_do(identity: str, node: str) -> None:
    assert topics.node(identity).startswith(node[:5])
    assert topics.node("CP 7") != topics.node("CP.7")


@pytest.mark.parametrize(
    ("topic", "wish"),
    [
        ("ocpp/depot%2F7/1/start/set", Wish("depot/7", 1, "start", "04A1")),
        ("ocpp/A/reset/set", Wish("A", None, "reset", "04A1")),
        ("ocpp/A/1/status", None),
        ("ocpp/A/1/start/set/x", None),
        ("ocpp/A/x/start/set", None),
        ("other/A/1/start/set", None),
        ("ocpp/set", None),
    ],
)
def test_a_wish_of_a_topic(topic: str, wish: Wish | None) -> None:
    assert commands.parsed("ocpp", topic, b" 04A1 ") == wish


@pytest.mark.parametrize(
    ("wish", "command"),
    [
        (Wish("A", 1, "start", "04A1"), ("remote-start", {"connectorId": 1, "idTag": "04A1"})),
        (Wish("A", 1, "start", ""), ("remote-start", {"connectorId": 1, "idTag": "HOME"})),
        (Wish("A", 1, "charge", "true"), ("remote-start", {"connectorId": 1, "idTag": "HOME"})),
        (Wish("A", 1, "charge", "false"), ("remote-stop", {"transactionId": 7})),
        (Wish("A", 1, "stop", ""), ("remote-stop", {"transactionId": 7})),
        (Wish("A", 1, "unlock", ""), ("unlock", {"connectorId": 1})),
        (Wish("A", 2, "enable", "False"), ("availability", {"connectorId": 2, "type": "Inoperative"})),
        (
            Wish("A", 2, "max_current", "7.5"),
            (
                "set-charging-profile",
                {
                    "connectorId": 2,
                    "chargingProfilePurpose": "TxDefaultProfile",
                    "chargingRateUnit": "A",
                    "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 7.5}],
                },
            ),
        ),
        (Wish("A", None, "reset", "hard"), ("reset", {"type": "Hard"})),
        (Wish("A", None, "reset", ""), ("reset", {"type": "Soft"})),
    ],
)
def test_the_command_of_a_wish(wish: Wish, command: tuple[str, dict[str, Any]], settings: Any) -> None:
    settings.MQTT_ID_TAG = "HOME"

    assert commands.command_of(wish, 7) == command


@pytest.mark.parametrize(
    ("wish", "field"),
    [
        (Wish("A", 1, "start", ""), "payload"),
        (Wish("A", 1, "enable", "on"), "payload"),
        (Wish("A", 1, "max_current", "-1"), "payload"),
        (Wish("A", 1, "max_current", "16A"), "payload"),
        (Wish("A", 1, "max_current", "nan"), "payload"),
        (Wish("A", None, "max_current", "16"), "topic"),
        (Wish("A", 1, "stop", ""), "topic"),
        (Wish("A", 1, "reset", ""), "topic"),
        (Wish("A", None, "start", "x"), "topic"),
        (Wish("A", 1, "explode", ""), "topic"),
    ],
)
def test_a_wish_without_a_command(wish: Wish, field: str, settings: Any) -> None:
    settings.MQTT_ID_TAG = ""

    with pytest.raises(Invalid) as refused:
        commands.command_of(wish, None)
    assert refused.value.field == field


@pytest.mark.parametrize("url", ["", "mqtt://broker", "mqtts://u:p%40w@[::1]:8883/"])
def test_an_address_of_a_broker(url: str) -> None:
    assert mqtt_url(url) == url


@pytest.mark.parametrize(
    "url", ["broker:1883", "http://broker", "mqtt://", "mqtt://u:pw@h:x", "mqtt://h/a?b"]
)
def test_no_address_of_a_broker(url: str) -> None:
    with pytest.raises(ValueError, match="is not an address such as") as refused:
        mqtt_url(url)
    assert "pw" not in str(refused.value).replace("user:password@", "")


@pytest.mark.parametrize("topic", ["/ocpp", "ocpp/", "a+b", "#", "a b"])
def test_no_topic(topic: str) -> None:
    with pytest.raises(ValueError, match="is not a topic"):
        mqtt_topic(topic)
    assert mqtt_topic("home/ocpp") == "home/ocpp"
