"""Rows of lists whose rows belong to a station or a template, for the test of their pages."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from certificates.models import AuthorityRequest, CertificateAuthority, IssuedCertificate, SigningRequest
from chargepoints.models import (
    BatterySwap,
    ChargePoint,
    DeviceEvent,
    DisplayMessage,
    FirmwareDownload,
    FirmwareFile,
    FirmwareUpdate,
    LogUpload,
    PublishedFirmware,
    SecurityEvent,
    SecurityProfileChange,
)
from configuration.models import (
    ConfigurationTemplate,
    DesiredValue,
    EventStream,
    NetworkProfile,
    ReportedKey,
    StreamMessage,
    TemplateAssignment,
    VariableMonitor,
)
from smart_charging.models import ChargingPlan, DerAlarm, DerControl, ExternalLimit, InstalledProfile
from tariffs.models import Payment, SessionCost, StationTariff, WebPayment
from tests.api.conftest import NOON
from transactions.models import Transaction


def a_log(parents: Any, number: int) -> LogUpload:
    at = NOON + timedelta(seconds=number // 3)
    return LogUpload.objects.create(
        charge_point=parents.station,
        kind=LogUpload.Kind.SECURITY_LOG,
        created_at=at,
        updated_at=at,
        expires_at=at,
    )


def a_firmware(parents: Any, number: int) -> FirmwareFile:
    return FirmwareFile.objects.create(name=f"N{number}", version="1.2", url="https://example.com/fw.bin")


def a_download(parents: Any, number: int) -> FirmwareDownload:
    return FirmwareDownload.objects.create(
        firmware=parents.firmware, charge_point=parents.station, expires_at=NOON
    )


def an_update(parents: Any, number: int) -> FirmwareUpdate:
    at = NOON + timedelta(seconds=number // 3)
    return FirmwareUpdate.objects.create(
        charge_point=parents.station, version="1.2", retrieve_at=at, created_at=at, updated_at=at
    )


def a_security_event(parents: Any, number: int) -> SecurityEvent:
    at = NOON + timedelta(seconds=number // 3)
    return SecurityEvent.objects.create(charge_point=parents.station, type="T", at=at, received_at=at)


def a_device_event(parents: Any, number: int) -> DeviceEvent:
    return DeviceEvent.objects.create(
        charge_point=parents.station,
        event_id=number,
        component="EVSE",
        variable="Power",
        at=NOON,
        received_at=NOON,
    )


def a_desired_value(parents: Any, number: int) -> DesiredValue:
    return DesiredValue.objects.create(charge_point=parents.station, key=f"Key{number}", value="1")


def a_reported_value(parents: Any, number: int) -> ReportedKey:
    return ReportedKey.objects.create(charge_point=parents.station, key=f"Key{number}", reported_at=NOON)


def a_network_profile(parents: Any, number: int) -> NetworkProfile:
    return NetworkProfile.objects.create(
        charge_point=parents.station,
        slot=number,
        csms_url="wss://example.com",
        message_timeout=30,
        security_profile=2,
        sent_at=NOON,
    )


def a_template(parents: Any, number: int) -> ConfigurationTemplate:
    return ConfigurationTemplate.objects.create(
        name=f"T{number}", name_key=f"t{number}", dialect="2.x", values={}
    )


def an_assignment(parents: Any, number: int) -> TemplateAssignment:
    return TemplateAssignment.objects.create(
        template=parents.template, charge_point=ChargePoint.objects.create(identity=f"A-{number}")
    )


def a_profile(parents: Any, number: int) -> InstalledProfile:
    return InstalledProfile.objects.create(
        charge_point=parents.station,
        profile_id=number,
        evse_number=1,
        purpose="TxDefaultProfile",
        stack_level=number,
        kind="Relative",
        payload={},
        installed_at=NOON + timedelta(seconds=number // 3),
    )


def a_monitor(parents: Any, number: int) -> VariableMonitor:
    return VariableMonitor.objects.create(
        charge_point=parents.station,
        monitor_id=number,
        component="EVSE",
        variable="Power",
        type="Delta",
        value=1,
        severity=number % 10,
        reported_at=NOON,
    )


def an_event_stream(parents: Any, number: int) -> EventStream:
    return EventStream.objects.create(
        charge_point=parents.station,
        stream_id=number,
        monitor_id=1,
        opened_at=NOON + timedelta(seconds=number // 3),
    )


def a_stream_message(parents: Any, number: int) -> StreamMessage:
    stream = EventStream.objects.filter(charge_point=parents.station).first()
    return StreamMessage.objects.create(
        stream=stream or an_event_stream(parents, 1), base_at=NOON, data=[[0, "1"]], received_at=NOON
    )


def a_display_message(parents: Any, number: int) -> DisplayMessage:
    return DisplayMessage.objects.create(
        charge_point=parents.station,
        number=number,
        priority="NormalCycle",
        format="UTF8",
        content="A",
        created_at=NOON + timedelta(seconds=number // 3),
    )


def a_swap(parents: Any, number: int) -> BatterySwap:
    at = NOON + timedelta(seconds=number // 3)
    return BatterySwap.objects.create(
        charge_point=parents.station, number=number, id_token="A", created_at=at
    )


def a_publication(parents: Any, number: int) -> PublishedFirmware:
    return PublishedFirmware.objects.create(
        id=f"c{number}",
        charge_point=parents.station,
        number=number,
        checksum="0" * 32,
        created_at=NOON + timedelta(seconds=number // 3),
    )


def a_profile_change(parents: Any, number: int) -> SecurityProfileChange:
    return SecurityProfileChange.objects.create(
        charge_point=parents.station,
        previous=1,
        target=2,
        window=900,
        first_command=f"c{number}",
        created_at=NOON,
        stepped_at=NOON,
    )


def a_tariff(parents: Any, number: int) -> StationTariff:
    return StationTariff.objects.create(
        charge_point=parents.station,
        tariff_id=f"T{number}",
        evse_number=0,
        state=StationTariff.State.ACCEPTED,
        set_at=NOON + timedelta(seconds=number // 3),
    )


def a_cost(parents: Any, number: int) -> SessionCost:
    """Its session stays when the row is deleted, so it is not one of the parents' station."""
    at = NOON + timedelta(seconds=number // 3)
    station = ChargePoint.objects.create(identity=f"C-{number}")
    session = Transaction.objects.create(
        id=1000 + number,
        ocpp_id=str(number),
        charge_point=station,
        started_at=at,
        start_received_at=at,
        last_message_at=at,
    )
    return SessionCost.objects.create(transaction=session, charge_point=station, updated_at=at)


def a_payment(parents: Any, number: int) -> Payment:
    at = NOON + timedelta(seconds=number // 3)
    return Payment.objects.create(
        charge_point=parents.station,
        psp_ref=f"P{number}",
        status=Payment.Status.SETTLED,
        settled_at=at,
        received_at=at,
        updated_at=at,
    )


def a_web_payment(parents: Any, number: int) -> WebPayment:
    at = NOON + timedelta(seconds=number // 3)
    return WebPayment.objects.create(
        charge_point=parents.station,
        evse_number=1,
        totp_interval=number,
        opened_at=at,
        expires_at=at,
        updated_at=at,
    )


def a_signing_request(parents: Any, number: int) -> SigningRequest:
    at = NOON + timedelta(seconds=number // 3)
    return SigningRequest.objects.create(
        charge_point=parents.station,
        type=IssuedCertificate.Type.STATION,
        csr="CSR",
        created_at=at,
        updated_at=at,
    )


def an_authority(parents: Any, number: int) -> CertificateAuthority:
    return CertificateAuthority.objects.create(
        name=f"CA {number}",
        key_type=CertificateAuthority.KeyType.ECDSA,
        key_name=f"ca-{number}",
        sha256=f"{number:064x}",
        not_before=NOON,
        not_after=NOON,
    )


def an_issued_certificate(parents: Any, number: int) -> IssuedCertificate:
    return IssuedCertificate.objects.create(
        authority=an_authority(parents, number),
        charge_point=parents.station,
        type=IssuedCertificate.Type.STATION,
        serial=f"{number:x}",
        sha256=f"{number:064x}",
        not_before=NOON,
        not_after=NOON + timedelta(seconds=number // 3),
    )


def an_authority_request(parents: Any, number: int) -> AuthorityRequest:
    return AuthorityRequest.objects.create(organization=f"O{number}")


def a_limit(parents: Any, number: int) -> ExternalLimit:
    return ExternalLimit.objects.create(
        id=f"l{number}",
        charge_point=parents.station,
        evse_number=number,
        source="EMS",
        set_at=NOON + timedelta(seconds=number // 3),
    )


def a_plan(parents: Any, number: int) -> ChargingPlan:
    plan = ChargingPlan.objects.create(
        transaction=parents.a_session(number),
        charge_point=parents.station,
        updated_at=NOON + timedelta(seconds=number // 3),
    )
    # A station with a session can't be deleted: the session goes with its plan.
    plan.delete = plan.transaction.delete  # type: ignore[method-assign]
    return plan


def a_control(parents: Any, number: int) -> DerControl:
    return DerControl.objects.create(
        id=f"c{number}",
        charge_point=parents.station,
        control_id=str(number),
        updated_at=NOON + timedelta(seconds=number // 3),
    )


def an_alarm(parents: Any, number: int) -> DerAlarm:
    at = NOON + timedelta(seconds=number // 3)
    return DerAlarm.objects.create(
        id=f"a{number}", charge_point=parents.station, control_type="VoltVar", opened_at=at, updated_at=at
    )
