import pytest

from ocpp_server.checks import disagreements
from ocpp_server.protocol import schemas
from ocpp_server.protocol.actions import (
    _TABLE,
    ABOUT_MONEY,
    ACTIONS,
    ALWAYS_NEW,
    BEFORE_ACCEPTED,
    BLOCKS,
    BOTH,
    LOG_ON_DEMAND,
    RESTARTS,
    SENDS,
    TRANSACTIONAL,
    WHILE_PENDING,
    Fact,
    action,
    from_station,
    known,
    to_station,
)
from ocpp_server.protocol.registry import Registry, registry
from ocpp_server.protocol.versions import V16, V21, V201, VERSIONS


def serve(station, request):
    """A handler of the tests."""


def fully_served(without=()):
    registry = Registry()
    for version in VERSIONS:
        for name in from_station(version):
            if (version, name) not in without:
                registry.on(name, version)(serve)
    return registry


def handlers():
    """Every handler of a message that has one at most, with its action."""
    for role, find in (("on", registry.handler), ("reply", registry.reply_handler)):
        for version, name in registry.registered(role):
            yield name, find(version, name)


def test_every_handler_is_in_the_module_of_its_block():
    """Or in a module of the package, where a block has several."""
    for name, handler in handlers():
        module = f"{ACTIONS[name].app}.handlers.{ACTIONS[name].block}"
        assert f"{handler.__module__}.".startswith(f"{module}."), name


def test_the_table_has_102_rows():
    counts = {version: sum(version in row.versions for row in ACTIONS.values()) for version in VERSIONS}

    assert len(ACTIONS) == len(_TABLE) == 102
    assert counts == {V16: 39, V201: 64, V21: 91}


def test_2_1_contains_2_0_1_and_28_names_are_common_to_1_6_and_2_0_1():
    names = {
        version: {row.name for row in ACTIONS.values() if version in row.versions} for version in VERSIONS
    }

    assert names[V201] < names[V21]
    assert len(names[V16] & names[V201]) == 28


@pytest.mark.parametrize("version", VERSIONS)
def test_the_table_has_the_actions_the_schemas_have(version):
    assert from_station(version) | to_station(version) == schemas.actions_of(version)


def test_only_data_transfer_is_sent_by_both_sides():
    assert [row.name for row in ACTIONS.values() if row.direction == BOTH] == ["DataTransfer"]
    for version in VERSIONS:
        assert from_station(version) & to_station(version) == {"DataTransfer"}


def test_directions_are_those_of_the_specification():
    assert from_station(V16) == {
        "Authorize", "BootNotification", "DataTransfer", "DiagnosticsStatusNotification", "Heartbeat",
        "FirmwareStatusNotification", "LogStatusNotification", "MeterValues", "SecurityEventNotification",
        "SignCertificate", "SignedFirmwareStatusNotification", "StartTransaction", "StatusNotification",
        "StopTransaction",
    }  # fmt: skip
    assert from_station(V201) == {
        "Authorize", "BootNotification", "ClearedChargingLimit", "DataTransfer", "FirmwareStatusNotification",
        "Get15118EVCertificate", "GetCertificateStatus", "Heartbeat", "LogStatusNotification", "MeterValues",
        "NotifyChargingLimit", "NotifyCustomerInformation", "NotifyDisplayMessages", "NotifyEVChargingNeeds",
        "NotifyEVChargingSchedule", "NotifyEvent", "NotifyMonitoringReport", "NotifyReport",
        "PublishFirmwareStatusNotification", "ReportChargingProfiles", "ReservationStatusUpdate",
        "SecurityEventNotification", "SignCertificate", "StatusNotification", "TransactionEvent",
    }  # fmt: skip
    assert from_station(V21) - from_station(V201) == {
        "BatterySwap", "ClosePeriodicEventStream", "GetCertificateChainStatus", "NotifyDERAlarm",
        "NotifyDERStartStop", "NotifyPeriodicEventStream", "NotifyPriorityCharging", "NotifySettlement",
        "OpenPeriodicEventStream", "PullDynamicScheduleUpdate", "ReportDERControl", "VatNumberValidation",
    }  # fmt: skip


def test_every_block_has_actions_and_one_app():
    assert {row.block for row in ACTIONS.values()} == set(BLOCKS)


@pytest.mark.parametrize("row", ACTIONS.values(), ids=ACTIONS)
def test_the_facts_of_a_row_fit_its_direction_and_each_other(row):
    facts = set(row.facts)

    of_commands = {Fact.WHILE_PENDING, Fact.RESTARTS}
    assert row.is_to_station or not facts & of_commands
    assert row.is_from_station or facts <= of_commands
    assert not facts >= {Fact.TRANSACTIONAL, Fact.ALWAYS_NEW}, "an answer is either replayed or always new"
    assert Fact.ABOUT_MONEY not in facts or Fact.TRANSACTIONAL in facts
    assert Fact.UNANSWERED not in facts or row.versions == (V21,)


def test_the_actions_before_an_accepted_boot_are_those_of_the_specification():
    assert {"BootNotification", "NotifyReport"} == BEFORE_ACCEPTED
    assert {
        "ChangeConfiguration", "GetConfiguration", "TriggerMessage", "ExtendedTriggerMessage", "SetVariables",
        "GetVariables", "GetBaseReport", "GetReport", "Reset", "CertificateSigned", "InstallCertificate",
    } == WHILE_PENDING  # fmt: skip


def test_the_messages_that_a_station_keeps_until_they_are_answered_are_those_of_the_specification():
    """1.6 3.7.1 and 4.10; 2.0.1 E04 and J02."""
    assert {"StartTransaction", "StopTransaction", "TransactionEvent"} == ABOUT_MONEY
    assert ABOUT_MONEY | {"MeterValues"} == TRANSACTIONAL


def test_the_other_facts_belong_to_these_actions():
    assert {"BootNotification", "Heartbeat"} == ALWAYS_NEW
    assert {"Heartbeat"} == LOG_ON_DEMAND
    assert {"Reset"} == RESTARTS


def test_an_action_belongs_to_versions():
    assert known("StartTransaction")
    assert not known("StartTransactions")
    assert action("StartTransaction", V16).block == "transactions"
    assert action("StartTransaction", V201) is None
    assert not action("Reset", V16).is_from_station


def test_an_action_without_a_response_is_a_send():
    without_response = {name for name in schemas.actions_of(V21) if not schemas.has(V21, name, "response")}

    assert without_response == SENDS


def test_table_schemas_and_handlers_agree_when_everything_is_served():
    assert list(disagreements(fully_served())) == []


def test_the_check_finds_an_action_without_a_handler():
    registry = fully_served(without={(V16, "Heartbeat")})

    assert [number for number, _ in disagreements(registry)] == ["ocpp.E003"]
