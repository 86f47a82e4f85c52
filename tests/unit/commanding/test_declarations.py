"""Declarations of commands: the registry, the arguments, the capability check and the spellings."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import Any

import pytest

from chargepoints.commands.availability import CHANGE_AVAILABILITY
from chargepoints.commands.data_transfer import DATA_TRANSFER
from chargepoints.commands.display import CLEAR_DISPLAY_MESSAGE
from chargepoints.commands.provisioning import RESET
from configuration.commands.variables import CHANGE_CONFIGURATION
from ocpp_server import command_fields as fields
from ocpp_server import commanding
from ocpp_server.api.command_bodies import body_of
from ocpp_server.command_docs import PAGE, commands_page
from ocpp_server.commanding import OperatorCommand, command, commands
from ocpp_server.domain import Invalid
from ocpp_server.protocol import schemas
from ocpp_server.protocol.actions import ACTIONS, BLOCKS
from ocpp_server.protocol.translate import ChargingProfile, Period, Schedule
from ocpp_server.protocol.versions import V16, V21, V201, VERSIONS, Version
from smart_charging.commands.smart_charging.clearing import CLEAR_CHARGING_PROFILE
from tariffs.commands.payment import NOTIFY_WEB_PAYMENT
from tariffs.commands.tariff import CLEAR_TARIFFS, GET_TARIFFS
from transactions.commands.remote_control.trigger import TRIGGER
from transactions.commands.remote_control.unlock import UNLOCK
from transactions.commands.transactions import TRANSACTION_STATUS


@dataclass(frozen=True)
class Row:
    """The row of a station, as far as a declaration reads it."""

    ocpp_version: str
    pk: int = 1
    identity: str = "CP-1"
    registration_status: str = "Accepted"


def test_two_commands_with_one_name_or_one_address_are_refused() -> None:
    with pytest.raises(ValueError, match="reset"):
        command("reset", "Reset", "Restart the station.", action="Reset")
    with pytest.raises(ValueError, match="commands"):
        command("commands", "Commands", "Send commands.", action="Reset")


def test_every_declaration_is_in_the_file_of_its_actions_block() -> None:
    """With actions of two blocks, it is in the file of one of them."""
    strangers = []
    for one in commands():
        rows = [ACTIONS[action] for action in one.actions]
        assert all(row.is_to_station for row in rows)
        owners = {f"{BLOCKS[row.block]}.commands.{row.block}" for row in rows}
        modules = _modules_with(one)
        if rows and not any(f"{module}.".startswith(f"{owner}.") for module in modules for owner in owners):
            strangers.append((one.name, modules))

    assert strangers == []


def _modules_with(one: OperatorCommand) -> list[str]:
    return [
        name
        for name, module in list(sys.modules.items())
        if ".commands" in name and any(value is one for value in vars(module).values())
    ]


def test_names_of_arguments_and_of_the_api_are_unique_within_a_command() -> None:
    for one in commands():
        for names in ([field.argument for field in one.fields], [field.name for field in one.fields]):
            assert len(set(names)) == len(names), one.name


@pytest.mark.parametrize("version", VERSIONS)
def test_every_command_is_spelled_where_the_table_has_its_action(version: Version) -> None:
    for one in commands():
        action = one.action_of(version)
        assert not action or version in ACTIONS[action].versions or one.unsupported(Row(version), {})


@pytest.mark.parametrize("version", VERSIONS)
def test_every_payload_fits_the_schema_of_its_version(version: Version) -> None:
    """With all fields that such a station can use, and with the required ones alone."""
    checked = 0
    for one in commands():
        action = one.action_of(version)
        if one.run is not None or one.unsupported(Row(version), {}):
            continue
        at_station = one.fields_at(Row(version))
        for wanted in (at_station, tuple(field for field in at_station if field.required)):
            given = {field.argument: sample(field) for field in wanted if field.argument != "force"}
            schemas.outgoing(version, action, "request", one.payload(version, given))
            checked += 1

    assert checked > 14


class Stopped:
    """A transaction, as far as a remote stop reads it."""

    number_at_station = 7
    ocpp_id = "7"


# The profile of a remote start, as `prepare` has read it.
A_PROFILE = ChargingProfile(
    id=3,
    stack_level=0,
    purpose="TxProfile",
    kind="Relative",
    schedule=Schedule(unit="A", periods=(Period(0, 16.0),)),
)


def sample(field: fields.Field) -> Any:
    """A valid value of a field."""
    if field.argument == "message":
        return "StatusNotification"
    if field.argument == "key":
        return "OCPPCommCtrlr.HeartbeatInterval"
    if field.argument == "charging_profile":
        return A_PROFILE
    if isinstance(field, fields.Choice):
        return field.values[0]
    if isinstance(field, fields.Whole):
        return field.least or 1
    if isinstance(field, fields.Transaction):
        return Stopped()
    return field.default or field.example or "x"


@pytest.mark.parametrize(
    ("one", "version", "given", "payload"),
    [
        (CHANGE_AVAILABILITY, V16, {"type": "Operative"}, {"connectorId": 0, "type": "Operative"}),
        (
            CHANGE_AVAILABILITY,
            V201,
            {"type": "Operative", "evse_number": 0},
            {"operationalStatus": "Operative"},
        ),
        (
            CHANGE_AVAILABILITY,
            V21,
            {"type": "Inoperative", "evse_number": 2},
            {"operationalStatus": "Inoperative", "evse": {"id": 2}},
        ),
        (DATA_TRANSFER, V16, {"vendor_id": "v", "data": {"a": 1}}, {"vendorId": "v", "data": '{"a":1}'}),
        (DATA_TRANSFER, V16, {"vendor_id": "v", "data": "text"}, {"vendorId": "v", "data": "text"}),
        (DATA_TRANSFER, V201, {"vendor_id": "v", "data": {"a": 1}}, {"vendorId": "v", "data": {"a": 1}}),
        (UNLOCK, V16, {"evse_number": 2}, {"connectorId": 2}),
        (UNLOCK, V201, {"evse_number": 2}, {"evseId": 2, "connectorId": 1}),
        (UNLOCK, V21, {"evse_number": 2, "connector_number": 3}, {"evseId": 2, "connectorId": 3}),
        (
            CHANGE_AVAILABILITY,
            V201,
            {"type": "Operative", "evse_number": 2, "connector_number": 3},
            {"operationalStatus": "Operative", "evse": {"id": 2, "connectorId": 3}},
        ),
        (TRANSACTION_STATUS, V201, {}, {}),
        (TRANSACTION_STATUS, V21, {"transaction": Stopped()}, {"transactionId": Stopped().ocpp_id}),
        (
            TRIGGER,
            V21,
            {"message": "CustomTrigger", "custom_trigger": "Custom1"},
            {"requestedMessage": "CustomTrigger", "customTrigger": "Custom1"},
        ),
        (
            TRIGGER,
            V16,
            {"message": "Heartbeat", "evse_number": 1},
            {"requestedMessage": "Heartbeat", "connectorId": 1},
        ),
        (
            TRIGGER,
            V201,
            {"message": "StatusNotification", "evse_number": 1},
            {"requestedMessage": "StatusNotification", "evse": {"id": 1, "connectorId": 1}},
        ),
        (CHANGE_CONFIGURATION, V16, {"key": "A", "value": ""}, {"key": "A", "value": ""}),
        (CLEAR_DISPLAY_MESSAGE, V201, {"message_id": 5}, {"id": 5}),
        (
            CLEAR_CHARGING_PROFILE,
            V16,
            {"evse_number": 0, "purpose": "ChargingStationMaxProfile"},
            {"connectorId": 0, "chargingProfilePurpose": "ChargePointMaxProfile"},
        ),
        (
            CLEAR_CHARGING_PROFILE,
            V201,
            {"stack_level": 2, "purpose": "ChargePointMaxProfile"},
            {
                "chargingProfileCriteria": {
                    "stackLevel": 2,
                    "chargingProfilePurpose": "ChargingStationMaxProfile",
                }
            },
        ),
        (CLEAR_CHARGING_PROFILE, V21, {"profile_id": 7}, {"chargingProfileId": 7}),
        (CLEAR_TARIFFS, V21, {}, {}),
        (CLEAR_TARIFFS, V21, {"tariff_ids": ["A"], "evse_number": 1}, {"tariffIds": ["A"], "evseId": 1}),
        (GET_TARIFFS, V21, {}, {"evseId": 0}),
        (NOTIFY_WEB_PAYMENT, V21, {"evse_number": 1, "timeout_s": 60}, {"evseId": 1, "timeout": 60}),
    ],
)
def test_a_command_is_spelled_in_the_dialect_of_the_station(
    one: OperatorCommand, version: str, given: dict[str, Any], payload: dict[str, Any]
) -> None:
    assert one.payload(version, given) == payload


def test_a_command_that_the_version_lacks_has_its_reason() -> None:
    assert CLEAR_DISPLAY_MESSAGE.unsupported(Row(V16), {}) == "OCPP 1.6 has no ClearDisplayMessage."
    assert CLEAR_DISPLAY_MESSAGE.unsupported(Row(""), {}) == "CP-1 has never connected."
    assert CLEAR_DISPLAY_MESSAGE.unsupported(Row(V201), {}) == ""


@pytest.mark.parametrize(
    ("one", "version", "reported", "reason"),
    [
        (CLEAR_DISPLAY_MESSAGE, V21, {"DisplayMessageCtrlr.Available": "true"}, ""),
        (CLEAR_DISPLAY_MESSAGE, V21, {"DisplayMessageCtrlr.Available": ""}, ""),
        (
            CLEAR_DISPLAY_MESSAGE,
            V21,
            {"DisplayMessageCtrlr.Available": "false"},
            "DisplayMessageCtrlr.Available=false",
        ),
        (TRIGGER, V16, {"SupportedFeatureProfiles": "Core, remotetrigger"}, ""),
        (TRIGGER, V16, {"SupportedFeatureProfiles": ""}, ""),
        (
            TRIGGER,
            V16,
            {"SupportedFeatureProfiles": "Core"},
            "SupportedFeatureProfiles without RemoteTrigger",
        ),
        (TRIGGER, V201, {}, ""),
    ],
)
def test_what_a_station_has_reported_about_itself_decides(
    one: OperatorCommand, version: str, reported: dict[str, str], reason: str
) -> None:
    found = one.unsupported(Row(version), reported)

    assert found == (reason and f"This station does not support it, because it reports {reason}.")


@pytest.mark.parametrize(
    ("version", "given", "payload"),
    [
        (V16, {}, {"type": "Soft"}),
        (V16, {"type": "Immediate"}, {"type": "Hard"}),
        (V201, {"type": "Soft"}, {"type": "OnIdle"}),
        (V201, {"type": "Hard", "evse_number": 2}, {"type": "Immediate", "evseId": 2}),
        (V21, {"type": "ImmediateAndResume"}, {"type": "ImmediateAndResume"}),
    ],
)
def test_reset_is_spelled_in_both_dialects(
    version: str, given: dict[str, Any], payload: dict[str, Any]
) -> None:
    assert RESET.payload(version, given) == payload


def test_a_1_6_station_resets_as_a_whole() -> None:
    with pytest.raises(Invalid, match=r"OCPP 1\.6 can only reset the whole station"):
        RESET.payload(V16, {"evse_number": 1})
    assert [field.argument for field in RESET.fields_at(Row(V16))] == ["type"]


def test_only_a_reset_that_ends_sessions_asks_for_a_confirmation() -> None:
    assert RESET.confirmation(Row(V16), {}) == "Running sessions at this station will end."
    assert RESET.confirmation(Row(V201), {"type": "Hard"}) == "Running sessions at this station will end."
    assert RESET.confirmation(Row(V201), {"type": "Soft"}) == ""


def test_without_a_spelling_the_payload_has_the_fields_by_their_api_names() -> None:
    plain = OperatorCommand("x", "X", "Do x.", fields=(fields.Evse("evse_number", "EVSE", name="evseId"),))

    assert plain.payload(V201, {"evse_number": 5}) == {"evseId": 5}


def test_an_argument_without_a_field_is_refused_and_none_counts_as_not_given() -> None:
    assert RESET.completed({"type": None, "evse_number": None}) == {"type": "Soft"}
    with pytest.raises(TypeError, match="colour"):
        RESET.completed({"colour": "red"})


def test_the_choices_of_a_field_depend_on_the_station() -> None:
    (message, *_others) = TRIGGER.fields_at(Row(V16))

    assert isinstance(message, fields.Choice)
    assert "DiagnosticsStatusNotification" in message.values


def test_an_announced_package_is_imported_when_the_commands_are_asked_for() -> None:
    names = [one.name for one in commands()]

    assert {"reset", "trigger", "send"} <= set(names)
    assert names[-1] == "send"
    assert commanding.find("reset") is RESET


def test_every_command_has_a_body_with_its_fields() -> None:
    for one in commands():
        shown = body_of(one)().fields

        assert set(shown) == {field.name for field in one.fields} | {"timeout"}
        required = {name for name, field in shown.items() if field.required}
        assert required == {field.name for field in one.fields if field.required}


def test_a_body_becomes_the_arguments_of_the_command() -> None:
    body = body_of(TRIGGER)(data={"requestedMessage": "Heartbeat", "connectorId": 2, "timeout": 5})

    assert body.is_valid()
    assert body.validated_data == {"message": "Heartbeat", "evse_number": 2, "timeout": 5}


def test_the_page_of_commands_is_current() -> None:
    """Write it with `manage.py command_docs`."""
    assert PAGE.read_text() == commands_page()
