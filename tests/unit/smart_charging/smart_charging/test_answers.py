"""The answers about charging profiles: which are ended, what is stored, and the events."""

from __future__ import annotations

from typing import Any

import pytest

from chargepoints.services.follow_ups import gathering
from ocpp_server.live.station import Station
from ocpp_server.protocol import registry
from ocpp_server.protocol.versions import V16, V21, V201
from smart_charging.live import INSTALLED, Installed
from smart_charging.services.smart_charging import installed
from smart_charging.services.smart_charging.installed import Criteria
from smart_charging.tables import INSTALLED_PROFILES
from tests.unit.chargepoints.in_memory import NOON, STATION, a_station, changed, events, handled, rows
from tests.unit.smart_charging.smart_charging.profiles import STATION_MAX, left, payload, with_profiles
from tests.unit.transactions.transactions.live_station import running

ACCEPTED, UNKNOWN = {"status": "Accepted"}, {"status": "Unknown"}


async def answered(station: Station, action: str, request: dict[str, Any], response: dict[str, Any]) -> None:
    handler = registry.reply_handler(station.version, action)
    assert handler is not None
    await handler(station, request, response, "c-1")


# -- clear and get -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "remains"),
    [
        ({}, []),
        ({"id": 1}, [2, 3]),
        ({"id": 4}, [1, 2, 3]),
        ({"id": 1, "connectorId": 2}, [1, 2, 3]),
        ({"connectorId": 2}, [1, 3]),
        ({"connectorId": 0}, [1, 2]),
        ({"chargingProfilePurpose": "ChargePointMaxProfile"}, [1, 2]),
        ({"chargingProfilePurpose": "TxDefaultProfile"}, [3]),
        ({"stackLevel": 0}, [2]),
        ({"stackLevel": 0, "connectorId": 0}, [1, 2]),
    ],
)
@pytest.mark.parametrize("version", [V16, V201, V21])
async def test_cleared_profiles_are_those_that_fit_everything_given(
    version: str, given: dict[str, Any], remains: list[int]
) -> None:
    station = with_profiles(version)
    request = dict(given)
    if version != V16:
        named = {"chargingProfileId": request.pop("id")} if "id" in request else {}
        if "connectorId" in request:
            request["evseId"] = request.pop("connectorId")
        request = named | ({"chargingProfileCriteria": request} if request else {})

    await answered(station, "ClearChargingProfile", request, ACCEPTED)

    assert left(station) == remains
    ended = {f"pk-{number}" for number in {1, 2, 3} - set(remains)}
    assert changed(station, INSTALLED_PROFILES) == dict.fromkeys(
        ended, {"state": "cleared", "ended_at": NOON}
    )


@pytest.mark.parametrize(("status", "state"), [("Accepted", "cleared"), ("Unknown", "missing"), ("Odd", "")])
async def test_the_answer_to_clear_tells_the_state(status: str, state: str) -> None:
    station = with_profiles(state_2="waiting")

    await answered(station, "ClearChargingProfile", {}, {"status": status})

    assert {data["state"] for _type, data in events(station)} == ({state} if state else set())
    assert left(station) == ([2] if state else [1, 2, 3])


@pytest.mark.parametrize(
    ("request_", "status", "remains"),
    [
        ({"chargingProfile": {}}, "NoProfiles", []),
        ({"chargingProfile": {}}, "Accepted", [1, 2, 3]),
        ({"evseId": 0, "chargingProfile": {}}, "NoProfiles", [1, 2]),
        ({"chargingProfile": {"chargingProfileId": [1, 3]}}, "NoProfiles", [2]),
        ({"chargingProfile": {"chargingProfilePurpose": STATION_MAX}}, "NoProfiles", [1, 2]),
        ({"chargingProfile": {"stackLevel": 0}}, "NoProfiles", [2]),
        ({"chargingProfile": {"chargingLimitSource": ["EMS", "CSO"]}}, "NoProfiles", []),
        ({"chargingProfile": {"chargingLimitSource": ["EMS"]}}, "NoProfiles", [1, 2, 3]),
    ],
)
async def test_profiles_that_a_station_does_not_have_are_missing(
    monkeypatch: pytest.MonkeyPatch, request_: dict[str, Any], status: str, remains: list[int]
) -> None:
    expected = []

    def expect(**given: Any) -> None:
        expected.append(given)

    monkeypatch.setattr(gathering, "expect", expect)
    station = with_profiles(V201)
    request_ = {"requestId": 8, **request_}

    await answered(station, "GetChargingProfiles", request_, {"status": status})

    assert left(station) == remains
    assert {data["state"] for _type, data in events(station)} <= {"missing"}
    assert expected == [
        {
            "station": station,
            "request": request_,
            "response": {"status": status},
            "command_id": "c-1",
        }
    ]


def test_nothing_given_fits_everything() -> None:
    one = Installed("pk", 1, 0, STATION_MAX, 0, "installed")

    assert Criteria().fit(one) and Criteria((1,), 0, STATION_MAX, 0).fit(one)
    assert not Criteria(()).fit(one)


# -- set -----------------------------------------------------------------------------------------------------


async def set_profile(station: Station, evse: int, profile: dict[str, Any], status: str = "Accepted") -> None:
    is_16 = station.version == V16
    names = ("connectorId", "csChargingProfiles") if is_16 else ("evseId", "chargingProfile")
    if not is_16:
        profile = {"id" if name == "chargingProfileId" else name: value for name, value in profile.items()}
    await answered(
        station, "SetChargingProfile", dict(zip(names, (evse, profile), strict=True)), {"status": status}
    )


@pytest.mark.parametrize("version", [V16, V201, V21])
async def test_an_accepted_profile_is_stored_and_announced(version: str) -> None:
    station = a_station(version=version)

    await set_profile(station, 2, payload(level=4))

    (row,) = rows(station, INSTALLED_PROFILES)
    stored = row.pop("payload")
    assert stored.get("chargingProfileId", stored.get("id")) == 9 and stored["stackLevel"] == 4
    (one,) = INSTALLED.of(station)
    assert row == {
        "id": one.pk,
        "charge_point_id": STATION,
        "command_id": "c-1",
        "transaction_id": None,
        "profile_id": 9,
        "evse_number": 2,
        "purpose": "TxDefaultProfile",
        "stack_level": 4,
        "kind": "Relative",
        "source": "CSO",
        "state": "installed",
        **dict.fromkeys(("waits_until", "update_interval_s", "push_at", "resumed_at")),
        "is_planned": False,
        "dynamic": None,
        "installed_at": NOON,
        "confirmed_at": None,
        "ended_at": None,
    }
    assert events(station) == [
        (
            "profile.changed",
            {
                "chargingProfileId": 9,
                "evseId": 2,
                "purpose": "TxDefaultProfile",
                "stackLevel": 4,
                "transactionId": None,
                "state": "installed",
                "requestId": "c-1",
            },
        )
    ]


@pytest.mark.parametrize("version", [V16, V201, V21])
async def test_a_rejected_profile_is_not_stored(version: str) -> None:
    station = a_station(version=version)

    await set_profile(station, 2, payload(), "Rejected")

    assert not INSTALLED.of(station) and not station.unit.inserts


@pytest.mark.parametrize(
    ("evse", "profile", "remains"),
    [
        (1, payload(), [2, 3, 9]),
        (0, payload(2), [1, 3, 2]),
        (1, payload(level=1), [1, 2, 3, 9]),
        (2, payload(), [1, 2, 3, 9]),
        (1, payload(purpose=STATION_MAX), [1, 2, 3, 9]),
        (0, payload(purpose="ChargePointMaxProfile"), [1, 2, 9]),
    ],
)
async def test_a_profile_replaces_that_of_its_id_and_that_of_its_place(
    evse: int, profile: dict[str, Any], remains: list[int]
) -> None:
    station = with_profiles()

    await set_profile(station, evse, profile)

    assert left(station) == remains
    assert len(changed(station, INSTALLED_PROFILES)) == 4 - len(remains)
    for columns in changed(station, INSTALLED_PROFILES).values():
        assert columns == {"state": "replaced", "ended_at": NOON}


async def test_a_profile_that_waits_for_its_session_is_not_replaced() -> None:
    station = with_profiles(state_1="waiting")

    await set_profile(station, 1, payload(1))

    assert left(station) == [1, 2, 3, 1]


@pytest.mark.parametrize(
    ("more", "evse", "number"),
    [
        ({}, 1, 1001),
        ({}, 2, 1002),
        ({}, 3, None),
        ({"transactionId": 1000}, 1, 1000),
        ({"transactionId": 1002}, 1, 1002),
        ({"transactionId": 1003}, 1, None),
        ({"purpose": "TxDefaultProfile"}, 1, None),
    ],
)
async def test_the_session_of_a_profile_is_the_named_one_or_the_newest_at_the_evse(
    more: dict[str, Any], evse: int, number: int | None
) -> None:
    station = a_station()
    for one in (running(1000), running(1001), running(1002, evse=2), running(1003, is_active=False)):
        station.transactions[one.id] = one

    await set_profile(station, evse, payload(**{"purpose": "TxProfile"} | more))

    (row,) = rows(station, INSTALLED_PROFILES)
    assert row["transaction_id"] == number
    assert events(station)[0][1]["transactionId"] == number


# -- reports and boots ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("source", ["CSO", "EMS", "SO", "x" * 70])
async def test_the_profiles_of_a_report_are_kept_with_their_source(source: str) -> None:
    station = a_station(version=V201)
    handler = registry.handler(V201, "ReportChargingProfiles")
    assert handler is not None
    request = {"requestId": 8, "chargingLimitSource": source, "evseId": 2, "chargingProfile": [payload()]}

    assert await handled(handler, station, "ReportChargingProfiles", request) == {}

    (one,) = INSTALLED.of(station)
    assert (one.profile_id, one.evse, one.command_id, one.source) == (9, 2, "", source[:64])
    (row,) = rows(station, INSTALLED_PROFILES)
    assert (row["command_id"], row["source"], row["confirmed_at"]) == (None, source[:64], NOON)
    assert [data["requestId"] for _type, data in events(station)] == [None]


def test_a_report_verifies_what_was_in_doubt_and_stores_each_profile_once() -> None:
    station = with_profiles(V201, state_1="unverified")

    reported = [payload(1), payload(2), payload(2)]
    installed.report(station=station, evse=1, payloads=reported, source="CSO")

    assert [(one.profile_id, one.evse) for one in INSTALLED.of(station)] == [(1, 1), (2, 2), (3, 0), (2, 1)]
    (added,) = rows(station, INSTALLED_PROFILES)
    confirmed = {"state": "installed", "confirmed_at": NOON}
    assert changed(station, INSTALLED_PROFILES) == {"pk-1": confirmed, added["id"]: confirmed}
    assert {one.state for one in INSTALLED.of(station)} == {"installed"}


def test_a_boot_leaves_only_installed_profiles_in_doubt() -> None:
    station = with_profiles(state_1="waiting", state_2="unverified")

    installed.doubt(station)

    assert [one.state for one in INSTALLED.of(station)] == ["waiting", "unverified", "unverified"]
    assert changed(station, INSTALLED_PROFILES) == {"pk-3": {"state": "unverified", "resumed_at": None}}
