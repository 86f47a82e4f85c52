"""The handlers of messages that follow a command, in every app: each is stored, answered and gathered."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from chargepoints.services.follow_ups.gathering import Request, compute
from chargepoints.services.follow_ups.table import FOLLOWS
from chargepoints.tables import FOLLOW_UPS
from ocpp_server.protocol import registry
from ocpp_server.protocol.versions import V16, V21, V201, VERSIONS
from ocpp_server.storage.journal import journal
from ocpp_server.storage.unit import Unit
from tests.unit.chargepoints.in_memory import NOON, STATION, a_station, handled, rows

REJECTED = {"status": "Rejected"}

LIMIT = {"chargingLimitSource": "EMS"}
# The action, its object in the request, and how the stored row refers to it.
MESSAGES: list[tuple[str, dict[str, Any], int | None, str]] = [
    ("NotifyMonitoringReport", {"requestId": 8}, 8, ""),
    ("NotifyCustomerInformation", {"requestId": 8}, 8, ""),
    ("NotifyDisplayMessages", {"requestId": 8, "messageInfo": []}, 8, ""),
    (
        "ReportChargingProfiles",
        {"requestId": 8, "chargingLimitSource": "CSO", "evseId": 1, "chargingProfile": []},
        8,
        "",
    ),
    ("ReportDERControl", {"requestId": 8}, 8, ""),
    ("PublishFirmwareStatusNotification", {"requestId": 8, "status": "Idle"}, 8, ""),
    (
        "BatterySwap",
        {
            "requestId": 8,
            "eventType": "BatteryIn",
            "idToken": {"idToken": "A", "type": "Central"},
            "batteryData": [],
        },
        8,
        "",
    ),
    ("NotifyChargingLimit", {"evseId": 8, "chargingLimit": LIMIT}, None, "evseId 8"),
    ("ClearedChargingLimit", {"evseId": 8, **LIMIT}, None, "evseId 8 chargingLimitSource EMS"),
    ("NotifyEVChargingNeeds", {"evseId": 8}, None, "evseId 8"),
    ("NotifyEVChargingSchedule", {"evseId": 8}, None, "evseId 8"),
    ("NotifyPriorityCharging", {"transactionId": "T", "activated": True}, None, "transactionId T"),
    ("PullDynamicScheduleUpdate", {"chargingProfileId": 8}, None, "chargingProfileId 8"),
    ("NotifyDERAlarm", {"controlType": "Droop"}, None, "controlType Droop"),
    ("NotifyDERStartStop", {"controlId": "D", "started": True}, None, "controlId D"),
    (
        "OpenPeriodicEventStream",
        {"constantStreamData": {"id": 8, "variableMonitoringId": 1, "params": {}}},
        None,
        "",
    ),
    ("ClosePeriodicEventStream", {"id": 8}, None, "id 8"),
]  # fmt: skip
ANSWERS: dict[tuple[str, str], dict[str, Any]] = {
    ("NotifyEVChargingNeeds", V201): REJECTED,
    ("NotifyEVChargingNeeds", V21): {"status": "NoChargingProfile"},
    ("NotifyEVChargingSchedule", V201): {"status": "Accepted"},
    ("NotifyEVChargingSchedule", V21): {"status": "Accepted"},
    ("PullDynamicScheduleUpdate", V21): REJECTED | {"statusInfo": {"reasonCode": "InvalidProfile"}},
    ("OpenPeriodicEventStream", V21): {"status": "Accepted"},
}


class Computed:
    """The requests whose rows are computed after a message."""

    def __init__(self) -> None:
        self.calls: list[tuple[Request, datetime, datetime, str]] = []

    async def run(self, function: Any, *given: Any, **times: Any) -> None:
        self.note(function, *given, **times)

    def note(self, function: Any, *given: Any, **times: Any) -> None:
        # A status of a log is followed by its own service too.
        if function is compute:
            (wanted,) = given
            self.calls.append((wanted, times["since"], times["now"], times.get("accepted", "")))


@pytest.fixture
def computed(monkeypatch: pytest.MonkeyPatch) -> Computed:
    made = Computed()
    monkeypatch.setattr(journal, "run", made.run)
    monkeypatch.setattr(Unit, "run", lambda _unit, *given, **times: made.note(*given, **times))
    return made


@pytest.mark.parametrize(("action", "request_", "number", "reference"), MESSAGES)
async def test_a_message_is_stored_and_answered(
    computed: Computed, action: str, request_: dict[str, Any], number: int | None, reference: str
) -> None:
    """Nothing is known about the message: `computed` finds no rows."""
    served = [version for version in VERSIONS if registry.handler(version, action)]
    assert V21 in served

    for version in served:
        station = a_station(version=version)
        answer = await handled(registry.handler(version, action), station, action, request_)  # type: ignore[arg-type]

        (row,) = rows(station, FOLLOW_UPS)
        assert (row["action"], row["request_id"], row["reference"]) == (action, number, reference)
        assert answer == ANSWERS.get((action, version), {})


@pytest.mark.parametrize("action", [name for name, follows in FOLLOWS.items() if follows.commands])
async def test_after_the_answer_a_message_is_connected_with_its_command(
    computed: Computed, action: str
) -> None:
    version = V21 if registry.handler(V21, action) else V16
    station = a_station(version=version)
    station.action = action

    for after in registry.after_handlers(version, action):
        await after(station, {FOLLOWS[action].number: 8})

    assert computed.calls == [(Request(STATION, action, 8), NOON, NOON, "")]


@pytest.mark.parametrize(
    ("request_", "is_connected"),
    [
        ({"status": "Idle"}, False),
        ({"status": "Uploading"}, True),
        ({"status": "Idle", "requestId": 8}, True),
    ],
)
async def test_an_idle_status_without_a_number_belongs_to_no_command(
    computed: Computed, request_: dict[str, Any], is_connected: bool
) -> None:
    station = a_station(version=V21)
    station.action = "LogStatusNotification"

    for after in registry.after_handlers(V21, station.action):
        await after(station, request_)

    assert [wanted.number for wanted, *_ in computed.calls] == (
        [request_.get("requestId")] if is_connected else []
    )


REPORTS = {
    "GetBaseReport": "NotifyReport",
    "GetReport": "NotifyReport",
    "GetMonitoringReport": "NotifyMonitoringReport",
    "CustomerInformation": "NotifyCustomerInformation",
    "GetDisplayMessages": "NotifyDisplayMessages",
    "GetChargingProfiles": "ReportChargingProfiles",
    "GetDERControl": "ReportDERControl",
}


@pytest.mark.parametrize(("command", "report"), REPORTS.items())
async def test_an_accepted_command_begins_its_report(computed: Computed, command: str, report: str) -> None:
    answered = registry.reply_handler(V21, command)
    assert answered is not None

    request_ = {"requestId": 8, "chargingProfile": {}, "clear": False}
    await answered(a_station(version=V21, action=command), request_, {"status": "Accepted"}, "c")

    ((wanted, since, now, accepted),) = computed.calls
    assert (wanted, now, accepted) == (Request(STATION, report, 8), NOON, "c")
    assert (now - since).total_seconds() == 120


@pytest.mark.parametrize(
    ("request_", "response"),
    [({"requestId": 8}, REJECTED), ({"requestId": 8}, {}), ({}, {"status": "Accepted"})],
)
async def test_no_report_begins_without_acceptance_and_a_number(
    computed: Computed, request_: dict[str, Any], response: dict[str, Any]
) -> None:
    answered = registry.reply_handler(V21, "GetReport")
    assert answered is not None

    await answered(a_station(version=V21), request_, response, "c")

    assert computed.calls == []
