"""The rules of decision 0064 by example; `test_repairs_everywhere` applies them to every schema."""

from __future__ import annotations

import pytest

from ocpp_server.protocol import exact
from ocpp_server.protocol.exact import Kind


@pytest.mark.parametrize(
    ("kind", "path", "expected"),
    [
        ("request", "idTag", True),
        ("request", "idTagInfo.parentIdTag", True),
        ("request", "prioritizedEMAIDs", True),
        ("request", "customerIdentifier", True),
        ("request", "additionalInfo.additionalIdToken", True),
        ("request", "transactionId", True),
        ("request", "tariffIds", True),
        ("request", "taxRuleID", True),
        ("request", "chargingProfile.id", True),
        ("request", "evse.id", False),
        ("request", "id", True),
        ("request", "evseId", False),
        ("request", "connectorId", False),
        ("request", "vendorId", False),
        ("request", "messageId", False),
        ("request", "eventData.eventId", False),
        ("request", "ocspRequestData.issuerNameHash", True),
        ("request", "signature", True),
        ("request", "meterValue.sampledValue.signedMeterValue.signingMethod", True),
        ("request", "certificateHashData.serialNumber", True),
        ("request", "chargingStation.serialNumber", False),
        ("request", "customerCertificate.serialNumber", True),
        ("request", "status", False),
        ("response", "status", True),
        ("response", "getVariableResult.attributeStatus", True),
        ("request", "meterStart", False),
        ("request", "seqNo", False),
        ("request", "signatureOfNothing", False),
        ("request", "idle", False),
    ],
)
def test_tokens_ids_signed_values_and_statuses_of_answers_are_taken_as_they_are(
    kind: Kind, path: str, expected: bool
) -> None:
    assert exact.is_exact(kind, path.split(".")) == expected


def test_signed_values_are_inside_of_their_object_and_not_the_object_itself() -> None:
    assert not exact.is_signed(["sampledValue", "signedMeterValue"])
    assert exact.is_signed(["signedMeterValue", "publicKey"])
    assert not exact.is_signed(["serialNumber"])
    assert not exact.is_signed(["hashData", "serial"])


@pytest.mark.parametrize(
    ("path", "is_address"),
    [
        ("connectorId", True),
        ("evseId", True),
        ("evseIds", True),
        ("evse.id", True),
        ("component.evse.id", True),
        ("id", False),
        ("evse.connectorId", True),
        ("evse", False),
        ("evse.id.x", False),
    ],
)
def test_the_numbers_of_evses_and_connectors_are_addresses_and_no_ids(path: str, is_address: bool) -> None:
    assert exact.is_address(path.split(".")) == is_address
    if is_address:
        assert not exact.is_id(path.split("."))


def test_the_registers_of_1_6_are_those_of_a_start_and_a_stop() -> None:
    assert [exact.is_register([name]) for name in ("meterStart", "meterStop", "value")] == [True, True, False]


@pytest.mark.parametrize(
    ("action", "kind", "path", "expected"),
    [
        ("MeterValues", "request", "meterValue", True),
        ("Authorize", "request", "iso15118CertificateHashData", False),
        ("Authorize", "response", "anything", True),
        ("Get15118EVCertificate", "request", "prioritizedEMAIDs", False),
        ("GetCertificateChainStatus", "request", "certificateStatusRequests", False),
        ("SetVariables", "response", "setVariableResult", False),
        ("GetVariables", "response", "getVariableResult", True),
        ("SetVariables", "request", "setVariableResult", True),
        ("GetConfiguration", "response", "configurationKey", True),
        ("ReportChargingProfiles", "request", "chargingProfile", True),
        ("ReportChargingProfiles", "request", "chargingProfile.chargingSchedule", False),
        ("GetCompositeSchedule", "response", "schedule.chargingSchedulePeriod", False),
        ("NotifyEVChargingNeeds", "request", "chargingNeeds.evEnergyOffer", True),
        ("ReportDERControl", "request", "curve.curveData", False),
        ("NotifyEvent", "request", "idToken.additionalInfo", False),
    ],
)
def test_an_item_may_be_lost_where_each_is_a_statement_of_its_own(
    action: str, kind: Kind, path: str, expected: bool
) -> None:
    assert exact.may_lose_items(action, kind, path.split(".")) == expected


@pytest.mark.parametrize(
    ("kind", "name", "expected"),
    [
        ("response", "setVariableResult", True),
        ("response", "clearTariffsResult", True),
        ("response", "getVariableResult", False),
        ("response", "resultOfNothing", False),
        ("request", "setVariableResult", False),
    ],
)
def test_the_results_of_a_change_are_those_of_its_answer(kind: Kind, name: str, expected: bool) -> None:
    assert exact.is_result_of_change(kind, [name]) == expected
